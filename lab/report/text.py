"""The report of a verdict as lines of text: one column per actor, one screen for a small scenario."""

from __future__ import annotations

import shutil
import textwrap
from collections.abc import Iterator, Sequence

from lab import keeping
from lab.program import NOTHING
from lab.report.columns import trace_lines
from lab.report.labels import Labels
from lab.report.lines import (
    called,
    duration,
    found_line,
    hammer_line,
    here_line,
    printable,
    rounds_line,
    shown_value,
    without_addresses,
)
from lab.verdict import Verdict

WIDEST = 120
_NARROWEST = 60
_PYTEST_MARGIN = len("E       ")  # what pytest puts before each line of an exception's text
_MOST_OUTCOMES = 12
_MOST_ESCAPED = 5
_LABEL = 15  # columns before the text of a fact


def render(verdict: Verdict, width: int | None = None, asserted: str = "") -> str:
    """The whole report.

    ``width`` in columns is the terminal's unless given.  ``asserted`` is what the caller
    had asserted: its report is shown by pytest, with a margin.
    """
    width = width or page_width(_PYTEST_MARGIN if asserted else 0)
    witness, failure = verdict.witness, verdict.failure
    steps = witness.trace.steps if witness is not None and verdict.status == "fails" else ()
    whats = [step.what for step in steps]
    message = without_addresses(failure.message) if failure is not None else ""
    detail = failure.detail if failure is not None and verdict.status == "fails" else ()
    labels = Labels([*(witness.actors if witness is not None else ()), *whats, message, *detail])

    def told(text: str) -> str:
        return printable(labels.told(text))

    sections = [_headline(verdict, told(message or verdict.reason), width)]
    if witness is not None and steps:
        critical = [number - 1 for number in witness.critical]
        names = {actor: told(actor) for actor in witness.actors}
        sections.append(trace_lines(steps, names, [told(what) for what in whats], width, critical))
        if witness.repeats:
            sections.append(_paragraph(f"{rounds_line(witness)}.", width, hang=0))
        if witness.story:
            sections.append(_paragraph(told(witness.story), width, hang=0))
    sections.append([line for one in detail for line in _paragraph(told(one), width, hang=2)])
    below = [line for label, text in facts(verdict, asserted) for line in _fact(label, told(text), width)]
    sections.append([*_outcomes(verdict, width), *below])
    return "\n\n".join("\n".join(line.rstrip() for line in section) for section in sections if section)


def page_width(margin: int = 0) -> int:
    """Columns of the terminal that a report may fill, beside a margin."""
    chosen = keeping.current()
    width = chosen.width if chosen is not None else None
    columns = width or shutil.get_terminal_size((WIDEST + margin, 24)).columns
    return max(_NARROWEST, min(columns - margin, WIDEST))


def _headline(verdict: Verdict, told: str, width: int) -> list[str]:
    failure = verdict.failure
    if verdict.status == "fails" and failure is not None:
        if len(told) > 2 * width:  # the table of outcomes tells what is allowed
            told = told.partition(" (allowed: ")[0]
        told = told if failure.kind == "outcome" else f"{failure.kind}: {told}"
    head = f"{verdict.status.upper()}  {printable(verdict.title)}".rstrip()
    gap = "      " if verdict.title else "  "
    if len(head) + len(gap) + len(told) <= width:
        return [f"{head}{gap}{told}"]
    indent = " " * (len(verdict.status) + 2)
    lines = textwrap.wrap(told, width, initial_indent=indent, subsequent_indent=indent)
    return [head, *lines] if verdict.title else [f"{head}{lines[0][len(head) :]}", *lines[1:]]


def _paragraph(text: str, width: int, hang: int) -> list[str]:
    indent = "    "
    return textwrap.wrap(
        text, width, initial_indent=indent, subsequent_indent=indent + " " * hang, break_on_hyphens=False
    )


