"""A passing execution, in the columns of the report."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lab.passing import Passing
from lab.program import NOTHING
from lab.report.columns import trace_lines
from lab.report.labels import Labels
from lab.report.lines import printable, shown_value
from lab.report.text import page_width


def render_passing(title: str, run: Passing, descriptions: Mapping[Any, str], width: int | None = None) -> str:
    """The title, the steps, and the outcome; ``width`` in columns is the terminal's unless given."""
    width = width or page_width()
    whats = [step.what for step in run.trace.steps]
    labels = Labels([*run.actors, *whats])
    sections = [[f"PASSES  {printable(title)}"]]
    if run.trace.steps:
        names = {actor: labels.told(actor) for actor in run.actors}
        sections.append(trace_lines(run.trace.steps, names, [labels.told(what) for what in whats], width))
    else:
        sections.append(["    The actors touch nothing in common."])
    if run.outcome is not NOTHING:
        description = str(descriptions.get(run.outcome, ""))
        sections.append([f"    outcome    {printable(shown_value(run.outcome))}   {printable(description)}"])
    return "\n\n".join("\n".join(line.rstrip() for line in section) for section in sections)
