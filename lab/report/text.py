"""The report of a verdict as lines of text: one column per actor, one screen for a small scenario."""

from __future__ import annotations

import linecache
import os
import textwrap
from collections.abc import Sequence

from lab.report.story import critical_steps
from lab.trace import Step
from lab.verdict import Verdict

WIDTH = 118
_MOST_ROWS = 40


def render(verdict: Verdict) -> str:
    """The whole report."""
    if verdict.status != "fails":
        return _quiet(verdict)
    lines = [_headline(verdict)]
    if verdict.witness is not None and verdict.witness.trace.steps:
        lines += ["", *_columns(verdict.witness.trace.steps, verdict.witness.actors)]
    told = _detail(verdict)
    if told:
        lines += ["", *told]
    table = _outcomes(verdict)
    if table:
        lines += ["", *table]
    lines += [""] if not table else []
    lines += _facts(verdict)
    return "\n".join(line.rstrip() for line in lines)


def one_line(verdict: Verdict) -> str:
    """The verdict as it stands behind a passed test."""
    if verdict.method == "hammer":
        return _hammer_line(verdict)
    if verdict.status == "fails" and verdict.failure is not None:
        what = verdict.failure.message.partition(" (allowed:")[0]
        what = what if verdict.failure.kind in ("outcome", "exception") else f"{verdict.failure.kind}: {what}"
        if verdict.method == "replay" or verdict.witness is None:
            return f"fails: {what}"
        switches = verdict.witness.trace.switches
        plural = "switch" if switches == 1 else "switches"
        return f"fails: {_clip(what, 76)}, by schedule {verdict.witness.found:,} with {switches} {plural}"
    return f"{verdict.status}: {verdict.reason}, {_duration(verdict.seconds)}"


def _quiet(verdict: Verdict) -> str:
    lines = [f"{verdict.status.upper()}  {verdict.title}".rstrip() + f"      {verdict.reason}"]
    table = _outcomes(verdict)
    if table:
        lines += ["", *table]
    return "\n".join(line.rstrip() for line in [*lines, *_facts(verdict)])


def _headline(verdict: Verdict) -> str:
    failure = verdict.failure
    assert failure is not None
    kind = "" if failure.kind == "outcome" else f"{failure.kind}: "
    title = f"{verdict.title}      " if verdict.title else ""
    return f"FAILS  {title}{kind}{failure.message}"


# ------------------------------------------------------------------ columns


