"""The steps of a trace: one column per actor, and beside them the source lines.

Where the source would not fit beside the columns it stands below them, each line
once.  Where not even the columns fit, an actor's column holds no more than its
name, and all steps share one.
"""

from __future__ import annotations

import io
import linecache
import os
import textwrap
import tokenize
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from lab.report.lines import clip, printable
from lab.trace import Step

MOST_ROWS = 40
_HEAD, _TAIL = 12, 20  # of a longer trace; how it ends says more than how it began
_FEW = 3  # the same so often in a row stands in one line
_NUMBER = 6  # columns of the step number and the gap behind it
_GAP = 2
_WIDEST_NAME = 24
_WIDEST_STEP = 56  # a longer one is wrapped
_NARROWEST_STEP = 24
_NARROWEST_COLUMN = 18  # so that a mark between two neighbours has room for its word
_ENOUGH_SOURCE = 32  # columns in which most lines can be recognised


@dataclass(frozen=True)
class _Row:
    number: int  # of the step, from 0
    times: int  # how many steps in a row are just like it
    column: int
    what: str
    place: str
    source: str
    again: bool  # the same line as in the row before
    critical: bool  # one of the steps that decided


def trace_lines(
    steps: Sequence[Step],
    labels: Mapping[str, str],
    whats: Sequence[str],
    width: int,
    critical: Iterable[int] = (),
) -> list[str]:
    """The steps in at most ``width`` columns.

    ``labels`` are the actors in the order of their columns with the text above each, ``whats`` tells what each
    step did.  ``critical`` steps, counted from 0, are marked, and shown even in the middle of a long trace.
    """
    active = [actor for actor in labels if any(step.actor == actor for step in steps)]
    for file in {step.place.file for step in steps}:
        linecache.checkcache(file)  # it may have been edited since
    file = printable(os.path.basename(steps[0].place.file)) if len({step.place.file for step in steps}) == 1 else ""
    rows = list(_rows(steps, active, whats, _shown(len(steps), critical), set(critical), bool(file)))
    page = _Page.fitting(rows, [clip(labels[actor], _WIDEST_NAME) for actor in active], file, width)
    return [*page.lines(rows), *page.listing(rows)]


def _rows(
    steps: Sequence[Step], active: list[str], whats: Sequence[str], shown: list[int], critical: set[int], one_file: bool
) -> Iterator[_Row]:
    before = None
    for position, times in _runs(steps, whats, shown, critical):
        step = steps[position]
        file, line = step.place.file, step.place.line
        where = f"{line}" if one_file else f"{printable(os.path.basename(file))}:{line}"
        source = printable(_code(linecache.getline(file, line)))
        again = before == (step.actor, file, line)
        column = active.index(step.actor)
        what = whats[position] if times == 1 else f"{whats[position]}, {times} times"
        yield _Row(position, times, column, what, where, source, again, position in critical)
        before = (step.actor, file, line)


def _runs(
    steps: Sequence[Step], whats: Sequence[str], shown: list[int], critical: set[int]
) -> Iterator[tuple[int, int]]:
    """Steps that are shown, each with how often the same is done in a row, as by who asks again and again."""
    runs: list[list[int]] = []
    for position in shown:
        last = runs[-1][-1] if runs else -2
        again = position == last + 1 and _alike(steps, whats, last, position) and critical.isdisjoint((last, position))
        if again:
            runs[-1].append(position)
        else:
            runs.append([position])
    for run in runs:
        if len(run) < _FEW:
            yield from ((position, 1) for position in run)
        else:
            yield run[0], len(run)


def _alike(steps: Sequence[Step], whats: Sequence[str], one: int, other: int) -> bool:
    first, second = steps[one], steps[other]
    return (first.actor, first.place, whats[one]) == (second.actor, second.place, whats[other])


def _shown(count: int, critical: Iterable[int]) -> list[int]:
    if count <= MOST_ROWS:
        return list(range(count))
    return sorted({*range(_HEAD), *range(count - _TAIL, count), *critical})


def _code(line: str) -> str:
    """The line without its comment: what that says of it is for those who read the file."""
    code = line.replace("\t", " ").strip()
    try:
        for token in tokenize.generate_tokens(io.StringIO(code).readline):
            if token.type == tokenize.COMMENT:
                return code[: token.start[1]].rstrip() or code
    except (tokenize.TokenError, SyntaxError):  # one line of a longer statement
        pass
    return code


