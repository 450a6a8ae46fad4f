"""Counts what each actor changes, for who wants to know whether a loop merely waits.

An operation changes nothing if it only reads, or if it came to nothing: a lock that was tried and not had, a sleep, a
wait that was given up.  Nor does to take a lock and give it back, if nobody tried it meanwhile.  Whatever is not known
to change nothing counts as a change.
"""

from __future__ import annotations

import functools
import queue
import sys
import threading
from collections.abc import Callable
from types import FrameType, FunctionType, MethodType
from typing import TYPE_CHECKING, Any

from lab.carriers.actor import Actor
from lab.filesystem.request import Request
from lab.hooks import ABSENT, Accesses
from lab.instrument import Site
from lab.origin import LAB
from lab.virtual.harmless import changes_nothing, is_stepped, runs_library
from lab.virtual.locks import Guard, is_real

if TYPE_CHECKING:
    from lab.carriers.control import Control as _Base
else:
    _Base = object

_ASKING = frozenset(("asks whether it is set", "asks whether it is empty", "asks whether it is full"))
_ASKING |= {"asks for the size", "asks whether it is locked", "waits for"}


class Counting:
    """What the actors of one execution have changed."""

    def __init__(self) -> None:
        self.changes: dict[int, int] = {}  # actor's index -> how often it changed something
        self.taken: dict[int, dict[int, object]] = {}  # actor's index -> locks that it took since then, by id
        self.c_calls: set[int] = set()  # ids of frames whose last call was one of C code that may call back often

    def change(self, index: int) -> None:
        """The actor changes something that others, or it, may notice."""
        self.changes[index] = self.changes.get(index, 0) + 1
        if index in self.taken:
            del self.taken[index]


class Effects(_Base):
    """Put before a carrier: the same, with `Counting` in ``counting``."""

    __slots__ = ()

    def _clear(self) -> None:
        super()._clear()
        self.counting = Counting()

    def unchanged_since(self, actor: Actor) -> object:
        """Equal for two moments between which the actor changed nothing on the whole."""
        assert self.counting is not None
        return self.counting.changes.get(actor.index, 0), self.twins.memory.held_by(actor)

    def _changes(self) -> None:
        if not self.quiet and self.counting is not None:
            self.counting.change(self.current.index)

    # ------------------------------------------------------------ hooks

    def touch(
        self, owner: object, key: object, write: bool, site: Site, value: object = ABSENT, more: Accesses = ()
    ) -> None:
        """Before an access."""
        actor = self.current
        super().touch(owner, key, write, site, value, more)
        kind: Any = type(owner)
        changes = write or any(writes for _, _, writes in more) or (type(key) is str and runs_library(kind, key))
        if changes and not self.quiet and self.counting is not None:
            self.counting.change(actor.index)

    def whole(
        self, container: object, write: bool, site: Site, detail: object = ABSENT, also: tuple[object, ...] = ()
    ) -> None:
        """Before an operation on a container."""
        if site.kind in ("next", "unpack", "spread", "iterate"):
            self._changes()  # of an iterator
        super().whole(container, write, site, detail, also)

    def resumed(self, frame: FrameType, site: Site) -> None:
        """A generator goes on."""
        self._changes()
        super().resumed(frame, site)

    def call(self, function: Any, arguments: tuple[Any, ...], site: Site) -> Any:
        """Before a call."""
        if not self.quiet and self.counting is not None:
            calls = self.counting.c_calls
            frame = _calling()
            calls.discard(frame)
            if not changes_nothing(function, arguments):
                self._changes()
                if type(function) is not FunctionType and type(function) is not MethodType:
                    calls.add(frame)
        return super().call(function, arguments, site)

    def enter(self, manager: Any, site: Site) -> Any:
        """Before a ``with``."""
        guarded = super().enter(manager, site)
        if type(guarded) is not Guard and not all(
            is_stepped(getattr(type(manager), name, None)) for name in ("__enter__", "__exit__")
        ):
            self._changes()
        return guarded

    def read_clock(self) -> float:
        """The clock goes on with each reading."""
        self._changes()
        return super().read_clock()

    # ------------------------------------------------------------ synchronization

    def operate(self, owner: object, word: str, site: Site, detail: str = "", also: tuple[object, ...] = ()) -> None:
        """An operation that never blocks."""
        actor = self.current
        super().operate(owner, word, site, detail, also)
        if self.unwinding or self.quiet or self.counting is None:
            return
        for thing in (owner, *also):
            self._disturb(actor, thing)
        if word in _ASKING or self._came_to_nothing(owner, word):
            return
        taken = self.counting.taken.setdefault(actor.index, {})
        if word == "tries to acquire" and is_real(owner):
            taken[id(owner)] = owner
        elif word == "releases" and id(owner) in taken:
            del taken[id(owner)]
        else:
            self.counting.change(actor.index)

    def block(
        self,
        kind: str,
        owner: object,
        word: str,
        ready: Callable[[], bool],
        site: Site,
        deadline: float | None = None,
        also: tuple[object, ...] = (),
    ) -> bool:
        """An operation that may have to wait."""
        actor = self.current
        done = super().block(kind, owner, word, ready, site, deadline, also)
        if self.quiet or self.counting is None:
            return done
        for thing in (owner, *also):
            self._disturb(actor, thing)
        if not done and kind != "condition":
            return done  # it was given up
        if kind == "lock" and done and is_real(owner):
            self.counting.taken.setdefault(actor.index, {})[id(owner)] = owner
        else:
            self.counting.change(actor.index)
        return done

    def arrive(self, request: Request) -> bool:
        """An operation outside of memory."""
        actor = self.current
        done = super().arrive(request)
        changes = done and any(write for _, _, write in request.accesses) and not request.comes_to_nothing
        if changes and not self.quiet and self.counting is not None:
            self.counting.change(actor.index)
        return done

    def _disturb(self, actor: Actor, thing: object) -> None:
        """Whoever has a lock that another one tries has changed something."""
        assert self.counting is not None
        for index, taken in [*self.counting.taken.items()]:
            if index != actor.index and id(thing) in taken:
                self.counting.change(index)

    def _came_to_nothing(self, owner: Any, word: str) -> bool:
        if word == "tries to acquire":
            if is_real(owner):
                state = self.twins.memory.known_lock(owner)
                return state is not None and state.owner is not None
            return type(owner) in (threading.Semaphore, threading.BoundedSemaphore) and bool(owner._value <= 0)
        if word == "tries whether it gets":
            return not bool(owner.qsize() if type(owner) is queue.SimpleQueue else owner.queue)
        if word == "tries whether it puts":
            return bool(0 < owner.maxsize <= len(owner.queue))
        return False


def _calling() -> int:
    """The id of the innermost frame that is not the lab's own."""
    frame: FrameType | None = sys._getframe(2)
    while frame is not None and frame.f_code.co_filename.startswith(LAB):
        frame = frame.f_back
    return id(frame)


@functools.lru_cache(maxsize=16)
def _counting(kind: Any) -> Any:
    return type(f"Counting{kind.__name__}", (Effects, kind), {"__slots__": ()})


def count_effects(control: Any, on: bool) -> None:
    """From the next execution on tell, or do not tell, in ``control.counting`` what is changed."""
    kind: Any = type(control)
    if control.is_of_processes:
        control.waits |= on  # its actors are processes, which tell themselves
    elif on and not issubclass(kind, Effects):
        control.__class__ = _counting(kind)
    elif not on and issubclass(kind, Effects):
        control.__class__ = kind.__mro__[2]
    control.counting = None
