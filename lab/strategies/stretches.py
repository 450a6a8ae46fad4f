"""Every order of stretches that matters, once: partial order reduction where a step is known when it has been taken."""

from __future__ import annotations

from typing import Any

from lab.carriers.actor import Actor
from lab.carriers.execution import Execution
from lab.carriers.stretch import Stretch, Touched
from lab.strategies.stretch_races import StretchRaces


class Node:
    """A decision on the current path; see `lab.strategies.dpor.Node`."""

    __slots__ = ("chosen", "done", "enabled", "position", "sleep", "wanted")

    def __init__(self, position: int, enabled: tuple[int, ...], sleep: dict[int, Sleeper], chosen: int) -> None:
        self.position = position
        self.enabled = enabled
        self.sleep = sleep
        self.chosen = chosen
        self.done: dict[int, Sleeper] = {}
        self.wanted = [chosen]


Sleeper = tuple[Touched, int]
"""What a stretch touched that was explored before, and how many objects had been touched when it began."""


class StretchSets:
    """Source-DPOR with sleep sets over the stretches of `lab.carriers.stretches`.

    Abdulla, Aronis, Jonsson and Sagonas, "Source Sets: A Foundation for Optimal Dynamic Partial Order Reduction",
    JACM 2017, algorithm 1; as in `lab.strategies.dpor`, but what a stretch touches is known only when it has been
    taken, so those who sleep are known by what they touched when they were not asleep.
    """

    name = "dpor"
    impatient = False

    def __init__(self) -> None:
        self.restart()

    def restart(self) -> None:
        """Forget what was covered."""
        self._path: list[Node] = []
        self._begun = False
        self._depth = self._fresh = self._seen = 0
        self._sleeping: dict[int, Sleeper] = {}
        self.redundant = False  # the execution repeats a class that is covered
        self.diverged = ""  # how an execution differed from the one before, where it had to be the same
        self._until = 0

    def begin(self, execution: Execution) -> bool:
        """Whether there is a class left."""
        if self._begun and not self._path:
            return False
        self._execution: Any = execution
        self._depth = self._seen = 0
        self._sleeping = {}
        self.redundant = False
        return True

    def choose(self, enabled: list[Actor], current: Actor | None) -> Actor:
        """Repeat the path, then let those go on who are not asleep."""
        depth = self._depth
        self._depth += 1
        position = len(self._execution.stretches)
        indices = tuple([actor.index for actor in enabled])
        if depth < len(self._path):
            node = self._path[depth]
            if depth == len(self._path) - 1:
                self._sleeping = {**node.sleep, **node.done}
                self._seen = position
            if node.position == position and node.enabled == indices:
                return enabled[indices.index(node.chosen)]
            self.diverged = self.diverged or f"decision {depth + 1}"
            return enabled[0]
        self._wake(position)
        awake = [actor for actor in enabled if actor.index not in self._sleeping]
        if self.redundant or not awake:
            if not self.redundant:
                self.redundant, self._until = True, position
            return enabled[0]
        self._path.append(Node(position, indices, self._sleeping.copy(), awake[0].index))
        return awake[0]

    def end(self, execution: Execution) -> None:
        """Find the races of what has happened, and go to the next class."""
        self._begun = True
        stretches: list[Stretch] = self._execution.stretches
        self._wake(len(stretches))
        # Threads beside tasks are chosen, too, by the loop and at their own hooks, and what they do is no stretch:
        # where such a choice is the last one, no stretch follows it.
        unseen = bool(self._path) and self._path[-1].position >= len(stretches)
        if self._depth < len(self._path) or unseen:
            self.diverged = self.diverged or f"decision {self._depth + 1 - unseen}"
            return
        taken = stretches[: self._until] if self.redundant else stretches
        untaken = [one for one in self._execution.untaken() if one.cause < len(taken)]
        nodes = {node.position: node for node in self._path}
        races = StretchRaces(execution.actors)
        for earlier, initials in races.of(taken, self._fresh, untaken):
            node = nodes.get(earlier)
            if node is not None and not any(one in node.wanted or one in node.sleep for one in initials):
                possible = [one for one in initials if one in node.enabled]
                node.wanted += possible[:1] or [one for one in node.enabled if one not in node.wanted]
        while self._path:
            node = self._path[-1]
            stretch = stretches[node.position]
            node.done[node.chosen] = stretch.footprint(), stretch.named
            following = next((who for who in node.wanted if who not in node.done and who not in node.sleep), None)
            if following is not None:
                node.chosen = following
                self._fresh = node.position
                return
            self._path.pop()

    def _wake(self, position: int) -> None:
        """Sleepers that what has happened since depends on are awake again."""
        for at in range(self._seen, position):
            if not self._sleeping or self.redundant:
                break
            stretch = self._execution.stretches[at]
            if stretch.actor.index in self._sleeping:
                self.redundant, self._until = True, at
                break
            for who in [who for who, sleeper in self._sleeping.items() if stretch.disturbs(*sleeper)]:
                del self._sleeping[who]
        self._seen = position

    def estimate(self, leaves: int) -> int:
        """How many classes there are, if what is left of the path's decisions is like what was explored."""
        share, scale = 0.0, 1.0
        for node in self._path:
            known = max(1, len([who for who in node.wanted if who not in node.sleep]))
            share += scale * len(node.done) / known
            scale /= known
        return round(leaves / share) if share else leaves
