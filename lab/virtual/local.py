"""What belongs to one OS thread in CPython and therefore to one actor here.

Actors on greenlets share an OS thread.  So there the contents of `threading.local`
objects, and the event loop that runs, are exchanged when another actor goes on.
Executions in which everything is noted exchange the contents of every local.  The others, which have to be
fast, exchange those that stepped code touches, those that are made while they go on, and
those of libraries that an earlier execution turned out to use.
"""

from __future__ import annotations

import sys
import weakref
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from lab.virtual.contents import LOCAL, TEXT, Contents
from lab.virtual.loops import running_loop

if TYPE_CHECKING:
    from lab.carriers.actor import Actor
    from lab.carriers.control import Control

__all__ = ["LOCAL", "TEXT", "RealLocals", "ThreadLocals"]

_MAIN = 0  # the index of the main actor


class ThreadLocals:
    """What one execution has met of these things, and which locals one exploration knows to be used."""

    def __init__(self) -> None:
        self.met: list[_One | _All | _Loop] = []
        self.late = ""  # a local that turned out to be used after the first executions
        self._used: dict[int, weakref.ref[Any]] = {}
        self._known: set[int] = set()  # ids of those in ``met``
        self._all: _All | None = None
        self._contents = Contents()  # of the OS thread that explores
        self._texts = False  # actors were switched in the middle of making one
        self._guarded: list[tuple[Any, dict[Any, Any], object, object]] = []  # what the main actor has meanwhile

    def begin(self, noting: bool) -> None:
        """Before the actors begin; with ``noting`` it is noted which locals they use."""
        if noting:
            self._all = _All(self._contents)
            self.met = [self._all, *(known for known in self.met if isinstance(known, _Loop))]
            return
        if self._used:
            self._enter_used()
        if self._texts:
            self.met.append(_One(None, *self._contents.texts))

    def _enter_used(self) -> None:
        for identity, reference in list(self._used.items()):
            local = reference()
            if local is None:
                del self._used[identity]
            elif identity not in self._known:
                self._enter(local)

    def guard(self) -> dict[Any, Any]:
        """Take out what the main actor has, so that it shows whether actors touch anything that is not exchanged.

        Gives where an entry `TEXT` tells that somebody is in the middle of making a text.
        """
        for local in self._contents.touched():
            if id(local) not in self._known:
                entries, key = self._contents.of(local)
                self._guarded.append((local, entries, key, entries.pop(key)))
        return {} if self._texts else self._contents.texts[0]

    def unguard(self) -> bool:
        """Put it back; whether actors touched a local that was not exchanged."""
        late = False
        for local in self._contents.touched():
            if id(local) not in self._known:
                entries, key = self._contents.of(local)
                del entries[key]
                late = True
        for _, entries, key, value in self._guarded:
            entries[key] = value
        self._guarded.clear()
        return late

    def _enter(self, local: Any) -> _One:
        self._known.add(id(local))
        entered = _One(local, *self._contents.of(local))
        self.met.append(entered)
        return entered

    def meet(self, local: Any, actor: Actor, main: Actor) -> None:
        """See to it that ``actor`` has contents of its own; called before each access that is noticed."""
        if self._all is None and id(local) not in self._known:
            self._enter(local).exchange(main.index, actor.index)

    def making(self, control: Control, cls: Any) -> Callable[..., Any] | None:
        """What to call in place of a class of locals, to note which actor makes one; None for the class itself."""
        return partial(self._make, control, cls)

    def _make(self, control: Control, cls: Any, *arguments: Any, **named: Any) -> Any:
        control.discovery.cover(cls.__init__)
        local = cls(*arguments, **named)
        if self._all is None and id(local) not in self._known:
            self._enter(local)  # what it holds now is its maker's, who runs
        return local

    def meet_loops(self) -> None:
        """From now on each actor has its own running event loop."""
        if not any(isinstance(known, _Loop) for known in self.met):
            self.met.append(_Loop())

    def exchange(self, leaving: Actor, coming: Actor) -> None:
        """Store the contents of one actor and bring those of another."""
        for known in self.met:
            known.exchange(leaving.index, coming.index)

    def leave(self, actor: Actor) -> bool:
        """Empty what ``actor``, which has ended on the calling thread, kept there; whether there was any."""
        return False

    def forget(self) -> None:
        """End of the execution; the main actor's contents are in place."""
        noted = self._all.used if self._all is not None else {}
        for identity, local in noted.items():
            known = self._used.get(identity)
            if known is None or known() is not local:
                self._used[identity] = weakref.ref(local)
                self.late = f"{type(local).__module__}.{type(local).__qualname__}"
        if self._all is not None and self._all.in_texts and not self._texts:
            self._texts = True
            self.late = "repr"
        self.met.clear()
        self._known.clear()
        self._all = None


