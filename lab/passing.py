"""One execution that goes well, written down step by step: what a witness is compared with."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from lab.engine import engine
from lab.errors import LabError
from lab.exploration import Exploration
from lab.program import STEPS, Program
from lab.recorder import Recording
from lab.strategies.replay import Choices
from lab.strategies.surw import SelectiveWalk
from lab.trace import Trace

DRAWS = 30
"""Schedules that are drawn, to find one that switches in the middle."""


@dataclass(frozen=True)
class Passing:
    """What happened, and what it came to."""

    actors: tuple[str, ...]
    trace: Trace
    outcome: Any


def passing(program: Program, *, trace: tuple[str, ...], carrier: str, seed: int, draws: int = DRAWS) -> Passing:
    """The execution, among those of ``draws`` that do not fail, in which the actors take turns most often.

    Raises LabError where every one of them fails, or the program cannot be repeated.
    """
    with engine(program, STEPS, trace, carrier) as exploration:
        failed = exploration.profile()
        best = None if failed is not None else list(exploration.control.choices)
        strategy = SelectiveWalk(seed, exploration.counts)
        for _ in range(draws):
            strategy.begin(exploration.control)
            _, failure = exploration.execute(strategy.choose)
            choices = exploration.control.choices
            strategy.end(exploration.control)
            if failure is None and (best is None or _switches(choices) > _switches(best)):
                best = choices
        if best is None:
            raise LabError(f"none of {draws} schedules passes, so there is no passing one to show")
        return _written_down(exploration, best)


def _switches(choices: list[int]) -> int:
    return sum(before != after for before, after in pairwise(choices))


def _written_down(exploration: Exploration, choices: list[int]) -> Passing:
    recording, follow = Recording(), Choices(choices)
    outcome, failure = exploration.execute(follow.choose, recording=recording)
    if failure is not None or follow.diverged:
        raise LabError("a schedule passed once but not when it was repeated; the program is not the same every time")
    steps = Trace(tuple(recording.steps))
    actors = steps.actors([name for name, _ in exploration.program.actors])
    return Passing(tuple(actors), steps, outcome)