@dataclass(frozen=True)
class _Page:
    """How wide each part is, gaps included."""

    heads: list[str]
    file: str  # empty where there are several
    actors: list[int]
    step: int  # of the one column for all steps; 0 where each stands in its actor's
    place: int
    source: int  # 0 where the source stands below
    width: int

    @classmethod
    def fitting(cls, rows: list[_Row], heads: list[str], file: str, width: int) -> _Page:
        """The first way to lay the rows out that needs no more than ``width`` columns."""
        names = [len(head) + _GAP for head in heads]
        steps = [
            max(
                [
                    name,
                    _NARROWEST_COLUMN,
                    *(min(len(row.what), _WIDEST_STEP) + _GAP for row in rows if row.column == column),
                ]
            )
            for column, name in enumerate(names)
        ]
        widest = max(min(len(row.what), _WIDEST_STEP) for row in rows) + _GAP
        place = max(len(row.place) for row in rows) + _GAP
        longest = max(len(row.source) for row in rows)
        for actors, step in ((steps, 0), (names, widest)):
            free = width - _NUMBER - sum(actors) - step - place
            if free >= min(longest, _ENOUGH_SOURCE):
                return cls(heads, file, actors, step, place, min(free, longest), width)
            if free >= 0:
                return cls(heads, file, actors, step, place, 0, width)
        step = max(_NARROWEST_STEP, width - _NUMBER - sum(names) - place)
        return cls(heads, file, names, step, place, 0, width)

    def lines(self, rows: list[_Row]) -> Iterator[str]:
        """Header and rows, with a mark at each switch and where steps are left out."""
        if header := self._header():
            yield header
        before: _Row | None = None
        for row in rows:
            left_out = row.number - (before.number + before.times if before is not None else 0)
            if left_out:
                yield f"{'':{_NUMBER}}... {left_out:,} {'step' if left_out == 1 else 'steps'} left out ..."
            elif before is not None and before.column != row.column:
                yield f"{'':{_NUMBER}}{self._switch(before.column, row.column)}"
            yield from self._row(row)
            before = row

    def listing(self, rows: list[_Row]) -> Iterator[str]:
        """The source lines, each once, where they do not stand beside the steps."""
        if self.source:
            return
        sources = dict(sorted({(row.place, row.source) for row in rows if row.source}, key=_by_line))
        size = max(map(len, sources), default=0)
        if sources:
            yield ""
        for place, source in sources.items():
            where = place.rjust(size) if self.file else place.ljust(size)
            yield f"{'':{_NUMBER}}{where}  {clip(source, self.width - _NUMBER - size - _GAP)}"

    def _header(self) -> str:
        cells = "" if self.step else "".join(map(str.ljust, self.heads, self.actors))
        if self.source:  # the file's name stands above the numbers of its lines
            return f"{'':{_NUMBER}}{cells.ljust(sum(self.actors) + self.step)}{self.file}".rstrip()
        cells = cells.rstrip()
        free = sum(self.actors) + self.step + self.place - _GAP - len(cells)
        return f"{'':{_NUMBER}}{cells}{self.file.rjust(max(free, len(self.file) + _GAP))}".rstrip()

    def _switch(self, source: int, target: int) -> str:
        low, high = sorted((source, target))
        line = "-" * (sum(self.actors[low:high]) - 1)
        word = " switch "
        if not self.step:
            middle = (len(line) - len(word)) // 2
            line = line[:middle] + word + line[middle + len(word) :]
        return " " * sum(self.actors[:low]) + (f"{line}>" if source < target else f"<{line}")

    def _row(self, row: _Row) -> Iterator[str]:
        if self.step:
            left = (" " * sum(self.actors[: row.column]) + self.heads[row.column]).ljust(sum(self.actors))
            room, rest = self.step, self.step
        else:
            left = " " * sum(self.actors[: row.column])
            room, rest = self.actors[row.column], sum(self.actors[row.column :])
        told = textwrap.wrap(row.what, room - _GAP, subsequent_indent="  ", break_on_hyphens=False) or [""]
        place = "" if row.again and self.source else row.place
        place = place.rjust(self.place - _GAP) if self.file else place.ljust(self.place - _GAP)
        source = clip(row.source, self.source) if self.source and not row.again else ""
        mark = "*" if row.critical else " "
        yield f"{row.number + 1:>4}{mark} {left}{told[0].ljust(rest)}{place}  {source}".rstrip()
        for line in told[1:]:
            yield f"{'':{_NUMBER + len(left)}}{line}"


def _by_line(source: tuple[str, str]) -> tuple[str, int]:
    file, _, line = source[0].rpartition(":")
    return file, int(line)
