"""Paths that lead through what others change: the system goes along a path name by name, and here that is one step.

An operation in the directory that a path led to before is the same as one before that change, unless somebody changes
there, afterwards, what the operation touches: a release that is removed once a link leads to the next one.  That order
is none that a step can have, so it is told.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from lab.filesystem.paths import Paths
from lab.filesystem.request import Request

Locks = frozenset[int]
"""The ids of locks that somebody has."""


OVERTAKEN = (
    "the way to {} was gone in one step, and somebody who leads it elsewhere changes there what it led to before"
)


class _Walk:
    """An operation at a path of several names."""

    __slots__ = ("actor", "held", "label", "own")

    def __init__(self, request: Request, own: dict[tuple[int, Any], bool], held: Locks) -> None:
        self.actor, self.label, self.own, self.held = request.actor, request.label, own, held


class Walks:
    """Those of one execution."""

    def __init__(self) -> None:
        self._through: dict[tuple[int, Any], list[_Walk]] = {}
        self._overtaken: list[_Walk] = []

    def begin(self) -> None:
        """Another execution."""
        self._through.clear()
        self._overtaken.clear()

    def happened(self, request: Request, held: Callable[[Any], Locks]) -> str:
        """An operation was done: the path that came to be doubtful, if one did; ``held`` tells who has which locks."""
        actor, found = request.actor, ""
        for walk in self._overtaken:
            if walk.actor is not actor:
                for owner, key, write in request.accesses:
                    if (write or walk.own.get((id(owner), key))) and (id(owner), key) in walk.own:
                        found = walk.label
        for owner, key, write in request.accesses:
            if write and (id(owner), key) in self._through:
                for walk in self._through.pop((id(owner), key)):
                    waited = walk.actor.finished and walk.actor.parent is actor
                    if walk.actor is not actor and not waited and not walk.held & held(actor):
                        self._overtaken.append(walk)
        places = {(id(owner), key) for owner, key, _ in request.passed if type(key) is tuple}
        if places:
            own = {place: write for owner, key, write in request.accesses if (place := (id(owner), key)) not in places}
            walk = _Walk(request, own, held(actor))
            for place in places:
                self._through.setdefault(place, []).append(walk)
        return found


def held_by(paths: Paths, actor: Any) -> Locks:
    """Locks of files, and those of `multiprocessing`."""
    found = {id(lock) for lock in paths.locks() for held in lock.held if held.actor is actor}
    return frozenset(found | {id(one) for one in paths.semaphores.values() if one.holder is actor})
