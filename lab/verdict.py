"""Verdict: the only place that judges."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from math import sqrt
from typing import Any, Literal

from lab.program import Failure
from lab.witness import Witness

Status = Literal["fails", "holds", "unknown"]


@dataclass
class Verdict:
    """What an exploration, a hammering or a replay came to.

    ``fails`` has a failure and, from an exploration, a witness.  ``holds`` is said
    only when every schedule was covered, and nothing else is.  ``unknown`` has a
    reason.  ``str(verdict)`` is the report a person reads.
    """

    status: Status
    reason: str  # why it stopped, one line
    failure: Failure | None = None
    schedules: int = 0  # executions
    outcomes: Counter[Any] = field(default_factory=Counter)
    witness: Witness | None = None
    seconds: float = 0.0
    granularity: str = "operation"
    bound: str | None = None  # what limited the schedules, if anything did
    uncontrolled: tuple[str, ...] = ()  # what escaped control
    title: str = ""  # what was run
    method: str = "explore"  # explore, hammer or replay
    descriptions: Mapping[Any, str] = field(default_factory=dict)
    allowed: frozenset[Any] | None = None
    forbidden: frozenset[Any] = frozenset()
    replay: str = ""  # the command that replays the witness
    rate: float = 0.0  # hammer: share of rounds that failed
    rate_interval: tuple[float, float] = (0.0, 1.0)  # hammer: 95 %
    overlap: float = 0.0  # hammer: share of rounds in which actors really overlapped
    notes: tuple[str, ...] = ()  # further lines for the report

    def assert_holds(self) -> None:
        """Raise AssertionError with the report unless every schedule was covered without a failure."""
        __tracebackhide__ = True
        if self.status != "holds":
            raise AssertionError(self._told())

    def assert_fails(self) -> None:
        """Raise AssertionError with the report unless a failure was found."""
        __tracebackhide__ = True
        if self.status != "fails":
            raise AssertionError(self._told())

    def assert_no_failure(self) -> None:
        """Raise AssertionError with the report if a failure was found; a spent budget is accepted."""
        __tracebackhide__ = True
        if self.status == "fails":
            raise AssertionError(self._told())

    def _told(self) -> str:
        from lab.keeping import keep

        keep(self)
        return "\n" + str(self)

    def __str__(self) -> str:
        from lab.report.text import render

        return render(self)

    def __repr__(self) -> str:
        return f"<Verdict {self.status}: {self.reason}>"


def wilson(hits: int, rounds: int) -> tuple[float, float]:
    """The 95 % interval of a rate.

    E. B. Wilson, "Probable inference, the law of succession, and statistical
    inference", JASA 1927: unlike the usual interval it stays honest near 0 and 1.
    """
    if rounds == 0:
        return (0.0, 1.0)
    z = 1.959964
    rate = hits / rounds
    center = (rate + z * z / (2 * rounds)) / (1 + z * z / rounds)
    half = z * sqrt(rate * (1 - rate) / rounds + z * z / (4 * rounds * rounds)) / (1 + z * z / rounds)
    return (max(0.0, center - half), min(1.0, center + half))
