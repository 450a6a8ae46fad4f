"""Semaphores of `multiprocessing` that have a name, by which processes find them that were not forked.

To find one is part of the step in which a process takes what it was given; to remove the name is a step as well, as who
comes too late fails.  Names that actors give are put down, so that none is left behind, whoever is killed.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from lab.child.memory.segments import Segments
from lab.child.semaphores import Semaphores
from lab.child.stops import Stops

_LIBRARY, _MODULE = "multiprocessing.synchronize", "_multiprocessing"


class NamedSemaphores:
    """Those of one process."""

    def __init__(self, stops: Stops, semaphores: Semaphores, segments: Segments) -> None:
        self._stops, self._semaphores, self._segments = stops, semaphores, segments
        self._passing: dict[str, Any] = {}  # name -> number and what it is called, of those that are just being pickled
        self._given: dict[str, Any] = {}  # the same, of those that another process knows as well

    @contextmanager
    def passed(self) -> Iterator[dict[str, Any]]:
        """What is pickled meanwhile is known to another process from then on: names and numbers."""
        found: dict[str, Any] = {}
        self._passing = found
        yield found
        self._given.update(found)

    def take(self, names: dict[str, Any]) -> None:
        """In a process that was not forked: what it is given."""
        self._given = dict(names)

    def effects(self) -> tuple[tuple[str, str], ...]:
        """How it touches the names to find what it is given."""
        return tuple((self._place(number), "N") for number, _ in self._given.values())

    def _place(self, number: Any) -> str:
        """Where the name stands, which is by chance another one in each execution."""
        return self._segments.path(f"semaphore {number}")

    @contextmanager
    def in_place(self) -> Iterator[None]:
        """Let the library do this."""
        library: Any = sys.modules.get(_LIBRARY)
        if library is None or self._semaphores.real is None:
            yield
            return
        kind = library.SemLock
        get, put, unlink = kind.__getstate__, kind.__setstate__, library.sem_unlink
        kind.__getstate__, kind.__setstate__ = self._pickling(get), self._unpickling(put)
        library.sem_unlink = self._unlinking(unlink)
        try:
            yield
        finally:
            kind.__getstate__, kind.__setstate__, library.sem_unlink = get, put, unlink

    def _pickling(self, real: Any) -> Any:
        def __getstate__(lock: Any) -> Any:  # noqa: N807 - it takes the place of one
            state = real(lock)
            semaphore = lock._semlock
            self._passing[semaphore.name] = semaphore.number, self._stops.name_of(semaphore, "")
            return state

        return __getstate__

    def _unpickling(self, real: Any) -> Any:
        def __setstate__(lock: Any, state: Any) -> None:  # noqa: N807 - as above
            with self._stops.known():
                real(lock, state)
            lock._semlock.number, name = self._given.get(state[-1], (0, ""))
            self._stops.is_called(lock._semlock, name)

        return __setstate__

    def _unlinking(self, real: Any) -> Any:
        def sem_unlink(name: str) -> None:
            if name in self._given and self._stops.begun:
                number, label = self._given[name]
                self._stops.step("removes the name of", label or "a semaphore", ((self._place(number), "N*"),))
            with self._stops.known():
                real(name)

        return sem_unlink
