"""Noise: let an OS thread give way before visible operations, so that real runs meet in bad places.

A GIL build switches threads every few milliseconds and not between most
operations, so plain hammering sees almost nothing.  A ``sleep(0)`` before an
access lets the other threads go first just there (the "noise makers" of Edelstein
et al., "Framework for testing multi-threaded Java programs", 2003).
"""

from __future__ import annotations

import _thread
import functools
import threading
from collections import deque
from collections.abc import Callable
from threading import get_ident
from time import sleep
from types import BuiltinFunctionType, FunctionType, MethodType
from typing import Any

from lab.discovery import Discovery
from lab.hooks import ABSENT, DRIVERS, Accesses, Bystander, uncontrolled
from lab.instrument import Site
from lab.kinds import is_a
from lab.naming import parts
from lab.origin import is_library

_LONGEST = 5e-5  # seconds of one sleep; the next longer thing, a switch interval, the hammer varies itself
_MOST_PARTS = 60  # of a state, to learn which classes it is made of
_STARTERS = tuple(
    getattr(_thread, name) for name in ("start_new_thread", "start_joinable_thread") if hasattr(_thread, name)
)


Strayed = Callable[[int, str, BaseException], None]
_TYPES_OWN = object()  # an attribute that the object itself does not have


class SharedDiscovery(Discovery):
    """A `Discovery` for threads that run at the same time.

    It has calls and touched objects to go by, and not the interpreter's reports of
    starting functions: those belong to one thread.  So a class that is met has its
    properties and special methods instrumented ahead of their first call.
    """

    def __init__(self, trace: tuple[str, ...] = ()) -> None:
        super().__init__(trace)
        self._lock = _thread.allocate_lock()
        self._ended = False
        self._met: dict[int, type] = {}  # keeps the classes, so that their ids stay theirs
        self.callees: dict[Site, object] = {}  # what was called there last, which needs nothing more

    def __enter__(self) -> SharedDiscovery:
        return self

    def __exit__(self, *details: object) -> None:
        with self._lock:  # a thread that the program left running may be about to swap code
            self._ended = True
            super().__exit__(*details)

    def cover(self, callee: object) -> None:
        """As `Discovery.cover`, by one thread at a time, and no more once the noise is over."""
        with uncontrolled(), self._lock:
            if not self._ended:
                super().cover(callee)

    def meet(self, kind: type) -> None:
        """Instrument what runs without a call in the program's text: properties and special methods."""
        if id(kind) in self._met:
            return
        self._met[id(kind)] = kind
        for base in kind.__mro__:
            for name, member in list(vars(base).items()):
                for function in _uncalled(name, member):
                    if not is_library(function.__code__.co_filename):
                        self.cover(function)

    def meet_parts(self, state: object) -> None:
        """Meet the classes of a state and of what can be reached from it: an operator gives no notice of its class."""
        pending: deque[object] = deque([state])
        for _ in range(_MOST_PARTS):
            if not pending:
                break
            thing = pending.popleft()
            self.meet(type(thing))
            pending.extend(part for part, _ in parts(thing, ""))


def _uncalled(name: str, member: object) -> list[FunctionType]:
    """The functions of one class member that run although no call of them is written."""
    candidates: list[object] = []
    if is_a(member, property):
        candidates = [member.fget, member.fset, member.fdel]
    elif is_a(member, functools.cached_property):
        candidates = [member.func]
    elif name.startswith("__") and name.endswith("__"):
        candidates = [member]
    return [candidate for candidate in candidates if is_a(candidate, FunctionType)]


