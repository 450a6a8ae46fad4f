"""An actor in a process of its own: from the fork to the end."""

from __future__ import annotations

import _signal  # type: ignore[import-not-found]
import _thread
import importlib
import os
import random
import sys
import tempfile
import threading
import traceback
from abc import ABCMeta
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from threading import get_ident
from types import BuiltinFunctionType, FunctionType, MethodType
from typing import Any, NoReturn

from lab.child import clock, net
from lab.child.channels import Channels
from lab.child.memory import Memory
from lab.child.semaphores import Semaphores
from lab.child.stops import Stops
from lab.child.telling import told
from lab.child.wire import Wire
from lab.filesystem import files, locks, system
from lab.filesystem.database import Databases
from lab.hooks import DRIVERS, Bystander
from lab.orphans import end_with
from lab.program import has_run
from lab.virtual import by_owner, listed
from lab.virtual.clock import SHARED_NAMES

_exit = os._exit
_ALONE = (
    "posix",
    "nt",
    "_io",
    "_pyio",
    "_signal",
    "_imp",
    "marshal",
    "_frozen_importlib",
    "_frozen_importlib_external",
)
"""Modules that the interpreter itself imports by; what they call is no operation of the program."""


class Operations:
    """What is called in place of the operations that stop; made once for all children."""

    def __init__(self) -> None:
        for name in _LIBRARIES:
            with suppress(ImportError):  # where there are no semaphores, say
                importlib.import_module(name)
        self.stops = stops = Stops()
        raw, open_ = files.make(stops)
        self.chance = clock.Chance(stops)
        self.instead: dict[Any, Any] = {
            open: system.Twin(open, open_),
            files.RAW: raw,
            **system.existence(stops),
            **system.make(stops),
            **clock.make(stops),
            **locks.make(stops),
            **self.chance.instead(),
            **net.instead(self.stops),
        }
        self.semaphores, self.memory, self.channels = Semaphores(stops), Memory(stops), Channels(stops)
        self.databases = Databases(stops)
        self._by_id = {id(real): twin for real, twin in self.instead.items()}

    @contextmanager
    def in_place(self) -> Iterator[None]:
        """Wherever a module has an operation that stops, let it have what is called instead.

        That is done in the runner, as it would take each child longer than all the rest.  Where nobody asks to
        stop, which is in the runner itself, what is called instead does what it always did.
        """
        with ExitStack() as others:
            others.enter_context(self.semaphores.in_place())
            others.enter_context(self.memory.in_place())
            others.enter_context(self.channels.in_place())
            others.enter_context(self.databases.in_place())
            yield from self._in_place()

    def _in_place(self) -> Iterator[None]:
        in_classes: list[tuple[type, str, Any]] = []
        for name, module in list(sys.modules.items()):
            variables = getattr(module, "__dict__", None)
            if name in _ALONE or name.partition(".")[0] == "lab" or type(variables) is not dict:
                continue
            for attribute, value in list(variables.items()):
                if id(value) in self._by_id and type(value) in _KINDS:
                    variables[attribute] = self._by_id[id(value)]
                elif type(value) in (type, ABCMeta) and value.__module__ == name:
                    in_classes += self._put_into(value)
        sets: list[set[Any]] = [getattr(os, f"supports_{kind}", set()) for kind in _SUPPORTS]
        added = [[self.instead[real] for real in known if real in self.instead] for known in sets]
        for known, twins in zip(sets, added, strict=True):
            known.update(twins)
        try:
            yield
        finally:
            for kind, attribute, value in in_classes:
                setattr(kind, attribute, value)
            self._take_back()
            for known, twins in zip(sets, added, strict=True):
                known.difference_update(twins)

    def _put_into(self, kind: type) -> list[tuple[type, str, Any]]:
        """The same for the attributes of a class, and what stood there."""
        found = []
        for attribute, value in list(vars(kind).items()):
            function = value.__func__ if type(value) is staticmethod else value
            if id(function) in self._by_id and type(function) in _KINDS:
                twin = self._by_id[id(function)]
                setattr(kind, attribute, staticmethod(twin) if type(value) is staticmethod else twin)
                found.append((kind, attribute, value))
        return found

    def _take_back(self) -> None:
        """Also from modules that were imported meanwhile."""
        real = {id(twin): real for real, twin in self.instead.items()}
        for module in list(sys.modules.values()):
            variables = getattr(module, "__dict__", None)
            if type(variables) is dict:
                for attribute, value in list(variables.items()):
                    if id(value) in real:
                        variables[attribute] = real[id(value)]