class RealLocals(ThreadLocals):
    """Where every actor has an OS thread of its own, the interpreter keeps them apart."""

    def __init__(self) -> None:
        self.met = []
        self.late = ""
        self._kept: dict[Actor, dict[int, Any]] = {}

    def begin(self, noting: bool) -> None:
        """Nothing is to be exchanged."""

    def guard(self) -> dict[Any, Any]:
        """Nothing is to be guarded."""
        return {}

    def unguard(self) -> bool:
        """Nobody can touch what is another one's."""
        return False

    def meet(self, local: Any, actor: Actor, main: Actor) -> None:
        """Nothing is to be exchanged; what the thread will keep is remembered."""
        if actor is not main:
            self._kept.setdefault(actor, {})[id(local)] = local

    def leave(self, actor: Actor) -> bool:
        """Empty what ``actor``, which has ended on the calling thread, kept; whether there was any."""
        kept = self._kept.pop(actor, {})
        for local in kept.values():
            local.__dict__.clear()
        return bool(kept)

    def making(self, control: Control, cls: Any) -> None:
        """The class itself will do."""

    def meet_loops(self) -> None:
        """Nothing is to be exchanged."""


class _One:
    """Of one `threading.local` object, the contents of all actors but the running one."""

    def __init__(self, local: Any, entries: dict[Any, Any], key: object) -> None:
        self._local = local  # which must not end before what is stored
        self._entries, self._key = entries, key
        self._stored: dict[int, object] = {}

    def exchange(self, leaving: int, coming: int) -> None:
        entries, key, stored = self._entries, self._key, self._stored
        if key in entries:
            stored[leaving] = entries.pop(key)
        if coming in stored:
            entries[key] = stored.pop(coming)


class _All:
    """The same of every local, and of the objects whose text an actor is making."""

    def __init__(self, contents: Contents) -> None:
        self.used: dict[int, Any] = {}  # those that actors touched
        self.in_texts = False  # somebody was in the middle of one
        self._contents = contents
        self._kept: dict[int, Any] = {}  # locals that must not end before what is stored
        self._stored: dict[int, list[tuple[dict[Any, Any], object, object]]] = {}

    def exchange(self, leaving: int, coming: int) -> None:
        contents = self._contents
        kept = []
        for local in contents.touched():
            entries, key = contents.of(local)
            kept.append((entries, key, entries.pop(key)))
            self._kept[id(local)] = local
            if leaving != _MAIN:
                self.used[id(local)] = local
        entries, key = contents.texts
        if entries.get(key):
            self.in_texts = True
            kept.append((entries, key, entries.pop(key)))
        self._stored[leaving] = kept
        for entries, key, value in self._stored.pop(coming, ()):
            entries[key] = value


class _Loop:
    """The running event loop, and the hooks it sets, of all actors but the running one."""

    def __init__(self) -> None:
        self.thing = None
        self._stored: dict[int, tuple[Any, Any]] = {}

    def exchange(self, leaving: int, coming: int) -> None:
        self._stored[leaving] = (running_loop("_get")(), sys.get_asyncgen_hooks())
        loop, hooks = self._stored.get(coming, (None, (None, None)))
        running_loop("_set")(loop)
        sys.set_asyncgen_hooks(*hooks)
