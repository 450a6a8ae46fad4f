"""What one execution knows of the real synchronization objects it meets."""

from __future__ import annotations

from collections import deque
from random import Random
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lab.carriers.actor import Actor
    from lab.carriers.control import Control

OUTSIDE = "outside"
"""Holds a lock that was taken before the execution began or by code out of control."""


class LockState:
    """Who holds a lock; the real lock is never taken."""

    __slots__ = ("count", "lock", "owner", "reentrant")

    def __init__(self, lock: Any, reentrant: bool, held: bool) -> None:
        self.lock = lock
        self.reentrant = reentrant
        self.owner: Actor | str | None = OUTSIDE if held else None
        self.count = 1 if held else 0

    def free(self) -> bool:
        """Whether anybody could take it."""
        return self.owner is None


class Waiter:
    """One call of ``Condition.wait`` that has not returned."""

    __slots__ = ("notified",)

    def __init__(self) -> None:
        self.notified = False


class Memory:
    """Empty at the start of each execution; keeps the objects alive so that their ids stay theirs."""

    def __init__(self, control: Control) -> None:
        self._control = control
        self._locks: dict[int, LockState] = {}
        self._waiters: dict[int, tuple[object, deque[Waiter]]] = {}
        self._before: dict[int, tuple[Any, dict[str, Any]]] = {}
        self._random: Random | None = None
        self.was_set: set[int] = set()  # events that somebody set during the execution

    def lock(self, lock: Any, reentrant: bool) -> LockState:
        state = self._locks.get(id(lock))
        if state is None:
            held = not reentrant and lock.locked()
            state = self._locks[id(lock)] = LockState(lock, reentrant, held)
        return state

    def holders(self) -> dict[int, Actor | str]:
        """Who holds which lock, by the lock's id."""
        return {identity: state.owner for identity, state in self._locks.items() if state.owner is not None}

    def waiters(self, condition: object) -> deque[Waiter]:
        found = self._waiters.get(id(condition))
        if found is None:
            found = self._waiters[id(condition)] = (condition, deque())
        return found[1]

    def remember(self, owner: Any, *names: str) -> None:
        """Note fields of ``owner`` before the execution changes them for the first time."""
        if id(owner) not in self._before:
            values = {}
            for name in names:
                value = getattr(owner, name)
                values[name] = deque(value, value.maxlen) if isinstance(value, deque) else value
            self._before[id(owner)] = (owner, values)

    def random(self) -> Random:
        """The generator behind the functions of `random`; the same numbers in every execution."""
        if self._random is None:
            self._random = Random(0)
        return self._random

    def forget(self) -> None:
        """Restore remembered fields and start afresh."""
        if self._before:
            for owner, values in self._before.values():
                for name, value in values.items():
                    setattr(owner, name, value)
            self._before.clear()
        if self._locks:
            self._locks.clear()
        if self._waiters:
            self._waiters.clear()
        self._random = None
        if self.was_set:
            self.was_set.clear()
