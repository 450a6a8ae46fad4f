"""What one execution knows of the real synchronization objects it meets."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from queue import SimpleQueue
from random import Random
from typing import TYPE_CHECKING, Any

from lab.hooks import uncontrolled
from lab.kinds import is_a
from lab.virtual.births import Births
from lab.virtual.caches import Pending, state_of_cache
from lab.virtual.threads import mark_ended

if TYPE_CHECKING:
    from lab.carriers.actor import Actor
    from lab.carriers.control import Control

OUTSIDE = "outside"
"""Holds a lock that was taken before the execution began or by code out of control."""


class LockState:
    """Who holds a lock; the real lock is never taken."""

    __slots__ = ("count", "lock", "owner", "reentrant")

    def __init__(self, lock: Any, reentrant: bool, owner: Actor | str | None) -> None:
        self.lock = lock
        self.reentrant = reentrant
        self.owner = owner
        self.count = 0 if owner is None else 1

    def free(self) -> bool:
        """Whether anybody could take it."""
        return self.owner is None


class Waiter:
    """One wait for a notification that has not returned; stands in the condition's own waiting list."""

    __slots__ = ("actor", "notified")

    def __init__(self, actor: Actor) -> None:
        self.actor = actor
        self.notified = False

    def release(self) -> None:
        """What the real ``Condition.notify`` calls; whose time was not up by now has been told in time."""
        self.notified = True
        if self.actor.wait is not None:
            self.actor.wait.deadline = None


class Memory:
    """Empty at the start of each execution; keeps the objects alive so that their ids stay theirs."""

    def __init__(self, control: Control) -> None:
        self._control = control
        self._locks: dict[int, LockState] = {}
        self._before: dict[int, tuple[object, list[Callable[[], object]]]] = {}
        self._random: Random | None = None
        self.named = 0  # threads without a name of their own
        self.excepthook = threading.excepthook  # of the test runner, say: not the program's own
        self.births = Births()
        self.filled = ""  # in some execution: a cache that held something before it, and more after it
        self.pending: dict[int, list[Pending]] = {}  # calls of cached functions that have not returned, by actor
        self.contexts: dict[int, list[Any]] = {}  # that an actor is in, by its index: the innermost one last
        self.executors: dict[str, int] = {}  # CPython's number of one without a name of its own -> the lab's
        self.drew = ""  # in some execution: random numbers, and where
        self.was_set: set[int] = set()  # events that somebody set during the execution
        self.handed_on = False  # in some execution: a lock was let go of by another actor than the one who had it

    def lock(self, lock: Any, reentrant: bool) -> LockState:
        """The state of ``lock``; the real one tells whether it was held before."""
        state = self._locks.get(id(lock))
        if state is None:
            state = self._locks[id(lock)] = LockState(lock, reentrant, self._holder_before(lock, reentrant))
        return state

    def _holder_before(self, lock: Any, reentrant: bool) -> Actor | str | None:
        if not reentrant:
            return OUTSIDE if lock.locked() else None
        with uncontrolled():
            if lock._is_owned():
                return self._control.main  # the thread that runs all this has it
            if not lock.acquire(False):
                return OUTSIDE
            lock.release()
        return None

    def known_lock(self, lock: Any) -> LockState | None:
        """The state of ``lock`` if somebody has used it."""
        return self._locks.get(id(lock))

    def holders(self) -> dict[int, Actor | str]:
        """Who holds which lock, by the lock's id."""
        return {identity: state.owner for identity, state in self._locks.items() if state.owner is not None}

    def held_by(self, actor: Actor) -> frozenset[tuple[int, int]]:
        """The ids of the locks that an actor holds, and how often it took each."""
        return frozenset((identity, state.count) for identity, state in self._locks.items() if state.owner is actor)

    def locks_of(self, actor: Actor) -> frozenset[int]:
        """The ids of the locks that an actor holds."""
        return frozenset([identity for identity, state in self._locks.items() if state.owner is actor])

    def remember(self, owner: Any, *names: str) -> None:
        """Note fields of ``owner`` before the execution changes them for the first time."""
        if id(owner) not in self._before:
            self._before[id(owner)] = (owner, [_undo(owner, name) for name in names])

    def at_the_end(self, owner: Any, action: Callable[[], object]) -> None:
        """Have something done for ``owner`` once, when the execution is over."""
        if id(owner) not in self._before:
            self._before[id(owner)] = (owner, [action])

    def remember_cache(self, cache: Any) -> None:
        """See to it that a cache that is empty when the execution first meets it is so at the end.

        One that holds something, and comes to hold more, cannot be put back.
        """
        if id(cache) in self._before:
            return
        misses, size = state_of_cache(cache)

        def compare() -> None:
            if state_of_cache(cache)[0] != misses:
                self.filled = cache.__qualname__

        self._before[id(cache)] = (cache, [compare if size else cache.cache_clear])

    def at_end(self, owner: object, action: Callable[[], object]) -> None:
        """Have something done when the execution is over."""
        self._before[id(owner)] = (owner, [action])

    def remember_items(self, owner: Any) -> None:
        """Note the items of a `queue.SimpleQueue` before the execution changes them for the first time."""
        if id(owner) not in self._before:
            items = _drain(owner)

            def refill() -> None:
                _drain(owner)
                for item in items:
                    SimpleQueue.put(owner, item)

            refill()

            self._before[id(owner)] = (owner, [refill])

    def random(self) -> Random:
        """The generator behind the functions of `random`; the same numbers in every execution."""
        if self._random is None:
            self._random = Random(0)
        return self._random

    def forget(self) -> None:
        """Restore remembered fields and start afresh."""
        if self._before:
            for _, undo in self._before.values():
                for action in undo:
                    action()
            self._before.clear()
        if self._locks:
            self._locks.clear()
        self._random = None
        self.named = 0
        threading.excepthook = self.excepthook
        if self.executors:
            self.executors.clear()
        if self.births.of:
            self.births.clear()
        if self.pending:
            self.pending.clear()
        if self.contexts:
            self.contexts.clear()
        if self.was_set:
            self.was_set.clear()
        control = self._control
        for actor in control.actors:
            if actor.thread is not None and actor is not control.main:
                mark_ended(actor.thread)


def _undo(owner: Any, name: str) -> Callable[[], object]:
    value = getattr(owner, name)
    if is_a(value, list | deque):
        items = list(value)

        def refill() -> None:
            value[:] = items

        def refill_deque() -> None:
            value.clear()
            value.extend(items)

        return refill if is_a(value, list) else refill_deque
    return lambda: setattr(owner, name, value)


def _drain(owner: Any) -> list[Any]:
    return [SimpleQueue.get_nowait(owner) for _ in range(SimpleQueue.qsize(owner))]
