"""Partial order sampling."""

from __future__ import annotations

from random import Random

from lab.carriers.actor import Actor, conflict
from lab.carriers.execution import Execution
from lab.strategies.counts import Counts


class PartialOrderSampling:
    """POS: priorities belong to operations, and are drawn anew where operations conflict.

    Yuan, Yang and Gu, "Partial Order Aware Concurrency Sampling", CAV 2018,
    algorithm 2: the operation with the highest priority goes first; afterwards its
    actor's next operation, and every waiting operation that conflicts with it, gets
    a new priority, so that independent orders are not told apart.

    Where this differs: an actor that has not begun has an operation that conflicts
    with nothing, and an execution of more than ten times as many decisions as any
    before goes on at random, because a loop may wait for an operation of low priority.
    """

    name = "pos"

    def __init__(self, seed: int, counts: Counts) -> None:
        self._random = Random(f"pos {seed}").random
        self._priorities: dict[int, float] = {}  # actor index -> priority of the operation it comes to
        self._longest = 100 + counts.longest
        self._decisions = 0

    def begin(self) -> bool:
        self._priorities.clear()
        self._decisions = 0
        return True

    def choose(self, enabled: list[Actor], current: Actor | None) -> Actor:
        self._decisions += 1
        if self._decisions > 10 * self._longest:
            return enabled[int(self._random() * len(enabled))]
        priorities = self._priorities
        best = enabled[0]
        highest = -1.0
        for actor in enabled:
            priority = priorities.get(actor.index)
            if priority is None:
                priority = priorities[actor.index] = self._random()
            if priority > highest:
                best, highest = actor, priority
        del priorities[best.index]
        for actor in enabled:
            if actor is not best and conflict(actor, best):
                priorities[actor.index] = self._random()
        return best

    def end(self, execution: Execution) -> None:
        self._longest = max(self._longest, min(len(execution.choices), 10 * self._longest))
