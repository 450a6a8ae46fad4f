"""A witness as a trace for Perfetto or chrome://tracing: a track for each actor, an arrow for each switch.

The format is the "Trace Event Format" of the Chromium project.  Steps have an order and no length, so
each takes one millisecond.
"""

from __future__ import annotations

from typing import Any

from lab.report.labels import Labels
from lab.report.lines import printable
from lab.witness import Witness

_STEP = 1_000  # microseconds


def trace_of(witness: Witness) -> dict[str, Any]:
    """The JSON object to save as a file."""
    steps = witness.trace.steps
    labels = Labels([*witness.actors, *(step.what for step in steps)])
    tracks = {actor: number for number, actor in enumerate(witness.actors, 1)}
    events: list[dict[str, Any]] = [_event("M", 0, 0, "process_name", args={"name": printable(witness.target)})]
    for actor, track in tracks.items():
        events.append(_event("M", track, 0, "thread_name", args={"name": printable(labels.told(actor))}))
        events.append(_event("M", track, 0, "thread_sort_index", args={"sort_index": track}))
    for number, step in enumerate(steps, 1):
        place = step.place
        args: dict[str, Any] = {
            "step": number,
            "at": f"{printable(place.file)}:{place.line}",
            "in": printable(place.function),
        }
        if step.value is not None:
            args["value"] = printable(step.value)
        if number in witness.critical:
            args["critical"] = True
        event = _event("X", tracks[step.actor], number, printable(labels.told(step.what)), cat="step", args=args)
        events.append({**event, "dur": _STEP})
        if number > 1 and steps[number - 2].actor != step.actor:
            switch = {"cat": "switch", "id": number}
            events.append(_event("s", tracks[steps[number - 2].actor], number - 0.5, "switch", **switch))
            events.append(_event("f", tracks[step.actor], number, "switch", bp="e", **switch))
    return {
        "traceEvents": events,
        "displayTimeUnit": "ms",
        "otherData": {
            "failure": printable(f"{witness.failure.kind}: {witness.failure.message}"),
            "python": witness.python,
            "build": witness.build,
        },
    }


def _event(kind: str, track: int, at: float, name: str, **more: Any) -> dict[str, Any]:
    return {"ph": kind, "pid": 1, "tid": track, "ts": round(at * _STEP), "name": name, **more}
