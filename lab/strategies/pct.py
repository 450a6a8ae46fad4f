"""Probabilistic concurrency testing."""

from __future__ import annotations

from random import Random

from lab.carriers.actor import Actor
from lab.carriers.execution import Execution
from lab.strategies.counts import Counts


class PriorityChanges:
    """PCT: random priorities and d - 1 places where the running actor's priority drops.

    Burckhardt, Kothari, Musuvathi and Nagarakatte, "A Randomized Scheduler with
    Probabilistic Guarantees of Finding Bugs", ASPLOS 2010, section 3: a bug of
    depth d is found with probability at least 1 / (n * k ** (d - 1)) for n
    actors and k steps.

    Where this differs: k is the longest execution seen so far and counts only
    decisions among two or more actors; d is drawn anew for each execution, 1 to
    10; and an execution four times as long as any before goes on at random,
    because a loop that waits for a lower actor would never end.
    """

    name = "pct"
    _DEEPEST = 10

    def __init__(self, seed: int, counts: Counts) -> None:
        self._random = Random(f"pct {seed}").random
        self._longest = max(1, counts.longest)
        self._decisions = 0
        self._priorities: dict[int, float] = {}  # actor index -> priority; initial ones are at least 1
        self._changes: dict[int, float] = {}  # decision -> the priority, below 1, that the runner falls to

    def begin(self) -> bool:
        depth = 1 + int(self._random() * self._DEEPEST)
        self._decisions = 0
        self._priorities.clear()
        self._changes = {1 + int(self._random() * self._longest): change / self._DEEPEST for change in range(1, depth)}
        return True

    def choose(self, enabled: list[Actor], current: Actor | None) -> Actor:
        self._decisions += 1
        if self._decisions > 4 * self._longest + 100:
            return enabled[int(self._random() * len(enabled))]
        priorities = self._priorities
        best = enabled[0]
        highest = -1.0
        for actor in enabled:
            priority = priorities.get(actor.index)
            if priority is None:
                priority = priorities[actor.index] = 1.0 + self._random()
            if priority > highest:
                best, highest = actor, priority
        change = self._changes.pop(self._decisions, None)
        if change is not None:
            priorities[best.index] = change
            return self._highest(enabled)
        return best

    def _highest(self, enabled: list[Actor]) -> Actor:
        return max(enabled, key=lambda actor: self._priorities[actor.index])

    def end(self, execution: Execution) -> None:
        decisions = len(execution.choices)
        if self._longest < decisions <= 4 * self._longest + 100:
            self._longest = decisions
