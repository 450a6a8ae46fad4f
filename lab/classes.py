"""Prove a program of tasks by classes: one schedule of each order in which stretches that depend on each other come.

What is explored is freer than the loop (`lab.carriers.stretches`).  So if nothing fails there, nothing fails on the
loop; but of the outcomes only those are told that a schedule of the loop has come to as well.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from lab.engine import engine
from lab.exhaustion import Exhaustion
from lab.nondeterminism import first_difference
from lab.program import Program
from lab.sampling import Sample
from lab.strategies.random import RandomWalk

_FIRST = 3  # executions
_DRAWN = 10  # schedules of the loop that are drawn at least, beside what was proved
_MOST_DRAWN = 400
_GoOn = Callable[[Any, int | None, float | None], None]
"""Lets a part of a search go on for so many executions, or until that time."""


@dataclass
class Classes:
    """What came of it."""

    open: bool = False  # it was not over, and nothing stood against it
    holds: bool = False
    executions: int = 0
    schedules: int = 0  # classes
    outcomes: Counter[Any] = field(default_factory=Counter)  # of classes, those that the loop has come to
    missing: tuple[Any, ...] = ()  # outcomes that no schedule of the loop has come to so far
    notes: tuple[str, ...] = ()  # what the carrier noticed


@dataclass(frozen=True)
class ByClasses:
    """A program, and the engine that it is explored on."""

    program: Program
    steps: int
    trace: tuple[str, ...]
    carrier: str
    go_on: _GoOn

    def cover(self, executions: int | None, until: float | None, seed: int) -> Classes:
        """Explore until all is covered, something stands against a proof, or the budget is spent."""
        with engine(self.program, self.steps, self.trace, self.carrier, strict=True, classes=True) as exploration:
            if exploration.profile() is not None:
                return Classes()
            covering = Exhaustion(exploration, classes=True)
            first = _FIRST if executions is None else min(_FIRST, executions)
            self.go_on(covering, first, until)  # most of what stands against a proof shows at once
            if not (covering.over or covering.doubts or exploration.discovery.uncontrolled):
                self.go_on(covering, None if executions is None else executions - first, until)
            found = Classes(executions=covering.executions)
            if covering.failure is not None or covering.doubts or exploration.discovery.uncontrolled:
                return found
            if not covering.complete:
                found.open = True
                return found
            if first_difference(exploration, exploration.control.choices) or exploration.put_back():
                return found
            found.schedules, found.outcomes = covering.schedules, covering.outcomes
        self._compare(found, until, seed)
        return found

    def _compare(self, found: Classes, until: float | None, seed: int) -> None:
        """Draw schedules of the loop: which of the outcomes they come to, and whether there is one that must not be."""
        with engine(self.program, self.steps, self.trace, self.carrier) as exploration:
            if exploration.profile() is not None:
                return
            drawn = Sample(exploration, RandomWalk(seed, exploration.counts))
            most = _DRAWN
            while True:
                self.go_on(drawn, most, until)
                found.missing = tuple(one for one in found.outcomes if one not in drawn.outcomes)
                spent = drawn.executions >= _MOST_DRAWN or drawn.executions < most
                if drawn.over or not found.missing or spent:
                    break
                most = drawn.executions
            found.notes = tuple(exploration.control.notes)
            exploration.put_back()
        found.executions += drawn.executions
        met = all(one in found.outcomes for one in drawn.outcomes)
        found.holds = met and drawn.failure is None and not exploration.discovery.uncontrolled
        for one in found.missing:
            del found.outcomes[one]
