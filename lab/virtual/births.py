"""When the futures of one execution were made; threads are known by name."""

from __future__ import annotations

import threading

from lab.kinds import is_a


class Births:
    """When the futures of one execution were made: by whom, and as how manieth."""

    def __init__(self) -> None:
        self.of: dict[int, tuple[int, int]] = {}  # by id, which a later one may get
        self._count: dict[int, int] = {}

    def enter(self, future: object, maker: int) -> None:
        """A future was made by the actor of index ``maker``."""
        number = self._count[maker] = self._count.get(maker, 0) + 1
        self.of[id(future)] = maker, number

    def key(self, thing: object) -> tuple[int, int, str]:
        """What to sort by."""
        if is_a(thing, threading.Thread):
            name = str(thing._name)  # type: ignore[attr-defined]
            return 0, len(name), name
        return *self.of.get(id(thing), (-1, 0)), ""

    def clear(self) -> None:
        """At the end of the execution."""
        self.of.clear()
        self._count.clear()
