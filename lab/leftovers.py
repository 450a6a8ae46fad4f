"""Notice what one execution leaves behind for the next one: then they are not all of the same program.

Setup is to make everything anew.  What a program keeps elsewhere (a counter of the
module, a list of the class, a cache) goes on from one execution to the next; a bug
that shows only the first time is then met once at most, and no proof can stand on that.
"""

from __future__ import annotations

import weakref
from collections import deque
from collections.abc import Callable, Iterable
from functools import partial
from itertools import islice
from sys import getrefcount
from types import ModuleType
from typing import Any

from lab.carriers.actor import Actor
from lab.instrument import Site
from lab.kinds import is_a
from lab.naming import peek, short
from lab.operations import CACHED, CONTENTS, SYNC
from lab.recorder import SharingMap

_VALUES = (bool, int, float, complex, str, bytes, type(None))
_MOST_ITEMS = 1_000
_OURS = 3  # references to an object that nobody else has: the map's, a variable's and an argument's


class Writes(SharingMap):
    """A sharing map that remembers what stood at a place of the program before it was first written."""

    def __init__(self) -> None:
        super().__init__()
        self.before: dict[tuple[int, object], tuple[object, str]] = {}  # place -> what was there, and as text

    def note(self, actor: Actor, owner: object, key: object, write: bool, site: Site) -> None:
        """One access."""
        if write and site.stepped and key != SYNC:
            place = (id(owner), key)
            if place not in self.before or self.has_ended(id(owner)):
                self.before[place] = (_state(owner, key), _text(owner, key))
        super().note(actor, owner, key, write, site)


class Leftovers:
    """Stands in for setup, and compares what an execution began with with what the next one does."""

    def __init__(self, setup: Callable[[], Any]) -> None:
        self._setup = setup
        # Places that the execution before wrote: how to get the object; the key, the state and its text before it did.
        self._last: list[tuple[Callable[[], object], object, object, str]] = []
        self._changed: dict[tuple[int, object], tuple[object, str]] = {}  # place -> its object, and the story
        self.found: dict[str, None] = {}

    def setup(self) -> Any:
        """Make a state, and look what else is not as it was when the execution before began."""
        state = self._setup()
        for get, key, was, text in self._last:
            owner = get()
            if owner is not None and _state(owner, key) != was:
                name, now = _name(owner, key), _text(owner, key)
                changes = f"from {text} to {now}" if now != text else "while it ran"
                story = f"{name} changed {changes} in one execution, and so began the next"
                self._changed[id(owner), key] = (owner, story)
        self._last.clear()
        return state

    def cannot_put_back(self, what: str) -> None:
        """One execution has changed what the next one begins with."""
        self.found[f"setup does not make everything anew: {what} in one execution is there in the next"] = None

    def take_in(self, writes: Writes) -> None:
        """After an execution: what it met again had outlived the one before."""
        for (identity, key), (_, story) in self._changed.items():
            if writes.met(identity, key):
                self.found[f"setup does not make everything anew: {story}"] = None
        self._changed.clear()
        for (identity, key), (was, text) in writes.before.items():
            owner = writes.living(identity)
            if owner is None:
                continue
            try:
                self._last.append((weakref.ref(owner), key, was, text))
            except TypeError:  # to keep it must not change when what it holds ends
                if getrefcount(owner) > _OURS:
                    self._last.append((partial(_itself, owner), key, was, text))


def _itself(owner: object) -> object:
    return owner


def _state(owner: object, key: object) -> object:
    """Something that is equal as long as nobody writes there."""
    if key is not CONTENTS:
        return _mark(peek(owner, key))
    if is_a(owner, dict):
        return [(_mark(name), _mark(value)) for name, value in _some(dict.items(owner))], len(owner)
    if is_a(owner, set):
        return {_mark(one) for one in _some(set.__iter__(owner))}, len(owner)
    if is_a(owner, list):
        return [_mark(one) for one in _some(list.__iter__(owner))], len(owner)
    if is_a(owner, deque):
        return [_mark(one) for one in _some(deque.__iter__(owner))], len(owner)
    if type(owner) is CACHED:
        return None  # the twins put it back, or tell
    return bytes(owner) if is_a(owner, bytearray) else object()  # of which nothing is known


def _some(items: Iterable[Any]) -> Iterable[Any]:
    return islice(items, _MOST_ITEMS)


def _mark(value: object) -> object:
    return (type(value), value) if type(value) in _VALUES else id(value)


def _text(owner: object, key: object) -> str:
    return short(owner if key is CONTENTS else peek(owner, key)) or "something else"


def _name(owner: object, key: object) -> str:
    kind = type(owner)
    if key is CONTENTS:
        return f"a {kind.__name__}"
    if kind.__name__ == "cell":
        return "a variable of an outer function"
    if is_a(owner, ModuleType):
        return f"{owner.__name__}.{key}"
    if kind.__name__ == "_Namespace":
        return f"the global {key}"
    return f"{owner.__qualname__ if is_a(owner, type) else kind.__qualname__}.{key}"
