"""Contents of `threading.local` objects, one set for each actor.

CPython keeps them by OS thread, and actors on greenlets share one.  So the
contents are exchanged when another actor goes on.  This covers the objects that
stepped code touches; each starts empty for a new actor.
"""

from __future__ import annotations

import _thread
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lab.carriers.actor import Actor

LOCAL: Any = _thread._local


class ThreadLocals:
    """The `threading.local` objects that one execution has met."""

    def __init__(self) -> None:
        self.met: list[Any] = []
        self._stored: dict[tuple[int, int], dict[str, Any]] = {}

    def meet(self, local: Any, actor: Actor, main: Actor) -> None:
        """Set aside what the thread outside had in ``local``; ``actor`` starts with nothing."""
        if any(known is local for known in self.met):
            return
        self.met.append(local)
        if actor is not main:
            self._stored[main.index, id(local)] = dict(local.__dict__)
            local.__dict__.clear()

    def exchange(self, leaving: Actor, coming: Actor) -> None:
        """Store the contents of one actor and bring those of another."""
        for local in self.met:
            contents = local.__dict__
            self._stored[leaving.index, id(local)] = dict(contents)
            contents.clear()
            contents.update(self._stored.get((coming.index, id(local)), ()))

    def forget(self) -> None:
        """End of the execution; the main actor's contents are in place."""
        self.met.clear()
        self._stored.clear()