def _outcomes(verdict: Verdict, width: int) -> list[str]:
    rows = list(outcome_rows(verdict))
    if not rows:
        return []
    left_out = 0
    if len(rows) > _MOST_OUTCOMES:
        kept = [
            row for position, row in enumerate(rows) if position < _MOST_OUTCOMES - 1 or (row[2] and row[1] != "never")
        ]
        left_out = len(rows) - len(kept)
        rows = kept
    sizes = [max(len(row[column]) for row in rows) for column in range(4)]
    beside = _LABEL + sum(sizes) + 9 <= width
    lines: list[str] = []
    for outcome, count, mark, description in rows:
        label = "" if lines else "outcomes"
        marked = f"   {mark.ljust(sizes[2])}" if sizes[2] else ""
        text = f"    {label:<{_LABEL - 4}}{outcome.ljust(sizes[0])}   {count.rjust(sizes[1])}{marked}"
        if beside:
            lines.append(f"{text}   {description}")
        else:
            indent = " " * (_LABEL + 2)
            lines += [text, *textwrap.wrap(description, width, initial_indent=indent, subsequent_indent=indent)]
    if left_out:
        lines.append(f"{'':{_LABEL}}... {left_out} more ...")
    return lines


def outcome_rows(verdict: Verdict) -> Iterator[tuple[str, str, str, str]]:
    """Outcome, how often it was seen, whether it is forbidden, what it means; the most frequent first."""
    unit = "round" if verdict.method == "hammer" else "schedule"
    seen = [one for one in verdict.outcomes.most_common() if one[0] is not NOTHING]
    unseen = [(outcome, 0) for outcome in verdict.descriptions if outcome not in verdict.outcomes]
    for outcome, count in [*seen, *unseen]:
        wrong = outcome in verdict.forbidden or (verdict.allowed is not None and outcome not in verdict.allowed)
        often = f"{count:,} {unit if count == 1 else unit + 's'}" if count else "never"
        yield (
            printable(shown_value(outcome)),
            often,
            "forbidden" if wrong else "",
            printable(str(verdict.descriptions.get(outcome, ""))),
        )


def facts(verdict: Verdict, asserted: str = "") -> Iterator[tuple[str, str]]:
    """What stands at the end of the report: a label of one word, and its text."""
    if verdict.method == "hammer":
        yield "hammer", hammer_line(verdict)
    elif verdict.method == "explore" and verdict.status == "fails":
        yield "found", found_line(verdict)
    elif verdict.method == "explore":
        yield "covered", _covered(verdict)
    if verdict.realizable:
        yield "here", here_line(verdict)
    if verdict.method == "replay" and verdict.status == "fails":
        yield "replay", verdict.reason
    for note in verdict.notes:
        label, _, text = note.partition(": ")
        yield label, text
    for escaped in verdict.uncontrolled[:_MOST_ESCAPED]:
        yield "escaped", escaped
    if len(verdict.uncontrolled) > _MOST_ESCAPED:
        yield "", f"... {len(verdict.uncontrolled) - _MOST_ESCAPED} more ..."
    if asserted and verdict.status != "fails":
        yield "asserted", asserted
    if verdict.replay:
        if verdict.witness is not None and verdict.witness.call > 1:
            yield "call", called(verdict.witness)
        yield "replay", verdict.replay
    elif verdict.witness is not None and verdict.method == "explore":
        yield "replay", "lab.replay(verdict.witness, setup, actors, ...)"


def _covered(verdict: Verdict) -> str:
    every = "every schedule" if verdict.status == "holds" else "not every schedule"
    bound = f" (limit: {verdict.bound})" if verdict.bound else ""
    return f"{every} at {verdict.granularity} granularity{bound}; {duration(verdict.seconds)}"


def _fact(label: str, text: str, width: int) -> Sequence[str]:
    head = f"    {label:<{_LABEL - 4}}"
    if label == "replay":
        return [head + text]  # to be copied whole
    return textwrap.wrap(
        text, width, initial_indent=head, subsequent_indent=" " * _LABEL, break_long_words=False, break_on_hyphens=False
    )