def _columns(steps: Sequence[Step], actors: Sequence[str]) -> list[str]:
    active = [actor for actor in actors if any(step.actor == actor for step in steps)]
    where = [f"{os.path.basename(step.place.file)}:{step.place.line}" for step in steps]
    right = max(len(text) for text in where)
    width = max(24, min(50, (WIDTH - 6 - right - 2) // max(1, len(active))))
    rows = ["      " + "".join(actor.ljust(width) for actor in active)]
    before: Step | None = None
    for position, step in enumerate(steps):
        skipped = len(steps) - _MOST_ROWS
        if skipped > 0 and position >= _MOST_ROWS // 2 and position < _MOST_ROWS // 2 + skipped:
            if position == _MOST_ROWS // 2:
                rows.append(f"      ... {skipped} steps left out ...")
            before = step
            continue
        column = active.index(step.actor)
        if before is not None and before.actor != step.actor:
            rows.append("      " + _switch(active.index(before.actor), column, width))
        rows += _row(position + 1, step, column, width, len(active), where[position], before)
        before = step
    return rows


def _switch(source: int, target: int, width: int) -> str:
    low, high = sorted((source, target))
    line = "-" * ((high - low) * width - 1)
    text = line[: len(line) // 2 - 4] + " switch " + line[len(line) // 2 + 4 :]
    arrow = text + ">" if source < target else "<" + text
    return " " * (low * width) + arrow


def _row(number: int, step: Step, column: int, width: int, columns: int, where: str, before: Step | None) -> list[str]:
    same_line = before is not None and (before.actor, before.place.file, before.place.line) == (
        step.actor,
        step.place.file,
        step.place.line,
    )
    source = "" if same_line else linecache.getline(step.place.file, step.place.line).strip()
    told = step.what
    indent = column * width
    room = width - 1
    far = (columns - column - 1) * width
    prefix = f"{number:>4}  "
    if source and len(source) + 3 + len(told) <= room + far:
        cell = f"{source}   {told}"
        return [_with_place(prefix + " " * indent + cell, where, columns * width)]
    rows = []
    if source:
        rows.append(prefix + " " * indent + textwrap.shorten(source, room + far, placeholder=" ..."))
        prefix = "      "
        told = "  " + told
    elif same_line:
        told = "  " + told
    rows.append(prefix + " " * indent + told)
    rows[0] = _with_place(rows[0], where, columns * width)
    return rows


def _with_place(text: str, where: str, width: int) -> str:
    return text.ljust(6 + width) + "  " + where


# ------------------------------------------------------------------ below the columns


def _detail(verdict: Verdict) -> list[str]:
    lines = []
    if verdict.failure is not None:
        lines += [f"    {line}" for line in verdict.failure.detail]
    if verdict.witness is not None and verdict.failure is not None and verdict.failure.kind in ("outcome", "check"):
        story = critical_steps(verdict.witness.trace.steps)
        if story:
            lines += textwrap.wrap(story, WIDTH - 8, initial_indent="    ", subsequent_indent="    ")
    return lines


def _outcomes(verdict: Verdict) -> list[str]:
    known = list(verdict.descriptions)
    rows = []
    seen = [(outcome, count) for outcome, count in verdict.outcomes.most_common() if outcome != "nothing"]
    unit = "rounds" if verdict.method == "hammer" else "schedules"
    for outcome, count in seen:
        mark = ""
        if outcome in verdict.forbidden or (verdict.allowed is not None and outcome not in verdict.allowed):
            mark = "forbidden"
        rows.append(
            (
                repr(outcome),
                f"{count:,} {unit if count != 1 else unit[:-1]}",
                verdict.descriptions.get(outcome, ""),
                mark,
            )
        )
    for outcome in known:
        if outcome not in verdict.outcomes:
            mark = "forbidden" if outcome in verdict.forbidden else ""
            rows.append((repr(outcome), "never", verdict.descriptions[outcome], mark))
    if not rows:
        return []
    rows = rows[:12]
    first = max(len(row[0]) for row in rows)
    second = max(len(row[1]) for row in rows)
    third = max(len(row[2]) for row in rows)
    lines = []
    for position, (outcome, count, description, mark) in enumerate(rows):
        head = "    outcomes   " if position == 0 else "               "
        lines.append(f"{head}{outcome.ljust(first)}   {count.rjust(second)}   {description.ljust(third)}   {mark}")
    return lines


def _facts(verdict: Verdict) -> list[str]:
    facts = []
    if verdict.method == "hammer":
        facts += [("hammer", _hammer_line(verdict))]
    elif verdict.status == "fails" and verdict.method == "explore":
        facts += [("found", _found_line(verdict))]
    elif verdict.method == "replay":
        facts += [("replay", verdict.reason)]
    for note in verdict.notes:
        label, _, text = note.partition(": ")
        facts.append((label, text))
    for escaped in verdict.uncontrolled[:5]:
        facts.append(("escaped", escaped))
    if verdict.replay:
        facts.append(("replay", verdict.replay))
    elif verdict.witness is not None and verdict.method == "explore":
        facts.append(("replay", "lab.replay(verdict.witness, setup, actors, ...)"))
    return [f"    {label.ljust(10)} {text}" for label, text in facts]


def _clip(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 3] + "..."


def _found_line(verdict: Verdict) -> str:
    witness = verdict.witness
    if witness is None:
        return f"schedule {verdict.schedules:,}, {_duration(verdict.seconds)}"
    switches = witness.trace.switches
    return (
        f"schedule {witness.found:,}, {witness.strategy}, seed {witness.seed}; "
        f"{switches} {'switch' if switches == 1 else 'switches'}; {_duration(verdict.seconds)}"
    )


def _hammer_line(verdict: Verdict) -> str:
    low, high = verdict.rate_interval
    if verdict.rate == 0.0:
        return (
            f"0 of {verdict.schedules:,} rounds failed (rate below {_percent(high)} with 95 % confidence)"
            + _overlap(verdict)
        )
    failed = round(verdict.rate * verdict.schedules)
    return (
        f"{failed:,} of {verdict.schedules:,} rounds failed: {_percent(verdict.rate)} "
        f"({_percent(low)} to {_percent(high)})" + _overlap(verdict)
    )


def _overlap(verdict: Verdict) -> str:
    return f"; actors overlapped in {_percent(verdict.overlap)}"


def _percent(share: float) -> str:
    percent = 100 * share
    return (
        f"{percent:.0f} %"
        if percent >= 10 or percent == 0
        else f"{percent:.2g} %"
        if percent >= 0.01
        else f"{percent:.1e} %"
    )


def _duration(seconds: float) -> str:
    return f"{seconds:.1f} s" if seconds >= 1 else f"{max(1, round(seconds * 1000))} ms"
