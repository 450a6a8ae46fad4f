"""The random walk: the baseline that everything is measured against."""

from __future__ import annotations

from random import Random

from lab.carriers.actor import Actor
from lab.carriers.execution import Execution
from lab.strategies.counts import Counts


class RandomWalk:
    """Uniform among the enabled actors at every decision."""

    name = "random"

    def __init__(self, seed: int, counts: Counts) -> None:
        self._random = Random(f"random walk {seed}").random

    def begin(self) -> bool:
        return True

    def choose(self, enabled: list[Actor], current: Actor | None) -> Actor:
        return enabled[int(self._random() * len(enabled))]

    def end(self, execution: Execution) -> None:
        pass
