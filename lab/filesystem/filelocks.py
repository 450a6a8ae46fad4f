"""Who holds a lock on a file, as far as the actors' own calls tell."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lab.carriers.actor import Actor

_END = 1 << 62
INHERITED = "a file that was opened before the processes came to be"
"""Whose a lock is that belongs to an open file that all of them have in common: it keeps none of them away."""


@dataclass
class Held:
    """A lock on a part of a file, through a file descriptor where that is what has it."""

    actor: Actor  # who took it
    owner: object  # whose it is: the actor's, of the process in which actors are threads, or `INHERITED`
    fd: int  # -1 for a lock that belongs to the process
    shared: bool
    start: int = 0
    end: int = _END

    def excludes(self, other: Held) -> bool:
        """Whether the two cannot be held at the same time."""
        if (self.owner, self.fd) == (other.owner, other.fd) or (self.shared and other.shared):
            return False
        return self.start < other.end and other.start < self.end


class FileLock:
    """The locks of one kind on one file."""

    def __init__(self) -> None:
        self.held: list[Held] = []
        self.version = 0  # how often something was given back
        self.stalled: dict[Actor, int] = {}  # who found it held by nobody that is known -> the version then

    def is_free(self, wanted: Held) -> bool:
        """Whether ``wanted`` can be taken now."""
        if self.stalled.get(wanted.actor, -1) == self.version:
            return False
        return not any(held.excludes(wanted) for held in self.held)

    def holder(self, wanted: Held) -> Actor | None:
        """Who stands in the way."""
        return next((held.actor for held in self.held if held.excludes(wanted)), None)

    def refuses(self, wanted: Held, waits: Mapping[Actor, tuple[FileLock, Held]]) -> bool:
        """Whether who waits for ``wanted`` would wait for itself, as ``waits`` tells who waits for what.

        The system tells it so, by EDEADLK, of locks that belong to a process.
        """
        pending, seen = [(self, wanted)], {wanted.actor}
        while pending:
            lock, one = pending.pop()
            for held in lock.held:
                if held.excludes(one):
                    if held.actor is wanted.actor:
                        return True
                    if held.actor in waits and held.actor not in seen:
                        seen.add(held.actor)
                        pending.append(waits[held.actor])
        return False

    def take(self, wanted: Held) -> None:
        """It was taken; of the same holder the new one takes the place of what it had there."""
        self.version += self._give_back(wanted)
        self.held.append(wanted)
        self.stalled.pop(wanted.actor, None)

    def give_back(self, given: Held) -> None:
        """A part was given back."""
        if self._give_back(given):
            self.version += 1

    def closed(self, owner: object, fd: int) -> None:
        """A file descriptor was closed, with which the locks of the whole process go, and its own."""
        self._keep(lambda held: held.owner is not owner or held.fd not in (-1, fd))

    def ended(self, owner: object) -> bool:
        """The process is no more; whether it held anything."""
        return self._keep(lambda held: held.owner is not owner)

    def _keep(self, stays: Callable[[Held], bool]) -> bool:
        kept = [held for held in self.held if stays(held)]
        changed = len(kept) < len(self.held)
        self.held = kept
        self.version += changed
        return changed

    def _give_back(self, given: Held) -> bool:
        rest: list[Held] = []
        changed = False
        for held in self.held:
            same = (held.owner, held.fd) == (given.owner, given.fd)
            if not same or held.end <= given.start or given.end <= held.start:
                rest.append(held)
                continue
            changed = True
            if held.start < given.start:
                rest.append(replace(held, end=given.start))
            if given.end < held.end:
                rest.append(replace(held, start=given.end))
        self.held = rest
        return changed
