"""What stands on the pages of the site, made of the records of its scenarios."""

from __future__ import annotations

import difflib
import math
import textwrap
from collections.abc import Iterator, Sequence
from typing import Any

from lab.report.html.code import coloured
from lab.report.html.pages import page
from lab.site.glossary import WORDS, Linking, code, words_in

HERE = "lab.site"
Record = dict[str, Any]
MODELS = ("threads", "tasks", "processes")
LEVELS = ("easy", "medium", "hard")
_EASY, _MEDIUM = 7.0, 10.0


def pages_of(records: Sequence[Record]) -> dict[str, str]:
    """Every page, by its file name."""
    rows = [_row(record) for record in records]
    texts = {row["file"]: _text_of(record) for row, record in zip(rows, records, strict=True)}
    pages = {row["file"]: _scenario_page(record, row, rows) for row, record in zip(rows, records, strict=True)}
    pages["index.html"] = page(
        "index.html",
        package=HERE,
        styles=["site.css"],
        scripts=["index.js"],
        rows=rows,
        models=[model for model in MODELS if any(row["model"] == model for row in rows)],
        levels=LEVELS,
        bugs=_grouped(rows, lambda row: [row["bug_class"]]),
        weaknesses=_grouped(rows, lambda row: row["cwe"]),
        code=code,
        search=[[row["file"], texts[row["file"]].lower()] for row in rows],
    )
    met = {word.name: [row for row in rows if word.name in words_in(texts[row["file"]])] for word in WORDS}
    pages["glossary.html"] = page(
        "glossary.html",
        package=HERE,
        styles=["site.css"],
        words=[(word, _meaning(word), met[word.name]) for word in WORDS],
    )
    return pages


def _meaning(word: Any) -> Any:
    link = Linking("")
    link(word.name)  # a word is not explained by a link to itself
    return link(word.meaning)


def _row(record: Record) -> Record:
    """What stands of a scenario on the first page."""
    unsafe, fixed = _variant(record, "unsafe"), _variant(record, "fixed")
    score = difficulty(unsafe["steps"], unsafe["switches"], fixed["schedules"], unsafe["rate"])
    title, _, rest = record["title"].partition(": ")
    return {
        "file": f"{record['family']}-{record['name']}.html",
        "name": record["name"],
        "family": record["family"],
        "title": title if rest else record["name"].replace("_", " ").capitalize(),
        "teaser": rest[:1].upper() + rest[1:] or title,
        "bug_class": record["bug_class"],
        "cwe": record["cwe"],
        "model": record["model"],
        "level": LEVELS[0 if score < _EASY else 1 if score < _MEDIUM else 2],
        "score": score,
        "steps": unsafe["steps"],
        "switches": unsafe["switches"],
        "classes": fixed["schedules"] if fixed["verdict"]["status"] == "holds" else None,
        "rate": unsafe["rate"],
        "playable": not unsafe["game"]["why_not"],
    }


def difficulty(steps: int, switches: int, classes: int, rate: float) -> float:
    """How hard a bug is to see: the more steps and switches it takes, the more there is to go through, the rarer it is.

    ``steps`` and ``switches`` are those of the shrunk witness, ``classes`` how many schedules were explored of the
    fixed variant, ``rate`` the share of hammered rounds that failed.
    """
    rare = min(4.0, -math.log10(rate)) if rate > 0 else 4.0
    return round(math.log2(1 + steps) + switches / 2 + math.log10(1 + classes) + rare / 2, 1)


def _variant(record: Record, name: str) -> Record:
    found: Record = next(one for one in record["variants"] if one["name"] == name)
    return found


def _text_of(record: Record) -> str:
    parts = [record["title"], record["story"], record["bug_class"], record["name"].replace("_", " "), record["hint"]]
    parts += [*record["review"], *record["seen_in"], record["model"], *(f"CWE-{one}" for one in record["cwe"])]
    parts += [one["pattern"] for one in record["variants"]]
    return " ".join(" ".join(parts).split())


def _grouped(rows: Sequence[Record], keys: Any) -> list[tuple[Any, list[Record]]]:
    found: dict[Any, list[Record]] = {}
    for row in rows:
        for key in keys(row):
            found.setdefault(key, []).append(row)
    return sorted(found.items())


# ------------------------------------------------------------------ the page of a scenario


def _scenario_page(record: Record, row: Record, rows: Sequence[Record]) -> str:
    unsafe, fixed = _variant(record, "unsafe"), _variant(record, "fixed")
    wrong = [one for one in record["variants"] if one["must_fail"] and one is not unsafe]
    number = rows.index(row)
    return page(
        "scenario.html",
        package=HERE,
        styles=["site.css"],
        scripts=["player.js", "play.js"],
        record=record,
        row=row,
        link=Linking(),
        code=code,
        story=list(_blocks(record["story"])),
        unsafe=unsafe,
        fixed=fixed,
        wrong=[(one, side_by_side(unsafe["source"], one["source"])) for one in wrong],
        diff=side_by_side(unsafe["source"], fixed["source"]),
        before=rows[number - 1] if number else None,
        after=rows[number + 1] if number + 1 < len(rows) else None,
        near=[one for one in rows if one is not row and one["bug_class"] == row["bug_class"]][:6],
    )


def _blocks(text: str) -> Iterator[tuple[str, str]]:
    """The paragraphs of a story, and what is indented in it, which is to be shown as it is."""
    for block in text.split("\n\n"):
        if block.startswith(" "):
            yield "as it is", textwrap.dedent(block)
        elif block.strip():
            yield "text", " ".join(block.split())


def side_by_side(before: str, after: str) -> list[tuple[str, Any, Any]]:
    """Rows of a comparison: what kind, the line on the left and the one on the right as HTML, or None.

    The kinds are ``same``, ``changed``, ``removed`` and ``added``.
    """
    left, right = textwrap.dedent(before).splitlines(), textwrap.dedent(after).splitlines()
    shown = coloured("\n".join(left)), coloured("\n".join(right))
    rows: list[tuple[str, Any, Any]] = []
    for kind, first, last, start, end in difflib.SequenceMatcher(None, left, right, autojunk=False).get_opcodes():
        one, other = shown[0][first:last], shown[1][start:end]
        for position in range(max(len(one), len(other))):
            here = one[position] if position < len(one) else None
            there = other[position] if position < len(other) else None
            name = "same" if kind == "equal" else "removed" if there is None else "added" if here is None else "changed"
            rows.append((name, here, there))
    return rows
