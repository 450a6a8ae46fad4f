"""What is called in place of the operations that stop in the process of an actor, and where it is put."""

from __future__ import annotations

import gc
import importlib
import mmap
import os
import random
import sys
import tempfile
from abc import ABCMeta
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from types import BuiltinFunctionType, FunctionType, MethodType
from typing import Any

from lab.child import clock, net
from lab.child.at_end import AtEnd
from lab.child.births.forking import Births
from lab.child.births.named import NamedSemaphores
from lab.child.births.pools import Pools
from lab.child.births.spawning import Spawning
from lab.child.channels import Channels
from lab.child.everything import name_in
from lab.child.managers import Managers
from lab.child.memory import mapped
from lab.child.memory.arenas import Memory
from lab.child.memory.segments import Segments
from lab.child.others import Others
from lab.child.semaphores import Semaphores
from lab.child.servers import Connections
from lab.child.stops import Stops
from lab.filesystem import files, locks, system
from lab.filesystem.database import Databases
from lab.filesystem.twin import Twin
from lab.virtual import by_owner, listed
from lab.virtual.clock import SHARED_NAMES

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
        self.is_strict = False  # whether calls of C functions are looked at
        self.is_hooked = False  # the code of actors tells of what it does with memory
        self.more: Iterable[FunctionType] = ()  # what has to be instrumented from the first
        raw, open_ = files.make(stops)
        self.segments = Segments(stops)
        self.chance, self.at_end, others = clock.Chance(stops), AtEnd(stops), Others(stops)
        self.instead: dict[Any, Any] = {
            open: Twin(open, open_),
            files.RAW: raw,
            **system.existence(stops),
            **system.make(stops),
            **clock.make(stops),
            **locks.make(stops),
            **self.chance.instead(),
            **self.at_end.instead(),
            **net.instead(stops, others),
            **others.instead(),
            mmap.mmap: mapped.make(stops),
            **self.segments.instead(),
        }
        self.semaphores, self.memory, self.channels = Semaphores(stops), Memory(stops), Channels(stops)
        asks = self.instead[os.kill]
        self.births = Births(stops, self.semaphores, self.channels, others, asks)
        self.instead.update(self.births.instead())
        self.named = NamedSemaphores(stops, self.semaphores, self.segments)
        self.spawning = Spawning(stops, self.births, self.named, self._tell)
        self.pools = Pools(stops, self.births, self.channels)
        self.births.forget = self.pools.begin
        self.databases, self.managers = Databases(stops), Managers(stops)
        self.connections = Connections(stops)
        self._by_id = {id(real): twin for real, twin in self.instead.items()}
        self.announced = net.announced(stops)
        self.called = net.called(stops, self.instead)

    def needs_name(self, function: object) -> bool:
        """Whether it is an operation that only stops where it is called by the name that its module has for it."""
        return type(function) is BuiltinFunctionType and id(function) in self._by_id and function not in net.STOPPED

    def _tell(self) -> dict[str, Any]:
        """What a process has to be told that an actor starts, and that has nothing of this one's memory."""
        stops = self.stops
        return {
            "root": stops.root,
            "groups": stops.groups,
            "now": stops.now,
            "waits": stops.rounds is not None,
            "strict": self.is_strict,
            "segments": self.segments.directory,
            "temporary": tempfile.gettempdir(),
            "channels": self.channels.tell(),
            "memory": stops.guard.tell(),
            "hooked": self.is_hooked,
            "telling": stops.telling,
            "more": [name_in(function.__globals__, function.__code__) for function in self.more],
        }

    def take(self, told: dict[str, Any]) -> None:
        """In such a process: what it was told."""
        stops = self.stops
        stops.root, stops.groups = told["root"], told["groups"]
        self.segments.directory = told["segments"]
        self.is_strict = told["strict"]
        self.is_hooked, stops.telling = told["hooked"], told["telling"]
        self.channels.take(told["channels"])
        stops.guard.take(told["memory"])
        self.named.take(told["semaphores"])
        self.at_end.prepare()
        self.births.is_spawned(told["parent"])

    @contextmanager
    def in_place(self) -> Iterator[None]:
        """Wherever a module has an operation that stops, let it have what is called instead.

        That is done in the runner, as it would take each child longer than all the rest.  Where nobody asks to
        stop, which is in the runner itself, what is called instead does what it always did.
        """
        with ExitStack() as others:
            others.enter_context(self.semaphores.in_place())
            others.enter_context(self.memory.in_place())
            others.enter_context(self.segments.in_place())
            others.enter_context(self.channels.in_place())
            others.enter_context(self.births.in_place())
            others.enter_context(self.named.in_place())
            others.enter_context(self.spawning.in_place())
            others.enter_context(self.pools.in_place())
            others.enter_context(self.databases.in_place())
            others.enter_context(self.managers.in_place())
            others.enter_context(self.connections.in_place())
            yield from self._in_place()

    def _in_place(self) -> Iterator[None]:
        in_classes: list[tuple[type, str, Any]] = []
        for name, module in list(sys.modules.items()):
            variables = getattr(module, "__dict__", None)
            if name in _ALONE or name.partition(".")[0] == "lab" or type(variables) is not dict:
                continue
            values = list(variables.values())
            if self._are_among(values):
                for attribute, value in list(variables.items()):
                    if id(value) in self._by_id and type(value) in _KINDS:
                        variables[attribute] = self._by_id[id(value)]
            for value in values:
                if type(value) in (type, ABCMeta) and value.__module__ == name and id(value) not in self._by_id:
                    in_classes += self._put_into(value)
        in_defaults = self._put_into_defaults()
        sets: list[set[Any]] = [getattr(os, f"supports_{kind}", set()) for kind in _SUPPORTS]
        added = [[self.instead[real] for real in known if real in self.instead] for known in sets]
        for known, twins in zip(sets, added, strict=True):
            known.update(twins)
        try:
            yield
        finally:
            for kind, attribute, value in in_classes:
                setattr(kind, attribute, value)
            for function, values, named in in_defaults:
                function.__defaults__, function.__kwdefaults__ = values, named
            self._take_back()
            for known, twins in zip(sets, added, strict=True):
                known.difference_update(twins)

    def _are_among(self, values: Iterable[Any]) -> bool:
        """Whether some may be operations that stop; mostly none is, and what is told soon is asked in a moment."""
        return not self._by_id.keys().isdisjoint(map(id, values))

    def _put_into(self, kind: type) -> list[tuple[type, str, Any]]:
        """The same for the attributes of a class, and what stood there."""
        found: list[tuple[type, str, Any]] = []
        values = vars(kind).values()
        if staticmethod not in map(type, values) and not self._are_among(values):
            return found
        for attribute, value in list(vars(kind).items()):
            function = value.__func__ if type(value) is staticmethod else value
            if id(function) in self._by_id and type(function) in _KINDS:
                twin = self._by_id[id(function)]
                setattr(kind, attribute, staticmethod(twin) if type(value) is staticmethod else twin)
                found.append((kind, attribute, value))
        return found

    def _put_into_defaults(self) -> list[tuple[FunctionType, Any, Any]]:
        """The same for the values of parameters that are not given, and what they were."""
        found = []
        functions = [one for one in gc.get_objects() if type(one) is FunctionType]
        for function in [one for one in functions if one.__defaults__ or one.__kwdefaults__]:
            values, named = function.__defaults__ or (), function.__kwdefaults__ or {}
            if not self._are_among(values) and not self._are_among(named.values()):
                continue
            if not any(id(value) in self._by_id and type(value) in _KINDS for value in (*values, *named.values())):
                continue
            if str(function.__module__).partition(".")[0] not in (*_ALONE, "lab", "multiprocessing"):
                found.append((function, function.__defaults__, function.__kwdefaults__))
                changed = {name: self._by_id.get(id(value), value) for name, value in named.items()}
                function.__defaults__ = tuple([self._by_id.get(id(value), value) for value in values]) or None
                function.__kwdefaults__ = changed or None
        return found

    def _take_back(self) -> None:
        """Also from modules that were imported meanwhile."""
        real = {id(twin): real for real, twin in self.instead.items()}
        for module in list(sys.modules.values()):
            variables = getattr(module, "__dict__", None)
            if type(variables) is dict and not real.keys().isdisjoint(map(id, variables.values())):
                for attribute, value in list(variables.items()):
                    if id(value) in real:
                        variables[attribute] = real[id(value)]


