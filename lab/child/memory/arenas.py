"""Memory that processes share by `multiprocessing`: values and arrays that stop before each access.

What else shares memory (structures, `multiprocessing.shared_memory`, `mmap`) is seen to by `lab.child.memory.buffers`.
"""

from __future__ import annotations

import ctypes
import gc
import os
import sys
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from lab.child.memory.exporting import address_of
from lab.child.stops import Stops
from lab.filesystem.twin import Twin
from lab.naming import short

_LIBRARY, _HEAP, _SYNCHRONIZE = "multiprocessing.sharedctypes", "multiprocessing.heap", "multiprocessing.synchronize"
_TRACKER, _CONTEXT = "multiprocessing.resource_tracker", "multiprocessing.context"
_REDUCTION = "multiprocessing.reduction"
_SIMPLE: Any = ctypes.c_int.__mro__[1]
_DEVICE = -1  # what stands in the place of a device's number where an address is meant


class Memory:
    """Values and arrays of `multiprocessing` that stop."""

    def __init__(self, stops: Stops) -> None:
        self._stops = stops
        self.guard = stops.guard
        self._kinds: dict[Any, Any] = {}
        self._seen: weakref.WeakSet[Any] = weakref.WeakSet()  # blocks of memory to which every access stops
        self.real: Any = getattr(sys.modules.get(_LIBRARY), "rebuild_ctype", None)
        self._barriers: weakref.WeakSet[Any] = weakref.WeakSet()
        self._older: list[Any] = []  # what there was before the exploration began, which setup does not make
        self._contents: list[bytes] = []  # of those, when setup had made the state of the execution before

    def changed(self) -> bool:
        """Asked when setup has made another state: whether memory that it did not make is as it was then before."""
        if not self._older:
            return False
        before, self._contents = self._contents, [bytes(one) for one in self._older]
        return bool(before) and before != self._contents

    def _meet_older(self) -> list[tuple[Any, Any]]:
        """Bring what there is already under control: each with the class that it had."""
        found: list[tuple[Any, Any]] = []
        if self._blocks():
            gc.collect()  # what an exploration that is over has left is nobody's
        if not self._blocks():
            return found
        barrier: Any = getattr(sys.modules.get(_SYNCHRONIZE), "Barrier", None)
        for one in gc.get_objects():
            kind = type(one)
            if kind is barrier:
                self._seen.add(one._wrapper)
                self._barriers.add(one)
            elif (_SIMPLE in kind.__mro__ or ctypes.Array in kind.__mro__) and "_wrapper" in vars(one):
                controlled = self._controlled(kind)
                if controlled is not None:
                    one.__class__ = controlled
                    self._seen.add(one._wrapper)
                    found.append((one, kind))
        self._older = [one for one, _ in found]
        return found

    def rebuild(self, type_: Any, wrapper: Any, length: int | None) -> Any:
        """What the library makes of a block of memory."""
        if length is not None:
            type_ = type_ * length
        kind = self._controlled(type_)
        if kind is None:
            return self.real(type_, wrapper, None)
        sys.modules[_REDUCTION].ForkingPickler.register(kind, _reduced)
        made = kind.from_buffer(wrapper.create_memoryview())
        made._wrapper = wrapper
        self._seen.add(wrapper)
        return made

    def escapes(self) -> bool:
        """Whether there is a block of shared memory that somebody may use without stopping."""
        if self._blocks() <= len(self._seen):
            return False
        gc.collect()  # it may be that of an exploration that is over
        return self._blocks() > len(self._seen)

    def _blocks(self) -> int:
        return sum(map(len, _allocated().values()))

    def arrange(self) -> None:
        """Before processes are forked: tell where the blocks are, and which of them barriers have."""
        self.guard.blocks, self.guard.aside, found = [], set(), []
        if not _allocated():
            return
        for arena, blocks in _allocated().items():
            start = address_of(arena.buffer) if blocks else 0
            found += [(start + block[-2], start + block[-1]) for block in blocks]
        self.guard.blocks = sorted(found)
        self.guard.aside = {address_of(barrier._array) for barrier in self._barriers}

    def _controlled(self, type_: Any) -> Any:
        if type_ not in self._kinds:
            made = None
            if _is_simple(type_):
                made = self._value_kind(type_)
            elif issubclass(type_, ctypes.Array) and _is_simple(type_._type_):
                made = self._array_kind(type_)
            self._kinds[type_] = made
        return self._kinds[type_]

    def _step(self, word: str, name: str, places: list[tuple[int, int]], detail: str = "") -> None:
        """Stop before some bytes are read or written, each range by its address and size."""
        write = word == "writes"
        if self._stops.begun:
            otherwise = "w" if write else "r"
            effects = [
                self.guard.effect(address, size, write) or ((_DEVICE, address), otherwise) for address, size in places
            ]
            self._stops.step(word, name, tuple(effects), detail)
            for address, size in places:
                self.guard.open(address, size, write)

    def _value_kind(self, type_: Any) -> Any:
        stops, inherited, size = self._stops, type_.value, ctypes.sizeof(type_)

        class Value(type_):  # type: ignore[misc]
            _lab_tells = None

            def __init__(self, *arguments: Any) -> None:
                if arguments:
                    self.value = arguments[0]

        def get(value: Any) -> Any:
            address = ctypes.addressof(value)
            self._step("reads", stops.name_of(value, "a shared value"), [(address, size)])
            found = inherited.__get__(value)
            stops.came_to(short(found))
            return found

        def put(value: Any, new: Any) -> None:
            address = ctypes.addressof(value)
            self._step("writes", stops.name_of(value, "a shared value"), [(address, size)], short(new) or "")
            inherited.__set__(value, new)

        Value.value = property(get, put)
        return _named_like(Value, type_)

    def _array_kind(self, type_: Any) -> Any:
        stops, size, length = self._stops, ctypes.sizeof(type_._type_), type_._length_

        def touches(array: Any, key: Any, how: str, detail: str = "") -> None:
            if isinstance(key, slice):
                elements = range(length)[key]
            else:
                elements = range(length)[key:][:1] if -length <= key < length else range(0)
            start = ctypes.addressof(array)
            if elements and elements.step == 1:
                places = [(start + size * elements[0], size * len(elements))]
            else:
                places = [(start + size * element, size) for element in elements]
            name = stops.name_of(array, "a shared array")
            text = f"{key.start}:{key.stop}" if isinstance(key, slice) else str(key)
            self._step("reads" if how == "r" else "writes", f"{name}[{text}]", places, detail)

        class Array(type_):  # type: ignore[misc]
            _lab_tells = None

            def __init__(self, *arguments: Any) -> None:
                for position, value in enumerate(arguments):
                    type_.__setitem__(self, position, value)

            def __getitem__(self, key: Any) -> Any:
                touches(self, key, "r")
                found = type_.__getitem__(self, key)
                stops.came_to(short(found))
                return found

            def __setitem__(self, key: Any, new: Any) -> None:
                touches(self, key, "w", short(new) or "")
                type_.__setitem__(self, key, new)

            def __iter__(self) -> Iterator[Any]:
                for position in range(length):
                    yield self[position]

        for name in ("value", "raw"):
            inherited = getattr(type_, name, None)
            if inherited is not None:
                setattr(Array, name, _whole(inherited, touches, length))
        return _named_like(Array, type_)

    def _barrier_made(self, real: Any) -> Any:
        def __init__(barrier: Any, *arguments: Any, **named: Any) -> None:  # noqa: N807 - it takes the place of one
            real(barrier, *arguments, **named)
            self._seen.add(barrier._wrapper)
            self._barriers.add(barrier)

        return __init__

    def _barrier_part(self, real: Any, is_looked_at: bool = False) -> Any:
        """In place of one of the numbers of a barrier, which whoever has the barrier can look at as well, or not."""

        def get(barrier: Any) -> Any:
            if is_looked_at and self._stops.begun and not barrier._cond._lock._semlock._is_mine():
                self._stops.note("uncontrolled", f"{self._stops.place()} looks at a barrier from outside")
            self._open(barrier, False)
            return real.fget(barrier)

        def put(barrier: Any, new: int) -> None:
            self._open(barrier, True)
            real.fset(barrier, new)

        return property(get, put)

    def _open(self, barrier: Any, write: bool) -> None:
        """What a barrier keeps in memory, it keeps under its lock."""
        if self.guard.guards:
            self.guard.open(address_of(barrier._array), barrier._array.nbytes, write)

    @contextmanager
    def in_place(self) -> Iterator[None]:
        """Let the library make these."""
        library: Any = sys.modules.get(_LIBRARY)
        barrier: Any = getattr(sys.modules.get(_SYNCHRONIZE), "Barrier", None)
        before: list[tuple[Any, str, Any]] = []
        if library is not None:
            self.real = library.rebuild_ctype
            before.append((library, "rebuild_ctype", self.real))
            library.rebuild_ctype = Twin(self.real, self.rebuild)
        tracker: Any = getattr(sys.modules.get(_TRACKER), "ResourceTracker", None)
        if tracker is not None:
            before.append((tracker, "ensure_running", tracker.ensure_running))
            tracker.ensure_running = _elsewhere(tracker.ensure_running)
        if barrier is not None:
            before += [(barrier, "__init__", barrier.__init__), (barrier, "_state", vars(barrier)["_state"])]
            before.append((barrier, "_count", vars(barrier)["_count"]))
            barrier._count = self._barrier_part(barrier._count)
            barrier.__init__ = self._barrier_made(barrier.__init__)
            barrier._state = self._barrier_part(barrier._state, is_looked_at=True)
        older = self._meet_older() if library is not None else []
        try:
            yield
        finally:
            for one, kind in older:
                one.__class__ = kind
            self._older, self._contents = [], []
            for owner, name, value in before:
                setattr(owner, name, value)


