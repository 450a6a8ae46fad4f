"""Notices which switch points an actor passes between its steps, for a witness that is being graded."""

from __future__ import annotations

import functools
import inspect
import io
import sys
from types import FunctionType, MethodType
from typing import TYPE_CHECKING, Any, Protocol

from lab.carriers.actor import Actor, Places, operation
from lab.hooks import ABSENT, Accesses
from lab.instrument import Site
from lab.outside import MEMORY, package
from lab.pointing import polls_within
from lab.virtual.locks import Guard
from lab.virtual.redirection import own

if TYPE_CHECKING:
    from lab.carriers.control import Control as _Base
else:
    _Base = object


class Points(Protocol):
    """A recorder that is told of switch points as well."""

    def passes(self, actor: Actor, surely: bool, why: str) -> None:
        """The actor has passed one; not ``surely``: something that may be one, which ``why`` names."""

    def comes(self, actor: Actor, site: Site) -> None:
        """The actor has come to a site of the program: a visible operation, or a call that may be one or several."""

    def stands(self, actor: Actor, places: Places, site: Site) -> None:
        """The execution ends while the actor is about to do something that it never does."""


class Pointing(_Base):
    """Put before a carrier: the same, for code from `lab.pointing`, with a recorder that is one of `Points`."""

    def _clear(self) -> None:
        super()._clear()
        self._callees: dict[int, tuple[Any, bool]] = {}  # frame's id -> what it called last, and whether a twin came
        self._managers: dict[int, Any] = {}  # id of what a ``with`` enters -> what stands in the program
        self._inside: set[Actor] = set()  # who is inside of a hook, which may use another

    def polled(self, surely: bool, why: str) -> None:
        """See `lab.pointing.PointDriver`."""
        if not self.quiet and self.recorder is not None:
            recorder: Any = self.recorder
            recorder.passes(self.current, surely, why)

    def _comes(self, site: Site) -> bool:
        """Tell of a hook; whether it is one that no other hook uses."""
        actor, recorder = self.current, self.recorder
        if self.quiet or recorder is None or not site.stepped or site.number < 0 or actor in self._inside:
            return False
        told: Any = recorder
        told.comes(actor, site)
        self._inside.add(actor)
        return True

    def touch(
        self, owner: object, key: object, write: bool, site: Site, value: object = ABSENT, more: Accesses = ()
    ) -> None:
        """Before an attribute, global or cell is read or written."""
        actor = self.current
        outer = self._comes(site)
        try:
            super().touch(owner, key, write, site, value, more)
        finally:
            if outer:
                self._inside.discard(actor)

    def whole(
        self, container: object, write: bool, site: Site, detail: object = ABSENT, also: tuple[object, ...] = ()
    ) -> None:
        """Before an operation on a container."""
        actor = self.current
        outer = self._comes(site)
        try:
            super().whole(container, write, site, detail, also)
        finally:
            if outer:
                self._inside.discard(actor)

    def call(self, function: Any, arguments: tuple[Any, ...], site: Site) -> Any:
        """Before any call."""
        actor = self.current
        outer = self._comes(site)
        try:
            replaced = super().call(function, arguments, site)
        finally:
            if outer:
                self._inside.discard(actor)
        if type(function) is MethodType and type(function.__self__) is Guard:
            manager = self._managers.get(id(function.__self__))
            function = getattr(type(manager), function.__name__, None)
            self._callees[id(sys._getframe(2))] = function, True
        else:
            self._callees[id(sys._getframe(2))] = function, replaced is not function
        self._enters(function)
        return replaced

    def enter(self, manager: Any, site: Site) -> Any:
        """Before a ``with`` enters ``manager``."""
        if self._comes(site):
            self._inside.discard(self.current)
        guarded = super().enter(manager, site)
        function = getattr(type(manager), "__enter__", None)
        self._callees[id(sys._getframe(2))] = function, guarded is not manager
        self._managers[id(guarded)] = manager
        if guarded is not manager:
            self._enters(function)
        return guarded

    def _enters(self, function: Any) -> None:
        """A Python function begins with a switch point, unless it makes a generator."""
        python = _python_function(function)
        if python is not None and not python.__code__.co_flags & _MAKES_GENERATOR:
            self.polled(True, "")

    def called(self, frame: int, polls: bool) -> None:
        """See `lab.pointing.PointDriver`."""
        function, twin = self._callees.pop(frame, (None, False))
        python = _python_function(function)
        if function is None:
            return
        if python is None:
            if polls:
                self.polled(True, "")
        elif twin and polls_within(own(python)):
            self.polled(True, "")

    def operands(self, values: tuple[object, ...]) -> None:
        """See `lab.pointing.PointDriver`."""
        if self.quiet:
            return
        for value in values:
            kind: Any = type(value)
            if not keeps_lock(kind):
                self.polled(False, f"{kind.__qualname__} is a type whose code may give the lock away")

    def _note_end(self) -> None:
        """Before unwinding: who is about to do what."""
        recorder: Any = self.recorder
        if recorder is not None:
            for actor in self.live:
                if actor.begun and actor.place is not None and actor not in (self.main, self.current):
                    recorder.stands(actor, operation(actor), actor.site)
        super()._note_end()


_HEAP = 1 << 9  # Py_TPFLAGS_HEAPTYPE: what a class statement makes, and C code may
_MAKES_GENERATOR = inspect.CO_GENERATOR | inspect.CO_COROUTINE | inspect.CO_ASYNC_GENERATOR


def _python_function(function: Any) -> FunctionType | None:
    """The function whose frame a call of ``function`` pushes without C code in between, if there is one."""
    if type(function) is MethodType:
        function = function.__func__
    return function if type(function) is FunctionType else None


@functools.lru_cache(maxsize=4096)
def keeps_lock(kind: Any) -> bool:
    """Whether instructions that work with an object of this class keep the interpreter lock all the time.

    Python methods that are run meanwhile tell of themselves, but for those that the interpreter has built in;
    C code may do anything unless it is the standard library's, files apart.
    """
    for base in kind.__mro__:
        if base in (io.StringIO, io.BytesIO):
            return True
        if package(base) in MEMORY and package(base) not in ("numpy", "greenlet"):
            continue
        origin = getattr(getattr(sys.modules.get(base.__module__), "__spec__", None), "origin", None)
        if not _is_pythons(base) or not (origin is None or origin.endswith(".py")):
            return False  # written in C, or built into the interpreter
    return True


def _is_pythons(kind: Any) -> bool:
    """Whether a class statement made this class; C code may make classes that say that they are of a Python module."""
    if not kind.__flags__ & _HEAP:
        return False
    members = vars(kind)
    marked = any(name in members for name in ("__dict__", "__weakref__", "__slots__", "__firstlineno__"))
    if marked or any(type(member) is FunctionType for member in members.values()):
        return True
    return any(base is not object and _is_pythons(base) for base in kind.__bases__)


def pointed(kind: Any) -> Any:
    """The carrier ``kind`` that notices switch points."""
    return type(f"Pointing{kind.__name__}", (Pointing, kind), {})
