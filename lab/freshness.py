"""Notice a setup that hands out again what an earlier execution has changed."""

from __future__ import annotations

import sys
import weakref
from collections import deque
from collections.abc import Callable
from typing import Any

from lab.errors import InvalidValue
from lab.kinds import is_a
from lab.naming import Names, parts, short
from lab.origin import LAB, is_library

_MOST = 300
_CONTAINERS = (list, dict, set, deque, tuple, bytearray)


class Freshness:
    """Stands in for setup during the first executions and compares the states that it made."""

    def __init__(self, setup: Callable[[], Any]) -> None:
        self._setup = setup
        self._before: _Snapshot | None = None
        self.done = False

    def setup(self) -> Any:
        """Make a state; raises InvalidValue if it shows the changes of the execution before."""
        state = self._setup()
        found = _snapshot(state)
        if self._before is not None:
            _compare(self._before, found)
            self.done = True
        self._before = found
        return state


_Snapshot = dict[int, tuple[Callable[[], object], str, str]]


def _snapshot(state: Any) -> _Snapshot:
    """Every changeable object in reach: how to get it if it lives, its path and its contents as text."""
    found: _Snapshot = {}
    pending = deque([(state, "state")])
    while pending and len(found) < _MOST:
        thing, path = pending.popleft()
        if id(thing) in found or _cannot_change(thing):
            continue
        inner = [*parts(thing, path), *_class_containers(thing, path)] if _is_own(thing) else []
        found[id(thing)] = (_reference(thing), path, _contents(thing, inner))
        pending.extend(inner)
    return found


def _cannot_change(thing: object) -> bool:
    return thing is None or is_a(thing, int | float | complex | str | bytes | type) or callable(thing)


def _is_own(thing: object) -> bool:
    """Plain containers and instances of the program's classes; a library object may keep caches of its own."""
    module = sys.modules.get(type(thing).__module__)
    file = getattr(module, "__file__", None)
    return is_a(thing, _CONTAINERS) if file is None else not (is_library(file) or file.startswith(LAB))


def _class_containers(thing: object, path: str) -> list[tuple[object, str]]:
    """Lists and the like that all instances share because they are attributes of the class."""
    found: list[tuple[object, str]] = []
    for base in type(thing).__mro__[:-1]:
        if not is_a(thing, _CONTAINERS):
            found += [(value, f"{path}.{name}") for name, value in vars(base).items() if type(value) in _CONTAINERS]
    return found


def _contents(thing: object, inner: list[tuple[object, str]]) -> str:
    own = short(thing) if is_a(thing, _CONTAINERS) else ""
    return f"{own}|" + ", ".join(f"{path}={short(part)}" for part, path in inner if _cannot_change(part))


def _reference(thing: object) -> Callable[[], object]:
    """A program may count on the end of an object, which must not outlive the execution because it is known here."""
    try:
        return weakref.ref(thing)
    except TypeError:
        return lambda: thing


def _compare(first: _Snapshot, second: _Snapshot) -> None:
    for identity, (get, path, contents) in second.items():
        thing, known = get(), first.get(identity)
        if thing is not None and known is not None and known[0]() is thing and known[2] != contents:
            held = short(thing, Names()) if is_a(thing, _CONTAINERS) else contents.split("|", 1)[1]
            raise InvalidValue(
                f"setup: {path} ({type(thing).__name__}) is the same object as in the execution before and still holds "
                f"its changes ({held}); make a new one in setup, or put it back in teardown"
            )
