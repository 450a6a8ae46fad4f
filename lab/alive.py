"""Know objects by id for as long as the id is theirs, without changing when they end.

A program may count on the end of an object (a lock that ``__del__`` releases), so
an object is only kept alive if there is no other way to learn when it ends.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable


class Alive:
    """The objects met so far; ``ended(id)`` is called when one of them is no more."""

    def __init__(self, ended: Callable[[int], object]) -> None:
        self._ended = ended
        self._met: dict[int, object] = {}

    def meet(self, thing: object) -> None:
        """See to it that the id of ``thing`` stays its own, or that its end is noticed."""
        identity = id(thing)
        if identity in self._met:
            return
        try:
            self._met[identity] = weakref.ref(thing, lambda _: self._forget(identity))
        except TypeError:
            self._met[identity] = thing

    def get(self, identity: int) -> object | None:
        """The object that has this id; None if it is no more, or was never met."""
        met = self._met.get(identity)
        return met() if type(met) is weakref.ref else met

    def clear(self) -> None:
        """Watch nothing any more; ``ended`` is not called."""
        self._met.clear()

    def _forget(self, identity: int) -> None:
        if self._met.pop(identity, None) is not None:
            self._ended(identity)
