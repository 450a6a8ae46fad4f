"""Every schedule, one after the other: for programs whose choices are few."""

from __future__ import annotations

from lab.carriers.actor import Actor
from lab.carriers.execution import Execution


class Walk:
    """Goes through the whole tree of choices, depth first and without any reduction.

    Nothing is taken to be independent of anything, so it covers what there is by its form alone.
    """

    name = "all"

    def __init__(self) -> None:
        self.redundant = self.impatient = False
        self.restart()

    def restart(self) -> None:
        """Forget what was covered."""
        self._path: list[tuple[tuple[int, ...], int]] = []  # who was enabled, and the position of the chosen one
        self._begun = False
        self._depth = 0
        self.diverged = ""  # how an execution differed from the one before, where it had to be the same

    def begin(self, execution: Execution) -> bool:
        """Whether there is a schedule left."""
        self._depth = 0
        return bool(self._path) or not self._begun

    def choose(self, enabled: list[Actor], current: Actor | None) -> Actor:
        """Repeat the path, then go on with the first there is."""
        depth = self._depth
        self._depth += 1
        indices = tuple([actor.index for actor in enabled])
        if depth < len(self._path):
            known, position = self._path[depth]
            if known == indices:
                return enabled[position]
            self.diverged = self.diverged or f"decision {depth + 1}"
            return enabled[0]
        if not self.diverged:
            self._path.append((indices, 0))
        return enabled[0]

    def end(self, execution: Execution) -> None:
        """Go to the next schedule."""
        self._begun = True
        if self._depth < len(self._path):
            self.diverged = self.diverged or f"decision {self._depth + 1}"
        while self._path:
            indices, position = self._path.pop()
            if position + 1 < len(indices):
                self._path.append((indices, position + 1))
                return

    def estimate(self, leaves: int) -> int:
        """How many schedules there are, if what is left of the path is like what was walked."""
        share, scale = 0.0, 1.0
        for indices, position in self._path:
            scale /= len(indices)
            share += scale * position
        return max(leaves, round(leaves / share)) if share else leaves
