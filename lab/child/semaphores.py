"""Locks, semaphores, conditions, events and barriers of `multiprocessing`: all of them are made of semaphores.

What stops is the semaphore below.  The runner has it in its memory as well, and sees there whether it can be taken, so
whoever has to wait is known to wait, whatever the library's own code makes of its semaphores.
"""

from __future__ import annotations

import gc
import sys
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from lab.child.stops import Stops
from lab.filesystem.request import REFUSED
from lab.filesystem.stops import TIMED_OUT

_RECURSIVE = 0  # the kind of a lock that its holder may take again
_MODULE, _LIBRARY = "_multiprocessing", "multiprocessing.synchronize"
_SHARED = "multiprocessing.sharedctypes"


class Semaphores:
    """All semaphores that the runner knows, and so do the processes that it forks."""

    def __init__(self, stops: Stops) -> None:
        self._stops = stops
        self.real: Any = getattr(sys.modules.get(_MODULE), "SemLock", None)
        self._known: weakref.WeakValueDictionary[int, Any] = weakref.WeakValueDictionary()
        self._made = 0
        self._before = 0
        self._own: list[weakref.ref[Any]] = []  # in a process: those that it made, of which nobody else knows yet
        self._values: dict[int, int] = {}  # when setup had made the state of the execution before
        self.kind: type[Any] = self._make_kind()

    def begin(self) -> None:
        """Another execution: what setup makes has the same numbers each time."""
        self._made = 0

    def changed(self) -> bool:
        """Asked when setup has made another state: whether one that it did not make is another than it was then in the
        execution before."""
        if not self._values and not len(self._known):
            return False
        if any(number > self._made for number in self._known):
            gc.collect()  # those of an older state are none
        before, self._values = self._values, {number: self.value(number) for number in list(self._known)}
        kept = [number for number in self._values if not 0 < number <= self._made]
        return any(self._values[number] != before.get(number, self._values[number]) for number in kept)

    def value(self, number: int) -> int:
        """How often the semaphore with that number can be taken now."""
        known = self._known.get(number)
        return known.real._get_value() if known is not None else 1

    def _enter(self, semaphore: Any) -> int:
        """The number of a semaphore; 0 for one of which only its own process knows."""
        if self._stops.begun:
            self._own.append(weakref.ref(semaphore))
            return 0
        self._made += 1
        self._known[self._made] = semaphore
        return self._made

    def share(self, index: int) -> None:
        """Before the process with that index is forked: what was made here is known to others from now on."""
        own, self._own = self._own, []
        for number, one in enumerate([found for found in (one() for one in own) if found is not None]):
            one.number = index, number, one.real._get_value()
            self._stops.keep_name(one)

    def _make_kind(self) -> type[Any]:
        semaphores, stops = self, self._stops

        class SemLock:
            """Stands for a semaphore of the operating system."""

            def __init__(self, kind: int, value: int, maxvalue: int, name: str, unlink: bool) -> None:
                self.real = semaphores.real(kind, value, maxvalue, name, unlink)
                self.number: Any = semaphores._enter(self)

            @classmethod
            def _rebuild(cls, *state: Any) -> SemLock:
                """In a process that was not forked: one that has a name."""
                found = object.__new__(cls)
                found.real, found.number = semaphores.real._rebuild(*state), 0
                return found

            def acquire(self, block: bool = True, timeout: float | None = None) -> bool:
                """Take it, or wait for it in the runner's way."""
                real = self.real
                if not stops.begun or not self.number or (real.kind == _RECURSIVE and real._is_mine()):
                    return bool(real.acquire(block, timeout))
                label = stops.name_of(self, "a lock" if real.maxvalue == 1 else "a semaphore")
                about = (self.number, real.maxvalue == 1)
                if not block or (timeout is not None and timeout <= 0):
                    stops.step("tries to acquire", label, (), wait=("try semaphore", *about))
                    taken = bool(real.acquire(False))
                    stops.came_to(str(taken))
                    return taken
                while stops.step("acquires", label, (), wait=("semaphore", *about, timeout)) != TIMED_OUT:
                    if real.acquire(False):
                        return True
                return False

            def release(self) -> None:
                """Give it back; what a holder took several times is given back with the last."""
                real = self.real
                again = real.kind == _RECURSIVE and (not real._is_mine() or real._count() > 1)
                if stops.begun and self.number and not again:
                    label = stops.name_of(self, "a lock" if real.maxvalue == 1 else "a semaphore")
                    stops.step("releases", label, (), wait=("give semaphore", self.number, real.maxvalue == 1))
                try:
                    real.release()
                except ValueError:
                    if not again:
                        stops.came_to(REFUSED)
                    raise

            def __enter__(self) -> bool:
                return self.acquire()

            def __exit__(self, *_: object) -> None:
                self.release()

            def _ask(self) -> None:
                if stops.begun and self.number:
                    label = stops.name_of(self, "a semaphore")
                    stops.step("asks for the value of", label, (), wait=("ask semaphore", self.number, False))

            def _get_value(self) -> int:
                self._ask()
                return int(self.real._get_value())

            def _is_zero(self) -> bool:
                self._ask()
                return bool(self.real._is_zero())

            def _count(self) -> int:
                return int(self.real._count())

            def _is_mine(self) -> bool:
                return bool(self.real._is_mine())

            def _after_fork(self) -> None:
                self.real._after_fork()

            def __getattr__(self, name: str) -> Any:
                return getattr(self.real, name)

        return SemLock

    @contextmanager
    def in_place(self) -> Iterator[None]:
        """Let the library make these, and change those that it has made before."""
        library = sys.modules.get(_LIBRARY)
        if library is None or self.real is None:
            yield
            return
        module: Any = sys.modules[_MODULE]
        registry = sys.modules["multiprocessing.util"]._afterfork_registry
        older = [one for one in list(registry.values()) if isinstance(one, library.SemLock)]
        before = [(one, dict(vars(one))) for one in older if type(vars(one).get("_semlock")) is self.real]
        for one, variables in before:
            stand_in: Any = object.__new__(self.kind)
            stand_in.real = variables["_semlock"]
            self._before -= 1  # of another row of numbers than those that setup makes
            stand_in.number = self._before
            self._known[self._before] = stand_in
            for name, value in variables.items():
                if value is stand_in.real:
                    vars(one)[name] = stand_in
                elif getattr(value, "__self__", None) is stand_in.real:
                    vars(one)[name] = getattr(stand_in, value.__name__)
        before += _lend({id(variables["_semlock"]): vars(one)["_semlock"] for one, variables in before}, library)
        module.SemLock, real = self.kind, module.SemLock
        try:
            yield
        finally:
            module.SemLock = real
            for one, variables in before:
                for name in ("_semlock", *[name for name, value in variables.items() if callable(value)]):
                    if name in variables:
                        vars(one)[name] = variables[name]


def _lend(stand_ins: dict[int, Any], library: Any) -> list[tuple[Any, dict[str, Any]]]:
    """Let conditions, values and arrays that took the methods of an older lock have those of what stands for it.

    Each with the variables that it had.
    """
    found: list[tuple[Any, dict[str, Any]]] = []
    if not stand_ins:
        return found
    kinds = (library.Condition, getattr(sys.modules.get(_SHARED), "SynchronizedBase", library.Condition))
    for one in gc.get_objects():
        if issubclass(type(one), kinds):
            variables = dict(vars(one))
            for name, value in variables.items():
                stand_in = stand_ins.get(id(getattr(value, "__self__", None)))
                if stand_in is not None:
                    vars(one)[name] = getattr(stand_in, value.__name__)
            found.append((one, variables))
    return found
