"""What belongs to one OS thread in CPython and therefore to one actor here.

Actors on greenlets share an OS thread.  So there the contents of `threading.local`
objects, and the event loop that runs, are exchanged when another actor goes on.
This covers the objects that stepped code touches; each starts empty for a new
actor, or as the ``__init__`` of its class leaves it.
"""

from __future__ import annotations

import _thread
import gc
import sys
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from lab.virtual.loops import running_loop

if TYPE_CHECKING:
    from lab.carriers.actor import Actor
    from lab.carriers.control import Control

LOCAL: Any = _thread._local


class ThreadLocals:
    """What one execution has met of these things."""

    def __init__(self) -> None:
        self.met: list[_Contents | _Loop] = []
        self._begun: set[tuple[int, int]] = set()  # actor index, id of the local: it has its contents
        self._made: dict[int, tuple[object, int]] = {}  # locals made by an actor, which no one else has yet

    def meet(self, local: Any, actor: Actor, main: Actor) -> None:
        """See to it that ``actor`` has contents of its own; called before each access that is noticed."""
        if (actor.index, id(local)) in self._begun:
            return
        self._begun.add((actor.index, id(local)))
        maker = self._made.get(id(local), (None, main.index))[1]
        if not any(known.thing is local for known in self.met):
            contents = _Contents(local)
            self.met.append(contents)
            if actor.index != maker:
                self._begun.add((maker, id(local)))
                contents.exchange(maker, actor.index)
        if actor.index != maker and type(local).__init__ is not object.__init__:
            arguments, named = _made_with(local)
            type(local).__init__(local, *arguments, **named)

    def making(self, control: Control, cls: Any) -> Callable[..., Any] | None:
        """What to call in place of a class of locals, to note which actor makes one; None for the class itself."""
        return partial(self._make, control, cls)

    def _make(self, control: Control, cls: Any, *arguments: Any, **named: Any) -> Any:
        maker = control.current
        local = cls.__new__(cls, *arguments, **named)
        self._made[id(local)] = (local, maker.index)
        self.meet(local, maker, control.main)
        control.discovery.cover(cls.__init__)
        cls.__init__(local, *arguments, **named)
        return local

    def meet_loops(self) -> None:
        """From now on each actor has its own running event loop."""
        if not any(isinstance(known, _Loop) for known in self.met):
            self.met.append(_Loop())

    def exchange(self, leaving: Actor, coming: Actor) -> None:
        """Store the contents of one actor and bring those of another."""
        for known in self.met:
            known.exchange(leaving.index, coming.index)

    def forget(self) -> None:
        """End of the execution; the main actor's contents are in place."""
        self.met.clear()
        self._begun.clear()
        self._made.clear()


class RealLocals(ThreadLocals):
    """Where every actor has an OS thread of its own, the interpreter keeps them apart."""

    def __init__(self) -> None:
        super().__init__()
        self._used: dict[Actor, dict[int, Any]] = {}

    def meet(self, local: Any, actor: Actor, main: Actor) -> None:
        """Nothing is to be exchanged; what the thread will keep is remembered."""
        if actor is not main:
            self._used.setdefault(actor, {})[id(local)] = local

    def leave(self, actor: Actor) -> bool:
        """Empty what ``actor``, which has ended on the calling thread, kept; whether there was any."""
        kept = self._used.pop(actor, {})
        for local in kept.values():
            local.__dict__.clear()
        return bool(kept)

    def making(self, control: Control, cls: Any) -> None:
        """The class itself will do."""

    def meet_loops(self) -> None:
        """Nothing is to be exchanged."""


class _Contents:
    """Of one `threading.local` object, those of all actors but the running one."""

    def __init__(self, local: Any) -> None:
        self.thing = local
        self._stored: dict[int, dict[str, Any]] = {}

    def exchange(self, leaving: int, coming: int) -> None:
        contents = self.thing.__dict__
        self._stored[leaving] = dict(contents)
        contents.clear()
        contents.update(self._stored.get(coming, ()))


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


def _made_with(local: Any) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """The arguments a local was made with, which CPython keeps for the ``__init__`` in further threads."""
    arguments: tuple[Any, ...] = ()
    named: dict[str, Any] = {}
    for thing in gc.get_referents(local):
        if type(thing) is tuple:
            arguments = thing
        elif type(thing) is dict and thing and thing is not local.__dict__ and all(type(key) is str for key in thing):
            named = thing
    return arguments, named
