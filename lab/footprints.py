"""What each stretch of a task touches, by names that mean the same in every execution."""

from __future__ import annotations

from collections import deque
from types import ModuleType
from typing import Any

from lab.carriers.actor import Actor
from lab.instrument import Site
from lab.kinds import is_a
from lab.leftovers import Writes
from lab.naming import parts

_MOST = 400  # objects that are numbered beforehand; those that are not may all be the same one, for all that is known


class Footprints(Writes):
    """A sharing map that puts down what the stretch that goes on touches."""

    def __init__(self, control: Any) -> None:
        super().__init__()
        self._control = control
        self._numbers: dict[tuple[int, int], int] = {}

    @property
    def named(self) -> int:
        """How many objects have been touched."""
        return len(self._numbers)

    def number(self, thing: object) -> int:
        """Of an object among all that are touched, in the order of first touch."""
        self._alive.meet(thing)
        return self._numbers.setdefault((id(thing), self._earlier.get(id(thing), 0)), len(self._numbers))

    def know(self, state: object) -> None:
        """Number what can be reached from the state that setup made, before anybody touches it."""
        pending, met = deque([state]), 0
        while pending and met < _MOST:
            thing = pending.popleft()
            if thing is None or is_a(thing, int | float | complex | str | bytes | type | ModuleType):
                continue
            if (id(thing), self._earlier.get(id(thing), 0)) not in self._numbers:
                met += 1
                self.number(thing)
                pending.extend(part for part, _ in parts(thing, ""))

    def note(self, actor: Actor, owner: object, key: object, write: bool, site: Site) -> None:
        """One access."""
        super().note(actor, owner, key, write, site)
        self.touch(owner, key, write)

    def touch(self, owner: object, key: object, write: bool) -> None:
        """A place that a stretch touches."""
        stretch = self._control.stretch
        if stretch is not None:
            place = (self.number(owner), key)
            stretch.touched[place] = stretch.touched.get(place, False) or write
