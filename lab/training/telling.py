"""Traces as text, for whoever answered."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from lab.report.columns import trace_lines
from lab.report.labels import Labels
from lab.report.lines import printable
from lab.trace import Step, Trace
from lab.witness import Witness


def trace_text(steps: Sequence[Step], declared: Sequence[str], width: int, critical: Iterable[int] = ()) -> str:
    """The steps in columns, at most ``width`` wide; ``critical`` ones, counted from 0, are marked."""
    if not steps:
        return "    The actors touch nothing in common."
    whats = [step.what for step in steps]
    actors = Trace(tuple(steps)).actors(declared)
    labels = Labels([*actors, *whats])
    names = {actor: printable(labels.told(actor)) for actor in actors}
    lines = trace_lines(steps, names, [printable(labels.told(what)) for what in whats], width, critical)
    return "\n".join(line.rstrip() for line in lines)


def witness_text(witness: Witness, width: int) -> str:
    """The steps of a witness."""
    return trace_text(witness.trace.steps, witness.actors, width, [number - 1 for number in witness.critical])