def controlled_operations() -> Iterator[tuple[str, list[str]]]:
    """Owner -> names of what stops in the process of an actor, for people to read."""
    drawn = {getattr(random, name) for name in SHARED_NAMES}
    found = by_owner(one for one in Operations().instead if one not in drawn)
    for named in ("_thread", "signal", "traceback"):  # which end a proof, or tell of a failure, and no more
        found.pop(named, None)
    found.pop("posixshmem", None)  # of which nobody but the library knows
    found["random"] = set(SHARED_NAMES)
    found["multiprocessing"] = set(_OF_MULTIPROCESSING)
    found["concurrent.futures"] = {"ProcessPoolExecutor"}
    found["sqlite3"] = {"connect and what it gives"}
    found["psycopg"] = {"connect and what it gives"}
    yield from listed(found)


_OF_MULTIPROCESSING = (
    "Array", "Barrier", "BoundedSemaphore", "Condition", "Event", "JoinableQueue", "Lock", "Manager", "Pipe", "Pool",
    "Process", "Queue", "RawArray", "RawValue", "RLock", "Semaphore", "ShareableList", "SharedMemory", "SimpleQueue",
    "Value",
)  # fmt: skip
_SUPPORTS = ("fd", "dir_fd", "follow_symlinks", "effective_ids")
_NEEDED = (
    *("connection", "heap", "managers", "popen_fork", "popen_spawn_posix", "queues", "reduction", "resource_tracker"),
    *("sharedctypes", "spawn", "synchronize"),
)
_LIBRARIES = (*[f"multiprocessing.{name}" for name in _NEEDED], "concurrent.futures.process")
"""What is imported when it is needed, which would be too late to put anything in its place."""
_KINDS = (BuiltinFunctionType, FunctionType, MethodType, type)
