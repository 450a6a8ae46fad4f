"""Counts what each actor changes, for who wants to know whether a loop merely waits.

An operation changes nothing if it only reads, or if it came to nothing: a lock that was tried and not had, a sleep, a
wait that was given up.  Nor does to take a lock and give it back, if nobody tried it meanwhile.  Whatever is not known
to change nothing counts as a change.
"""

from __future__ import annotations

import functools
import os
import queue
import sys
import threading
import time
from collections import OrderedDict, deque
from collections.abc import Callable
from types import FrameType, FunctionType, MethodType
from typing import TYPE_CHECKING, Any

from lab.carriers.actor import Actor
from lab.filesystem import locks
from lab.filesystem.request import Request
from lab.hooks import ABSENT, Accesses
from lab.instrument import Site
from lab.kinds import is_a
from lab.origin import LAB, is_library
from lab.virtual.locks import LOCK, RLOCK, Guard, is_real

if TYPE_CHECKING:
    from lab.carriers.control import Control as _Base
else:
    _Base = object

_SCALARS = (int, str, float, bool, bytes, complex, type(None))
_PLAIN = (*_SCALARS, list, tuple, dict, set, frozenset, deque, OrderedDict, range)
_ONE_CALL: frozenset[Any] = frozenset(
    (len, bool, isinstance, issubclass, callable, getattr, hasattr, type, int, float, str, repr, abs)
    + (threading.get_ident,)
)
"""C functions that change nothing, given scalars; given other things, if those have no Python code of their own."""
_ALL_ITEMS: frozenset[Any] = frozenset((any, all, sum, min, max, tuple))
_READING = frozenset(("get", "count", "index", "copy", "keys", "values", "items", "__contains__", "__len__"))
_TOLD: frozenset[Any] = frozenset(
    (threading.Event.is_set, threading.Event.wait, threading.Event.set, threading.Event.clear)
    + (threading.Semaphore.acquire, threading.Semaphore.release, threading.BoundedSemaphore.release)
    + tuple(getattr(queue.Queue, name) for name in ("put", "get", "put_nowait", "get_nowait", "qsize", "empty", "full"))
)
"""Operations whose twins tell all that they do."""
_LOOKS: frozenset[Any] = frozenset(
    [getattr(os, name) for name in ("stat", "lstat", "access", "listdir", "readlink", "getcwd") if hasattr(os, name)]
    + [os.path.exists, os.path.lexists, os.path.isfile, os.path.isdir, os.path.islink, os.path.getsize]
)
"""Operations on files that only look, whose twins tell so."""
_MAKES: frozenset[Any] = frozenset(getattr(os, name) for name in ("mkdir", "link", "symlink") if hasattr(os, name))
"""Those that make an entry or come to nothing, of which their twins tell."""
_ALONE = os.O_CREAT | os.O_EXCL
_LOCKING = frozenset(locks.operations())
"""Operations that take and give back locks of files, of which their twins tell."""
_TOLD_METHODS = frozenset(("acquire", "release", "locked", "get", "put", "get_nowait", "put_nowait", "empty", "qsize"))
_TOLD_KINDS = (LOCK, RLOCK, queue.SimpleQueue)
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
            _is_stepped(getattr(type(manager), name, None)) for name in ("__enter__", "__exit__")
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


def _is_flat(one: Any) -> bool:
    """Whether ``one`` is a value of a builtin type, or a builtin container of such."""
    if type(one) in _SCALARS or type(one) is range:
        return True
    return type(one) in _PLAIN and all(type(item) in _SCALARS for item in one)


def changes_nothing(function: Any, arguments: tuple[Any, ...]) -> bool:
    """Whether a call by itself changes nothing; what the Python code that it runs does is told by itself."""
    kind: Any = type(function)
    if _is_one_of(function, _LOOKS) or _makes_or_fails(function, arguments):
        return all(type(one) in _SCALARS for one in arguments)
    if _is_one_of(function, _LOCKING):
        return all(type(one) in _SCALARS or hasattr(type(one), "_lab") for one in arguments)
    if kind is FunctionType or kind is MethodType:
        inner = function.__func__ if kind is MethodType else function
        return _is_one_of(inner, _TOLD) or _is_stepped(inner)
    if _is_one_of(function, _ONE_CALL):
        return all(type(one) in _PLAIN or is_a(one, type) or _is_own(_type(one)) for one in arguments) and (
            function not in (str, repr, int, float, abs) or all(type(one) in _SCALARS for one in arguments)
        )
    if _is_one_of(function, _ALL_ITEMS):
        return all(map(_is_flat, arguments))
    if function is time.sleep:
        return True
    if hasattr(kind, "__self__") and not is_a(function, type):
        owner = function.__self__
        if is_a(owner, _TOLD_KINDS):
            return function.__name__ in _TOLD_METHODS
        return (
            type(owner) in _PLAIN
            and function.__name__ in _READING
            and all(type(one) in _SCALARS for one in arguments)
            and _is_flat(owner)
        )
    return False


def _makes_or_fails(function: Any, arguments: tuple[Any, ...]) -> bool:
    """Whether a call makes an entry that its twin tells of, or fails."""
    if function is os.open:
        return len(arguments) > 1 and type(arguments[1]) is int and arguments[1] & _ALONE == _ALONE
    if function is open:
        return len(arguments) > 1 and type(arguments[1]) is str and "x" in arguments[1]
    return _is_one_of(function, _MAKES)


def _type(thing: Any) -> Any:
    return type(thing)


@functools.lru_cache(maxsize=4096)
def _is_own(kind: Any) -> bool:
    """Whether all the code of a class is the program's."""
    for base in kind.__mro__[:-1]:
        file = getattr(sys.modules.get(base.__module__), "__file__", None)
        if base.__module__ in sys.builtin_module_names or (file is not None and is_library(file)):
            return False
    return True


def _is_stepped(function: Any) -> bool:
    return is_a(function, FunctionType) and not is_library(function.__code__.co_filename)


def _is_one_of(function: Any, functions: frozenset[Any]) -> bool:
    try:
        return function in functions
    except TypeError:
        return False


@functools.lru_cache(maxsize=4096)
def runs_library(kind: Any, key: str) -> bool:
    """Whether to read an attribute may run code of a library, which does not tell what it does."""
    for base in kind.__mro__:
        if key in base.__dict__:
            member = base.__dict__[key]
            if is_a(member, property):
                return not (member.fget is None or _is_stepped(member.fget))
            getter = getattr(type(member), "__get__", None)
            return is_a(getter, FunctionType) and not _is_stepped(getter)
    members = [base.__dict__[name] for base in kind.__mro__ for name in _READERS if name in base.__dict__]
    return any(is_a(member, FunctionType) and not _is_stepped(member) for member in members)


_READERS = ("__getattr__", "__getattribute__")


@functools.lru_cache(maxsize=16)
def _counting(kind: Any) -> Any:
    return type(f"Counting{kind.__name__}", (Effects, kind), {"__slots__": ()})


def count_effects(control: Any, on: bool) -> None:
    """From the next execution on tell, or do not tell, in ``control.counting`` what is changed."""
    kind: Any = type(control)
    if on and not issubclass(kind, Effects):
        control.__class__ = _counting(kind)
    elif not on and issubclass(kind, Effects):
        control.__class__ = kind.__mro__[2]
    control.counting = None