def _reduced(thing: Any) -> Any:
    """What a process is sent that is started without the memory of this one."""
    sys.modules[_CONTEXT].assert_spawning(thing)
    type_: Any = type(thing).__mro__[1]
    is_array = isinstance(thing, ctypes.Array)
    parts = (type_._type_, thing._wrapper, type_._length_) if is_array else (type_, thing._wrapper, None)
    return sys.modules[_LIBRARY].rebuild_ctype, parts


def _elsewhere(real: Any) -> Any:
    """The process that the library starts here outlives the private directory, so it must not be in there."""

    def ensure_running(tracker: Any) -> Any:
        here = os.getcwd()
        os.chdir("/")
        try:
            return real(tracker)
        finally:
            os.chdir(here)

    return ensure_running


def _allocated() -> dict[Any, Any]:
    """What the library has handed out of each arena."""
    heap = getattr(sys.modules.get(_HEAP), "BufferWrapper", None)
    found: dict[Any, Any] = getattr(getattr(heap, "_heap", None), "_allocated_blocks", {})
    return found


def _is_simple(type_: Any) -> bool:
    return type_.__mro__[1] is _SIMPLE and type_ is not ctypes.py_object


def _whole(inherited: Any, touches: Any, length: int) -> Any:
    def get(array: Any) -> Any:
        touches(array, slice(None), "r")
        return inherited.__get__(array)

    def put(array: Any, new: Any) -> None:
        touches(array, slice(None), "w")
        inherited.__set__(array, new)

    return property(get, put)


def _named_like(kind: Any, type_: Any) -> Any:
    kind.__name__, kind.__qualname__, kind.__module__ = type_.__name__, type_.__qualname__, type_.__module__
    return kind
