"""May many states be made before the first of their rounds runs?

Making states by the hundred and then hammering them one after another is fifty times
faster than one at a time.  It is right only if a round touches nothing but its own state.
A program with module-level state that ``setup`` resets, or with a file, would see
the rounds of a whole batch pile up, and the hammer would report races that are
not there.  So the first rounds are run one at a time and watched: what two of them
both touch, and one of them changes, is not the state's.
"""

from __future__ import annotations

import functools
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from types import BuiltinFunctionType, FunctionType, MethodType, ModuleType
from typing import Any

from lab.hammering.noise import Noise, SharedDiscovery, Strayed
from lab.hooks import ABSENT, Accesses
from lab.instrument import Site
from lab.kinds import is_a
from lab.operations import CONTENTS, is_container, method_writes
from lab.origin import is_library
from lab.outside import HARMLESS, MEMORY, package

_LOCKS: tuple[Any, ...] = (type(threading.Lock()), type(threading.RLock()), threading.Condition)
_SYNCHRONIZED = ("threading", "queue")
_UNKNOWN = frozenset((open, exec, eval, input))


@dataclass
class Watched:
    """What the actors of one round touched."""

    places: dict[tuple[int, object], bool] = field(default_factory=dict)  # (owner's id, key) -> was it changed?
    outside: bool = False  # a file, a socket or unknown C code
    of_thread: bool = False  # something that each OS thread has its own of
    kept: list[object] = field(default_factory=list)  # keeps the ids from being used again


@dataclass(frozen=True)
class Isolation:
    """How rounds have to be kept apart."""

    batches: bool = False  # many states may be made at once
    fresh_threads: bool = False  # each round needs new threads, as a thread's own variables outlive it

    @classmethod
    def between(cls, first: Watched, second: Watched) -> Isolation:
        """Judge from two rounds of which both are still in memory."""
        shared = any(
            changed or second.places[place] for place, changed in first.places.items() if place in second.places
        )
        own = first.of_thread or second.of_thread
        return cls(batches=not (shared or own or first.outside or second.outside), fresh_threads=own)


class Watch(Noise):
    """Noise that also writes down what is touched."""

    def __init__(
        self,
        discovery: SharedDiscovery,
        level: float,
        seed: int,
        strayed: Strayed,
        number: Callable[[], int],
        watched: Watched,
    ) -> None:
        super().__init__(discovery, level, seed, strayed, number)
        self._watched = watched

    def touch(
        self, owner: object, key: object, write: bool, site: Site, value: object = ABSENT, more: Accesses = ()
    ) -> None:
        """Before an attribute, global or cell is read or written."""
        self._note(owner, key, write)
        for access in more:
            self._note(*access)
        super().touch(owner, key, write, site, value, more)

    def whole(
        self, container: object, write: bool, site: Site, detail: object = ABSENT, also: tuple[object, ...] = ()
    ) -> None:
        """Before an operation on a container."""
        for one in (container, *also):
            kind: Any = type(one)
            if is_container(kind):
                self._note(one, CONTENTS, write and one is container)
        super().whole(container, write, site, detail, also)

    def call(self, function: Any, arguments: tuple[Any, ...], site: Site) -> Any:
        """Before any call."""
        kind = type(function)
        if kind is BuiltinFunctionType and (function.__self__ is None or type(function.__self__) is ModuleType):
            if function in _UNKNOWN or not (function in HARMLESS or package(function) in MEMORY):
                self._watched.outside = True
        elif kind is BuiltinFunctionType or (kind is MethodType and site.stepped):
            self._method(function.__self__, function.__name__, site)
        elif kind is FunctionType and site.stepped:
            if is_library(function.__code__.co_filename) and package(function) not in MEMORY:
                self._watched.outside = True  # its variables are not watched
        elif kind is functools._lru_cache_wrapper:
            self._note(function, CONTENTS, True)
        return super().call(function, arguments, site)

    def enter(self, manager: Any, site: Site) -> Any:
        """Before a ``with`` enters ``manager``."""
        if site.stepped:
            self._method(manager, "__enter__", site)
        return super().enter(manager, site)

    def _method(self, owner: object, name: str, site: Site) -> None:
        """A method whose own code may not be stepped."""
        kind: Any = owner if is_a(owner, type) else type(owner)
        if kind in _LOCKS:
            return  # free again when the round is over
        unwatched = [base for base in kind.__mro__ if not _is_stepped(base)]
        if any(package(base) not in MEMORY for base in unwatched):
            self._watched.outside = True
        elif any(package(base) == "contextvars" for base in unwatched):
            self._watched.of_thread = True
        elif site.stepped and (is_container(kind) or any(package(base) in _SYNCHRONIZED for base in unwatched)):
            self._note(owner, CONTENTS, method_writes(name))

    def _note(self, owner: object, key: object, write: bool) -> None:
        watched = self._watched
        if is_a(owner, threading.local):
            watched.of_thread = True
        # each round has its own stand-in for globals of no imported module
        place = (id(owner.__dict__ if type(owner).__name__ == "_Namespace" else owner), key)
        known = watched.places.get(place)
        if known is None:
            watched.kept.append(owner)
        if write or known is None:
            watched.places[place] = write


def _is_stepped(kind: type) -> bool:
    """Whether the methods of ``kind`` are the program's own, so that what they touch is seen."""
    file = getattr(sys.modules.get(kind.__module__), "__file__", None)
    return file is not None and not is_library(file)
