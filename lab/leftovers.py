"""Notice what one execution leaves behind for the next one: then they are not all of the same program.

Setup is to make everything anew.  What a program keeps elsewhere (a counter of the
module, a list of the class, a cache) goes on from one execution to the next; a bug
that shows only the first time is then met once at most, and no proof can stand on that.
"""

from __future__ import annotations

import weakref
from collections import deque
from collections.abc import Callable, Container, Iterable
from functools import partial
from itertools import islice
from sys import getrefcount
from types import ModuleType
from typing import Any

from lab.alive import Alive
from lab.carriers.actor import Actor
from lab.inherited import Inherited
from lab.instrument import Site
from lab.kinds import is_a
from lab.naming import peek, short
from lab.operations import CACHED, CONTENTS, SYNC
from lab.recorder import SharingMap
from lab.virtual.local import LOCAL

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


class FirstWrites:
    """The same without the sharing map, for executions of which only this has to be known."""

    def __init__(self) -> None:
        self.before: dict[int, dict[object, tuple[object, object]]] = {}  # id -> key -> the state, and its text
        self._alive = Alive(self._ended)

    def _ended(self, identity: int) -> None:
        """Another object may take the place of one that is no more."""
        self.before.pop(identity, None)

    def note_all(self, accesses: Iterable[tuple[object, object, bool]], site: Site) -> None:
        """Before the accesses of one step."""
        if not site.stepped:
            return
        for owner, key, write in accesses:
            if write and key != SYNC and not issubclass(type(owner), LOCAL):  # to look at one would be to use it
                known = self.before.get(id(owner))
                if known is None:
                    self._alive.meet(owner)
                    known = self.before[id(owner)] = {}
                if key not in known:
                    known[key] = _looked_at(owner, key)

    def living(self, identity: int) -> object | None:
        """The object that was met under this id, if it lives."""
        return self._alive.get(identity)

    def clear(self) -> None:
        """Make ready for another execution."""
        self.before.clear()
        self._alive.clear()


class Leftovers:
    """Stands in for setup, and compares what an execution began with with what the next one does."""

    def __init__(self, setup: Callable[[], Any], inherited: Inherited, unseen: bool) -> None:
        self._setup = setup
        self._inherited = inherited
        self._all_unseen = unseen  # no code is instrumented
        self.unseen = False  # code has run uninstrumented: what it has changed shows only by its values
        # Places that the execution before wrote: how to get the object; the key, the state and its text before it did.
        self._last: list[tuple[Callable[[], object], object, object, object]] = []
        self._changed: dict[tuple[int, object], tuple[object, str]] = {}  # place -> its object, and the story
        self.found: dict[str, None] = {}

    def setup(self) -> Any:
        """Make a state, and look what else is not as it was when the execution before began."""
        state = self._setup()
        self._inherited.look()
        if self.unseen or self._all_unseen:
            self.unseen = False
            which = "one execution" if self._all_unseen else "an execution in which code ran uninstrumented"
            for changed in self._inherited.changes():
                told = f"{changed} in {which}, and so began the next"
                self.found[f"setup does not make everything anew: {told}"] = None
        for get, key, was, text in self._last:
            owner = get()
            if owner is not None and _state(owner, key) != was:
                name, now, text = _name(owner, key), _text(owner, key), _as_text(text)
                changes = f"from {text} to {now}" if now != text else "while it ran"
                story = f"{name} changed {changes} in one execution, and so began the next"
                self._changed[id(owner), key] = (owner, story)
        self._last.clear()
        return state

    def cannot_put_back(self, what: str) -> None:
        """One execution has changed what the next one begins with."""
        self.found[f"setup does not make everything anew: {what} in one execution is there in the next"] = None

    def is_left(self, what: str) -> None:
        """An execution began with something, of a file's kind, that the one before it had changed."""
        self.found[f"setup does not make everything anew: {what} is not as the execution before found it"] = None

    def take_in(self, writes: Writes) -> None:
        """After an execution: what it met again had outlived the one before."""
        self._tell(writes.met)
        for (identity, key), (was, text) in writes.before.items():
            self._keep(writes.living(identity), key, was, text)

    def take_in_first(self, writes: FirstWrites, touched: Container[tuple[int, object]]) -> None:
        """The same after an execution of which only the first writes were noted, and the places that were touched."""
        if self._changed:
            self._tell(lambda identity, key: (identity, key) in touched)
        for identity, known in writes.before.items():
            for key, (was, text) in known.items():
                self._keep(writes.living(identity), key, was, text)

    def _tell(self, met: Callable[[int, object], bool]) -> None:
        for (identity, key), (_, story) in self._changed.items():
            if met(identity, key):
                self.found[f"setup does not make everything anew: {story}"] = None
        self._changed.clear()

    def _keep(self, owner: object, key: object, was: object, text: object) -> None:
        if owner is None:
            return
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


def _looked_at(owner: object, key: object) -> tuple[object, object]:
    """The state of a place, and its text, or a plain value in a tuple to make it from: most are never asked for."""
    if key is not CONTENTS:
        value = peek(owner, key)
        return _mark(value), (value,) if type(value) in _VALUES else short(value) or "something else"
    return _state(owner, key), _text(owner, key)


def _as_text(told: Any) -> str:
    return (short(told[0]) if type(told) is tuple else told) or "something else"


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
