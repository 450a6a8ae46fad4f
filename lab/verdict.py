"""Verdict: the only place that judges."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from math import sqrt
from typing import TYPE_CHECKING, Any, Literal

from lab import keeping
from lab.detectors.realizable import Grade
from lab.program import Failure
from lab.witness import Witness

if TYPE_CHECKING:
    from lab.passing import Passing

Status = Literal["fails", "holds", "unknown"]


@dataclass(frozen=True)
class Shrunk:
    """What a witness was before it was shrunk, and how many executions that took.

    ``instead`` are those that led to another witness of the same failure, as that one cannot happen on this build.
    """

    switches: int
    steps: int
    executions: int
    instead: int = 0


def hurried(what: str, seconds: float) -> str:
    """A note that something ended by its bound in time, which is the only one that may differ from run to run."""
    return f"cut short: {what} took longer than {seconds:g} s, and may come further in another run"


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
    shrunk: Shrunk | None = None  # the witness has fewer switches or steps than the execution that was found
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
    by_noise: Mapping[str, tuple[int, int]] = field(default_factory=dict)  # hammer: quiet, noisy -> failed, rounds
    notes: tuple[str, ...] = ()  # further lines for the report
    realizable: Mapping[str, Grade] = field(default_factory=dict)  # build -> whether the witness can happen there
    passing: Passing | None = None  # an execution that begins like the witness and passes, where reports are wanted

    def __post_init__(self) -> None:
        if self.method == "replay":
            keeping.note(self)

    @property
    def stale(self) -> bool:
        """Whether this replay says nothing because the program no longer takes the witness's steps."""
        return self.method == "replay" and self.status == "unknown" and self.reason.startswith("stale")

    def assert_holds(self) -> None:
        """Raise AssertionError with the report unless every schedule was covered without a failure.

        While a test runs only to replay a witness, a failure that does not come again is accepted.
        """
        __tracebackhide__ = True
        if self.status != "holds" and not (self.status == "unknown" and self._asked()):
            raise AssertionError(self._told("holds, which takes every schedule to be covered without a failure"))
        keeping.report(self)

    def assert_fails(self) -> None:
        """Raise AssertionError with the report unless a failure was found."""
        __tracebackhide__ = True
        if self.status != "fails" and not (self.stale and self._asked()):
            raise AssertionError(self._told("fails"))

    def assert_no_failure(self) -> None:
        """Raise AssertionError with the report if a failure was found; a spent budget is accepted.

        A replay that went stale is not: it would be taken for a repaired program.
        """
        __tracebackhide__ = True
        if self.status == "fails" or (self.stale and not self._asked()):
            raise AssertionError(self._told("no failure"))
        keeping.report(self)

    def _asked(self) -> bool:
        """Whether this is the replay that the test runner was started for.

        The witness may belong to another exploration of the same test; so it is the runner
        that objects when it was stale for all of them.
        """
        chosen = keeping.current()
        return self.method == "replay" and chosen is not None and chosen.replay is not None

    def _told(self, asserted: str) -> str:
        from lab.report.lines import one_line
        from lab.report.text import render

        keeping.keep(self)
        return f"{one_line(self)}\n\n{render(self, asserted=asserted)}"  # pytest's summary shows the first line

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
    return (max(0.0, center - half) if hits else 0.0, min(1.0, center + half) if hits < rounds else 1.0)