class Company(Bystander):
    """The driver of a thread whose code is left alone: it only goes along with the threads that are started.

    What leaves such a thread is a finding as much as what leaves an actor.  `threading.excepthook`
    would tell it, but of every thread of the process; so each of these gets a ``run`` of its own.
    ``strayed(round, name, error)`` is told, with the ``number`` of the round that the thread was started in.
    """

    def __init__(self, strayed: Strayed, number: Callable[[], int]) -> None:
        self._strayed = strayed
        self._number = number

    def call(self, function: Any, arguments: tuple[Any, ...], site: Site) -> Any:
        """Before any call: see to it that threads it starts have company too."""
        if type(function) is BuiltinFunctionType and function in _STARTERS:
            return functools.partial(self._start, function)
        return function

    def _start(self, start: Callable[..., Any], target: Callable[..., Any], *arguments: Any, **options: Any) -> Any:
        return start(functools.partial(self._as_child, self._number(), target), *arguments, **options)

    def _as_child(self, number: int, target: Callable[..., Any], *arguments: Any, **options: Any) -> Any:
        identity = get_ident()
        DRIVERS[identity] = self._of_child(lambda: number)
        thread = getattr(target, "__self__", None)
        try:
            if not is_a(thread, threading.Thread):
                self._guarded(number, f"thread {identity}", target, *arguments, **options)
                return
            own = vars(thread).get("run", _TYPES_OWN)
            vars(thread)["run"] = functools.partial(self._guarded, number, thread.name, thread.run)
            try:
                target(*arguments, **options)
            finally:
                del vars(thread)["run"]
                if own is not _TYPES_OWN:
                    vars(thread)["run"] = own
        finally:
            DRIVERS.pop(identity, None)

    def _of_child(self, number: Callable[[], int]) -> Company:
        return Company(self._strayed, number)

    def _guarded(self, number: int, name: str, run: Callable[..., Any], *arguments: Any, **options: Any) -> None:
        try:
            run(*arguments, **options)
        except BaseException as error:
            self._strayed(number, name, error)


class Noise(Company):
    """The driver behind the hooks of one noisy OS thread.

    ``level`` is the probability of giving way before each visible operation.
    """

    def __init__(
        self, discovery: SharedDiscovery, level: float, seed: int, strayed: Strayed, number: Callable[[], int]
    ) -> None:
        super().__init__(strayed, number)
        self._discovery = discovery
        self._level = level
        self._threshold = int(level * 0x80000000)
        self._random = seed & 0x7FFFFFFF

    def pause(self) -> None:
        """Give way, or not."""
        # The C library's old generator: a few integer operations, where `random` would cost a call.
        self._random = drawn = (self._random * 1103515245 + 12345) & 0x7FFFFFFF
        if drawn < self._threshold:
            sleep((drawn & 0xFFFF) / 0xFFFF * _LONGEST if (drawn >> 16) & 31 == 0 else 0)

    def touch(
        self, owner: object, key: object, write: bool, site: Site, value: object = ABSENT, more: Accesses = ()
    ) -> None:
        """Before an attribute, global or cell is read or written."""
        self._discovery.meet(type(owner))
        self.pause()

    def whole(
        self, container: object, write: bool, site: Site, detail: object = ABSENT, also: tuple[object, ...] = ()
    ) -> None:
        """Before an operation on a container."""
        self._discovery.meet(type(container))
        self.pause()

    def call(self, function: Any, arguments: tuple[Any, ...], site: Site) -> Any:
        """Before any call: cover what it runs, and see to it that threads it starts are noisy too."""
        kind = type(function)
        callee = function.__func__ if kind is MethodType else function
        callees = self._discovery.callees
        if callees.get(site) is not callee:
            self._discovery.cover(function)
            callees[site] = callee
        if kind is not FunctionType and kind is not MethodType:  # C code may call what it is given
            for argument in arguments:
                if type(argument) in (FunctionType, MethodType, functools.partial):
                    self._discovery.cover(argument)
        self.pause()
        return super().call(function, arguments, site)

    def enter(self, manager: Any, site: Site) -> Any:
        """Before a ``with`` enters ``manager``."""
        self._discovery.meet(type(manager))
        self.pause()
        return manager

    def function_made(self, function: Any) -> None:
        """A closure or lambda was made from instrumented code."""
        self._discovery.function_made(function)

    def _of_child(self, number: Callable[[], int]) -> Noise:
        return Noise(self._discovery, self._level, self._random + get_ident(), self._strayed, number)
