"""Try one schedule after another, as a strategy draws them."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from lab.exploration import MOST_PROFILES, Exploration
from lab.program import Failure
from lab.strategies import Strategy
from lab.strategies.replay import Choices


@dataclass
class Sample:
    """What was found."""

    schedules: int = 0
    outcomes: Counter[Any] = field(default_factory=Counter)
    failure: Failure | None = None
    choices: list[int] = field(default_factory=list)  # of the execution that failed
    strategy: str = ""  # which found it
    reason: str = ""  # why it stopped

    def add(self, exploration: Exploration, more: Sample) -> None:
        """Take in what was found afterwards."""
        self.schedules += more.schedules
        for outcome, count in more.outcomes.items():
            exploration.tally(self.outcomes, outcome, count)
        self.failure, self.choices, self.strategy = more.failure, more.choices, more.strategy


def sample(exploration: Exploration, strategy: Strategy, schedules: int | None, until: float | None) -> Sample:
    """Run one schedule after another until one fails or the budget is spent."""
    control, discovery = exploration.control, exploration.discovery
    found = Sample()
    count = 0
    clock = time.perf_counter
    while True:
        if schedules is not None and count >= schedules:
            found.reason = spent(count)
            break
        if until is not None and clock() >= until and count:
            found.reason = spent(count, in_time=False)
            break
        if not strategy.begin(control):
            found.reason = f"the strategy had nothing left to try after {count:,} schedules"
            break
        outcome, failure = exploration.execute(strategy.choose)
        if discovery.found:
            outcome, failure = _again(exploration, outcome, failure)
        choices = control.choices
        count += 1
        strategy.end(control)
        exploration.tally(found.outcomes, outcome)
        if failure is not None:
            found.failure, found.choices, found.strategy = failure, choices, strategy.name
            break
        if not count & (count - 1):  # now and then: on 3.11 only a noted execution reports what it calls
            exploration.learn(choices)
        elif control.suspicious:
            exploration.learn_if_worthwhile(choices)
    found.schedules = count
    return found


def _again(exploration: Exploration, outcome: Any, failure: Failure | None) -> tuple[Any, Failure | None]:
    """Repeat an execution in which code started uninstrumented."""
    for _ in range(MOST_PROFILES):
        if not exploration.discovery.take_found():
            break
        outcome, failure = exploration.execute(Choices(exploration.control.choices).choose)
    return outcome, failure


def spent(count: int, in_time: bool = True) -> str:
    """Why a search ended that found nothing."""
    told = f"no failure in {count:,} {'schedule' if count == 1 else 'schedules'}"
    return told if in_time else f"{told} when the time was up"
