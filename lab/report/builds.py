"""What hammering came to on several builds side by side: for the terminal, as Markdown and as a page."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from lab.builds import Column, Figures
from lab.report.lines import clip, percent, printable
from lab.report.text import page_width

_MOST_OUTCOMES = 12
_WIDEST_OUTCOME = 40
_INDENT = "    "
_GAP = "   "


@dataclass(frozen=True)
class Row:
    """One line of the table: a cell for each build."""

    label: str
    cells: tuple[str, ...]
    outcome: bool = False
    mark: str = ""  # of an outcome: forbidden
    meaning: str = ""  # of an outcome


@dataclass(frozen=True)
class Comparison:
    """One variant on every build: what is printed, whatever prints it."""

    title: str
    status: str
    headline: str
    heads: tuple[tuple[str, ...], ...]  # of each build: its version, its kind, and where these are not enough its path
    rows: tuple[Row, ...]
    notes: tuple[tuple[str, str], ...]  # a label of one word, and its text


def comparisons(columns: Sequence[Column]) -> list[Comparison]:
    """One for each variant that was hammered on the first build, which is the one that asked."""
    return [_compared(one.variant, columns) for one in columns[0].figures]


def _compared(variant: str, columns: Sequence[Column]) -> Comparison:
    found = [(column, one) for column in columns if (one := column.of(variant)) is not None]
    figures = [one for _, one in found]
    named = list(zip(_names([column for column, _ in found]), figures, strict=True))
    return Comparison(
        printable(figures[0].title),
        "fails" if any(one.status == "fails" for one in figures) else "unknown",
        _headline(named),
        _heads([column for column, _ in found]),
        (*_rows(figures), *_outcome_rows(figures)),
        tuple(_notes(named)),
    )


def _heads(columns: Sequence[Column]) -> tuple[tuple[str, ...], ...]:
    """Two interpreters may be the same build with other packages: then their paths tell them apart."""
    names = [column.name for column in columns]
    several = len(set(names)) < len(names)
    return tuple((one.interpreter.version, one.kind, *([one.interpreter.path] if several else [])) for one in columns)


def _names(columns: Sequence[Column]) -> list[str]:
    """The heads in a sentence."""
    return [" ".join((*head[:2], *(f"({path})" for path in head[2:]))) for head in _heads(columns)]


def _headline(named: Sequence[tuple[str, Figures]]) -> str:
    """Where it failed and where it was not seen to: what the figures show and no more."""
    failing = [name for name, one in named if one.failed]
    others = [name for name, one in named if not one.failed]
    quiet = [name for name, one in named if one.by_noise.get("quiet", (0, 0))[0]]
    if not failing:
        return "no round failed" if len(named) == 1 else "no round failed on any build"
    if others:
        told = f"fails on {' and '.join(failing)}, was not seen to on {' or '.join(others)}"
    else:
        told = "fails" if len(named) == 1 else "fails on every build"
    if not quiet:
        return f"{told}; with noise only"
    return told if len(quiet) == len(failing) else f"{told}; without noise on {' and '.join(quiet)} only"


def _rows(figures: Sequence[Figures]) -> Iterator[Row]:
    yield Row("rounds", tuple(f"{one.rounds:,}" for one in figures))
    yield Row("failed", tuple(f"{one.failed:,}" for one in figures))
    yield Row("rate", tuple(map(_rate, figures)))
    for name in ("quiet", "noisy"):
        if any(name in one.by_noise for one in figures):
            yield Row(f"failed, {name}", tuple(_part(one, name) for one in figures))
    if any(one.overlap for one in figures):
        yield Row("overlapped", tuple(percent(one.overlap) for one in figures))


def _rate(one: Figures) -> str:
    low, high = map(percent, one.interval)
    return f"{percent(one.failed / one.rounds)} ({low} to {high})" if one.failed else f"below {high}"


def _part(one: Figures, name: str) -> str:
    if name not in one.by_noise:
        return "-"
    failed, rounds = one.by_noise[name]
    return f"{percent(failed / rounds)} of {rounds:,}" if failed else f"0 of {rounds:,}"


def _outcome_rows(figures: Sequence[Figures]) -> list[Row]:
    """One row an outcome, first what is seen most on all builds together; beyond a dozen only the forbidden ones."""
    counts: dict[str, list[int]] = {}
    told: dict[str, tuple[str, str]] = {}
    for position, one in enumerate(figures):
        for outcome in one.outcomes:
            counts.setdefault(outcome.shown, [0] * len(figures))[position] = outcome.count
            told[outcome.shown] = ("forbidden" if outcome.forbidden else "", printable(outcome.description))
    order = sorted(counts, key=lambda shown: -sum(counts[shown]))
    kept = [
        shown
        for position, shown in enumerate(order)
        if position < _MOST_OUTCOMES or (told[shown][0] and any(counts[shown]))
    ]
    rows = []
    for shown in kept:
        label = clip(printable(shown), _WIDEST_OUTCOME)
        rows.append(
            Row(label, tuple(f"{count:,}" if count else "never" for count in counts[shown]), True, *told[shown])
        )
    if len(kept) < len(order):
        rows.append(Row(f"... {len(order) - len(kept):,} more ...", ("",) * len(figures), True))
    return rows


def _notes(named: Sequence[tuple[str, Figures]]) -> Iterator[tuple[str, str]]:
    """Each note once; where not every build has it, with those that do."""
    who: dict[str, list[str]] = {}
    for name, one in named:
        for note in (*one.notes, *([f"promise: {one.broken}"] if one.broken else [])):
            if not note.startswith("bound: "):  # which the rate tells as well
                who.setdefault(note, []).append(name)
    for note, names in who.items():
        label, _, text = note.partition(": ")
        where = "" if len(names) == len(named) else f" ({', '.join(names)})"
        yield printable(label), printable(f"{text}{where}")


# ------------------------------------------------------------------ the terminal


def render(columns: Sequence[Column], width: int | None = None) -> str:
    """The report for the terminal: a table for each variant, in as many parts as the width asks for."""
    width = width or page_width()
    return "\n\n".join("\n".join(line.rstrip() for line in _told(one, width)) for one in comparisons(columns))


def _told(one: Comparison, width: int) -> Iterator[str]:
    head = f"{one.status.upper()}  {one.title}"
    if len(head) + len(one.headline) + 6 <= width:
        yield f"{head}      {one.headline}"
    else:
        yield head
        indent = " " * (len(one.status) + 2)
        yield from textwrap.wrap(
            one.headline, width, initial_indent=indent, subsequent_indent=indent, break_on_hyphens=False
        )
    for start, end in _parts(one, width):
        yield ""
        yield from _table(one, start, end, width)
    if one.notes:
        yield ""
    for label, text in one.notes:
        yield from textwrap.wrap(
            f"{_INDENT}{label:<10} {text}", width, subsequent_indent=" " * 15, break_on_hyphens=False
        )


def _sizes(one: Comparison) -> tuple[int, list[int]]:
    label = max(len(row.label) + (2 if row.outcome else 0) for row in one.rows)
    cells = [
        max(*map(len, head), *(len(row.cells[position]) for row in one.rows)) for position, head in enumerate(one.heads)
    ]
    return label, cells


def _parts(one: Comparison, width: int) -> Iterator[tuple[int, int]]:
    """From which build to which each part of the table goes."""
    label, cells = _sizes(one)
    start, used = 0, len(_INDENT) + label
    for position, size in enumerate(cells):
        if position > start and used + len(_GAP) + size > width:
            yield start, position
            start, used = position, len(_INDENT) + label
        used += len(_GAP) + size
    yield start, len(cells)


def _table(one: Comparison, start: int, end: int, width: int) -> Iterator[str]:
    label, cells = _sizes(one)

    def line(first: str, texts: Iterable[str]) -> str:
        padded = (text.rjust(size) for text, size in zip(texts, cells[start:end], strict=True))
        return _GAP.join([f"{_INDENT}{first.ljust(label)}", *padded])

    for part in range(len(one.heads[0])):
        yield line("", (head[part] for head in one.heads[start:end]))
    outcomes = False
    for row in one.rows:
        if row.outcome and not outcomes:
            outcomes = True
            yield f"{_INDENT}outcomes"
        text = line(f"  {row.label}" if row.outcome else row.label, row.cells[start:end])
        marks = max(len(other.mark) for other in one.rows)
        beside = f"{text}{_GAP}{row.mark.ljust(marks)}{_GAP if marks else ''}{row.meaning}".rstrip()
        if len(beside) <= width or not row.meaning:
            yield beside
        else:
            yield f"{text}{_GAP}{row.mark}"
            yield from textwrap.wrap(row.meaning, width, initial_indent=" " * 8, subsequent_indent=" " * 8)


# ------------------------------------------------------------------ Markdown


def markdown(columns: Sequence[Column]) -> str:
    """A section with a table for each variant."""
    return "\n".join(line for one in comparisons(columns) for line in _section(one))


def _section(one: Comparison) -> Iterator[str]:
    yield f"## {_escaped(one.title)}"
    yield ""
    yield f"**{one.status}**: {_escaped(one.headline)}"
    yield ""
    yield _line("", *(_escaped(" ".join(head)) for head in one.heads), "")
    yield "|---|" + "---:|" * len(one.heads) + "---|"
    for row in one.rows:
        label = _code(row.label) if row.outcome and any(row.cells) else _escaped(row.label)
        meaning = ": ".join(filter(None, (row.mark and f"**{row.mark}**", _escaped(row.meaning))))
        yield _line(label, *row.cells, meaning)
    yield ""
    for label, text in one.notes:
        yield f"- {_escaped(label)}: {_escaped(text)}"
    if one.notes:
        yield ""


def _line(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


def _escaped(text: str) -> str:
    """Text that Markdown does not take for anything else, and that stays in its cell."""
    return "".join(f"\\{one}" if one in "\\`*_[]<>|#&~" else one for one in text)


def _code(text: str) -> str:
    """Text as code in a cell: in more backticks than it has in a row, and with no bar of its own."""
    fence = "`"
    while fence in text:
        fence += "`"
    pad = " " if text.startswith("`") or text.endswith("`") else ""
    return f"{fence}{pad}{text}{pad}{fence}".replace("|", "\\|")


# ------------------------------------------------------------------ a page


def builds_page(columns: Sequence[Column]) -> str:
    """The same as a page, which needs no network and runs no script."""
    from lab.report.html.pages import page  # templates take a while to load

    return page("builds.html", comparisons=comparisons(columns))
