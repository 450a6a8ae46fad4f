"""Grade code that a person wrote to repair a bug: `explore` says whether it does.

Runs in a process of its own (`lab.training.child`).
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from lab import keeping
from lab.errors import LabError
from lab.report.text import render
from lab.training.cases import subjected
from lab.training.measuring import SCHEDULES, explored, passing_facts
from lab.training.subject import Subject


def grade(
    subject: Subject, variant: str, patch: Path, seconds: float, width: int, tell: Callable[[str], None]
) -> dict[str, Any]:
    """What became of the code in ``patch``: its verdict in plain values, the report as text of that many columns.

    ``tell`` hears now and then how far it is.  A patch that cannot be run is told as such.
    """
    try:
        case = subjected(subject, patch).cases[variant]
        session = keeping.Session(tell=tell)
        keeping.begin(session)
        try:
            verdict = explored(case, schedules=10 * SCHEDULES, seconds=seconds, title=patch.name)
        finally:
            keeping.end(session)
    except LabError as error:
        return {"status": "broken", "reason": str(error)}
    graded: dict[str, Any] = {
        "status": verdict.status,
        "reason": verdict.reason,
        "schedules": verdict.schedules,
        "seconds": verdict.seconds,
        "uncontrolled": list(verdict.uncontrolled),
        "report": _without_replay(render(verdict, width)),
    }
    if verdict.failure is not None:
        graded["failure"] = {"kind": verdict.failure.kind, "message": verdict.failure.message}
    else:
        graded |= passing_facts(case)
    return graded


def _without_replay(report: str) -> str:
    """The patch lives no longer than its process, so nobody can replay it."""
    return "\n".join(line for line in report.splitlines() if not line.startswith("    replay "))
