"""Try one schedule after another, as a strategy draws them."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from lab.errors import OutOfTime
from lab.exploration import MOST_PROFILES, Exploration
from lab.program import Failure
from lab.stopwatch import now
from lab.strategies import Strategy
from lab.strategies.replay import Choices

UNENDED = (
    "not one schedule had come to its end when the time was up; give more seconds=, "
    "or a smaller steps= to be told who is still running"
)


@dataclass(eq=False)
class Sample:
    """Runs schedules as a strategy draws them, as far as it is let go on."""

    exploration: Exploration
    strategy: Strategy
    schedules: int = 0
    outcomes: Counter[Any] = field(default_factory=Counter)
    failure: Failure | None = None
    choices: list[int] = field(default_factory=list)  # of the execution that failed
    exhausted: bool = False  # the strategy has no more
    reason: str = ""  # why it stopped

    @property
    def executions(self) -> int:
        """How many have been run."""
        return self.schedules

    @property
    def over(self) -> bool:
        """Whether there is nothing to go on with."""
        return self.exhausted or self.failure is not None

    def go_on(self, executions: int | None, until: float | None) -> None:
        """Run one schedule after another until one fails, so many have been run, or the time is up."""
        exploration, strategy = self.exploration, self.strategy
        control, discovery = exploration.control, exploration.discovery
        most = None if executions is None else self.schedules + executions
        clock = now
        while not self.over:
            if most is not None and self.schedules >= most:
                self.reason = spent(self.schedules)
                break
            if until is not None and clock() >= until and self.schedules:
                self.reason = spent(self.schedules, in_time=False)
                break
            if not strategy.begin(control):
                self.exhausted = True
                self.reason = f"the strategy had nothing left to try after {self.schedules:,} schedules"
                break
            try:
                outcome, failure = exploration.execute(strategy.choose)
                if discovery.found:
                    outcome, failure = _again(exploration, outcome, failure)
            except OutOfTime as error:
                self.reason = f"{spent(self.schedules, in_time=False)}; {error}"
                break
            choices = control.choices
            self.schedules += 1
            strategy.end(control)
            exploration.tally(self.outcomes, outcome)
            try:
                if failure is None and not self.schedules & (self.schedules - 1):
                    failure = exploration.learn(choices)  # now and then: on 3.11 only a noted one reports what it calls
                elif failure is None and control.suspicious:
                    failure = exploration.learn_if_worthwhile(choices)
            except OutOfTime:  # which the look at the clock tells before the next one
                pass
            if failure is not None:
                self.failure, self.choices = failure, choices


def _again(exploration: Exploration, outcome: Any, failure: Failure | None) -> tuple[Any, Failure | None]:
    """Repeat an execution in which code started uninstrumented."""
    for _ in range(MOST_PROFILES):
        if not exploration.take_found():
            break
        if exploration.is_late:
            raise OutOfTime("code that started uninstrumented was not run once more")
        outcome, failure = exploration.execute(Choices(exploration.control.choices).choose)
    return outcome, failure


def spent(count: int, in_time: bool = True) -> str:
    """Why a search ended that found nothing."""
    if not count and not in_time:
        return UNENDED
    told = f"no failure in {count:,} {'schedule' if count == 1 else 'schedules'}"
    return told if in_time else f"{told} when the time was up"
