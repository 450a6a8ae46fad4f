"""Cover every schedule of a program, and say what stands against calling that a proof."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from lab.exploration import Exploration
from lab.program import Failure
from lab.recorder import SharingMap
from lab.strategies.dpor import SourceSets

_MOST_RESTARTS = 50  # a program that always has something new to show has no end


@dataclass
class Exhaustion:
    """How far it went."""

    schedules: int = 0
    redundant: int = 0  # executions that repeated a class
    outcomes: Counter[Any] = field(default_factory=Counter)
    failure: Failure | None = None
    choices: list[int] = field(default_factory=list)  # of the execution that failed
    complete: bool = False
    estimate: int = 0  # classes in all, as far as can be told
    doubts: dict[str, None] = field(default_factory=dict)  # what stands against a proof


def exhaust(exploration: Exploration, schedules: int | None, until: float | None) -> Exhaustion:
    """Run one schedule of each class until all are covered, one fails or the budget is spent.

    A strict exploration notes every access of every execution, so that nothing
    shared can be missed.
    """
    control = exploration.control
    strategy = SourceSets()
    found = Exhaustion()
    for _ in range(_MOST_RESTARTS):
        if not _pass(exploration, strategy, found, schedules, until):
            break
        strategy.restart()
        found = Exhaustion()
    else:
        found.doubts["something new turned out to be shared in every pass"] = None
    control.log = False
    found.estimate = max(found.schedules, strategy.estimate(found.schedules))
    for doubt in _doubts(exploration, strategy):
        found.doubts[doubt] = None
    return found


def _pass(
    exploration: Exploration, strategy: SourceSets, found: Exhaustion, schedules: int | None, until: float | None
) -> bool:
    """Go through all classes; true if a decision was discovered that was none, so that it all has to be done again."""
    control = exploration.control
    clock = time.perf_counter
    while strategy.begin(control):
        executions = found.schedules + found.redundant
        if (schedules is not None and executions >= schedules) or (until is not None and clock() >= until):
            return False
        known = len(control.hot), len(control.class_names)
        sharing = SharingMap() if exploration.strict else None
        outcome, failure = exploration.execute(strategy.choose, sharing=sharing)
        choices = control.choices
        if failure is not None:
            found.failure, found.choices = failure, choices
            found.schedules += 1
            exploration.tally(found.outcomes, outcome)
            return False
        if sharing is not None:
            exploration.take_in(sharing)
        elif control.suspicious:
            exploration.learn(choices)
        if exploration.discovery.take_found() or known != (len(control.hot), len(control.class_names)):
            return True
        if control.daemons:
            found.doubts["daemon threads may still be running when the others have ended"] = None
        if control.gave_way:
            found.doubts["an actor that waited in a loop was interrupted only now and then"] = None
        strategy.end(control)
        if strategy.diverged:
            return False
        if strategy.redundant:
            found.redundant += 1
        else:
            found.schedules += 1
            exploration.tally(found.outcomes, outcome)
    found.complete = True
    return False


def _doubts(exploration: Exploration, strategy: SourceSets) -> Iterator[str]:
    if strategy.diverged:
        yield f"the program is not the same in every execution: {strategy.diverged} differed when it was repeated"
    control = exploration.control
    if control.passed_over_timers:
        yield "a timeout of ten seconds or more was taken to end only when nobody else could go on"
    if control.twins.memory.drew:
        yield "random numbers were the same in every execution"
    if control.asked_for_ends:
        yield "it was asked whether a thread has ended, and to end is no step of its own"
    if control.read_time:
        yield "the clock showed only times that pass while nothing is slow"
    yield from getattr(control, "doubts", ())