def controlled_operations() -> Iterator[tuple[str, list[str]]]:
    """Owner -> names of what stops in the process of an actor, for people to read."""
    drawn = {getattr(random, name) for name in SHARED_NAMES}
    found = by_owner(one for one in Operations().instead if one not in drawn)
    for named in ("_thread", "signal"):  # which end a proof, and no more
        found.pop(named, None)
    found["random"] = set(SHARED_NAMES)
    found["multiprocessing"] = set(_OF_MULTIPROCESSING)
    found["sqlite3"] = {"connect and what it gives"}
    yield from listed(found)


_OF_MULTIPROCESSING = (
    "Array", "Barrier", "BoundedSemaphore", "Condition", "Event", "JoinableQueue", "Lock", "Pipe", "Queue", "RLock",
    "Semaphore", "SimpleQueue", "Value",
)  # fmt: skip
_SUPPORTS = ("fd", "dir_fd", "follow_symlinks", "effective_ids")
_NEEDED = ("connection", "heap", "popen_fork", "queues", "reduction", "resource_tracker", "sharedctypes", "synchronize")
_LIBRARIES = tuple(f"multiprocessing.{name}" for name in _NEEDED)
"""What `multiprocessing` imports when it is needed, which would be too late to put anything in its place."""
_KINDS = (BuiltinFunctionType, FunctionType, MethodType, type)


def live(
    operations: Operations,
    wire: Wire,
    strange: Iterable[int],
    parent: int,
    index: int,
    name: str,
    body: Callable[[Any], Any],
    state: Any,
    strict: bool,
    now: float,
    may_crash: bool,
) -> NoReturn:
    """What a child does from the fork on; the file descriptors ``strange`` are the runner's and other actors'."""
    status = 70
    try:
        _settle(strange, parent)
        DRIVERS[get_ident()] = Bystander()  # an exploration inside of an actor is refused
        stops, chance = operations.stops, operations.chance
        stops.begin(wire, body, state, _call.__code__, now)
        stops.may_crash = may_crash
        _as_multiprocessing(name, index, parent)
        chance.begin(index)
        tempfile._name_sequence = chance.names()  # type: ignore[attr-defined]
        net.audit(stops)
        if strict:
            net.profile(stops, operations.instead)
        payload = _call(stops, name, body, state)
        sys.setprofile(None)
        stops.end(payload)
        status = payload[1] if payload[0] == "exit" else 0
    except BaseException:  # the lab's own
        sys.setprofile(None)
        operations.stops.end(("broken", traceback.format_exc()))
    finally:
        _exit(status & 0xFF)


def _settle(strange: Iterable[int], parent: int) -> None:
    """Be a process of its own, which ends with the runner."""
    end_with(parent)
    os.setpgid(0, 0)  # what it starts ends with it, and a person's Ctrl-C comes to the runner alone
    for fd in strange:
        os.close(fd)
    if _signal.getsignal(_signal.SIGINT) is not _signal.SIG_IGN:
        _signal.signal(_signal.SIGINT, _signal.default_int_handler)


def _as_multiprocessing(name: str, index: int, parent: int) -> None:
    """Do what `multiprocessing` does at the beginning of a process, as far as there is anything to do."""
    util: Any = sys.modules.get("multiprocessing.util")
    process: Any = sys.modules.get("multiprocessing.process")
    if util is None or process is None:
        return
    before = process._current_process
    here = process._current_process = object.__new__(process.BaseProcess)
    vars(here).update(_identity=(index,), _config=before._config.copy(), _parent_pid=parent, _parent_name=before.name)
    vars(here).update(_popen=None, _closed=False, _target=None, _args=(), _kwargs={}, _name=name)
    process._children = set()
    if util._finalizer_registry:
        util._finalizer_registry.clear()
    if util._afterfork_registry:
        util._run_after_forkers()


def _children() -> Any:
    """The processes that `multiprocessing` has started here."""
    return getattr(sys.modules.get("multiprocessing.process"), "_children", ())


def _call(stops: Stops, name: str, body: Callable[[Any], Any], state: Any) -> tuple[Any, ...]:
    """Run the actor; how it ended, after all that it had is let go."""
    payload: tuple[Any, ...] = ("ended",)
    try:
        try:
            result = body(state)
            if result is not None:
                has_run(f"actors[{name!r}]", body, result)
                del result
        except BaseException as error:
            payload = told(error)
            if error.__traceback__ is not None:
                traceback.clear_frames(error.__traceback__)
            error.__traceback__ = None
        util: Any = sys.modules.get("multiprocessing.util")
        if util is not None and (util._finalizer_registry or _children()):
            util._exit_function()
        if _thread._count():  # the program started some
            threading._shutdown()  # type: ignore[attr-defined]
        sys.stdout.flush()
        sys.stderr.flush()
    except BaseException as error:
        payload = payload if payload[0] != "ended" else told(error)
    return payload
