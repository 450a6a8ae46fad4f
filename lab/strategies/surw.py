"""Selectively uniform random walk."""

from __future__ import annotations

from random import Random

from lab.carriers.actor import Actor
from lab.carriers.execution import Execution
from lab.strategies.counts import Counts


class SelectiveWalk:
    """SURW: the operations on one object are ordered uniformly among all their orders.

    Zhao, Wolff, Mathur and Roychoudhury, "Selectively Uniform Concurrency Testing",
    ASPLOS 2025, algorithm 2: an *intended* actor is drawn in proportion to the
    interesting operations it has left; everybody else is held before theirs until it
    has done one.  All other operations are walked at random.

    Where this differs: which operations are interesting is drawn anew for each
    execution, among the groups of sites that touched the same objects.  An actor that
    has yet to start the intended one is not held.
    """

    name = "surw"

    def __init__(self, seed: int, counts: Counts) -> None:
        self._random = Random(f"surw {seed}").random
        self._counts = counts
        self._target: object = None
        self._left: dict[int, int] = {}  # actor index -> interesting operations left
        self._intended = -1
        self._parents: dict[int, int] = {}  # child thread -> who started it

    def begin(self, execution: Execution) -> bool:
        groups = list(self._counts.operations)
        self._target = groups[int(self._random() * len(groups))] if groups else None
        self._left = dict(self._counts.operations.get(self._target, ()))
        self._intended = self._draw(self._left)
        return True

    def choose(self, enabled: list[Actor], current: Actor | None) -> Actor:
        spared = (self._intended, self._parents.get(self._intended))
        free = [actor for actor in enabled if actor.index in spared or not self._is_interesting(actor)]
        if not free:  # all are held, and the intended one waits for one of them or has ended
            left = {actor.index: self._left.get(actor.index, 0) + 1 for actor in enabled}
            self._intended = self._draw(left)
            free = [actor for actor in enabled if actor.index == self._intended]
        chosen = free[int(self._random() * len(free))]
        if self._is_interesting(chosen):
            index = chosen.index
            self._left[index] = max(0, self._left.get(index, 0) - 1)
            if index == self._intended:
                self._intended = self._draw(self._left)
        if chosen.parent is not None:
            self._parents[chosen.index] = chosen.parent.index
        return chosen

    def end(self, execution: Execution) -> None:
        pass

    def _is_interesting(self, actor: Actor) -> bool:
        return actor.place is not None and self._counts.group(actor.site) is self._target

    def _draw(self, weights: dict[int, int]) -> int:
        """One of the keys, in proportion to its weight; -1 if none has any."""
        position = self._random() * sum(weights.values())
        for index, weight in weights.items():
            position -= weight
            if position < 0:
                return index
        return -1
