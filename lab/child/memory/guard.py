"""Memory that processes share, locked away in the process of an actor but for the step that tells of it.

Nothing announces an access to memory.  So the pages of every segment are protected (`mprotect`), and those that a step
is about are open until whatever comes next.  Who gets there by a way that nobody knows of is killed by the system,
which the runner hears: so nothing is passed over in silence.
"""

from __future__ import annotations

import ctypes
import faulthandler
import mmap
import os
import sys
from bisect import bisect_right
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from typing import Any

from lab.child.memory.areas import MAPS, READ, Area, shared_areas

try:
    import resource
except ImportError:  # no POSIX
    resource = None  # type: ignore[assignment]

_ZERO = b"/dev/zero"  # what is mapped of no file
_stat = os.stat  # as it was before anything was put in its place
_PAGE = mmap.PAGESIZE
_NO_DEVICE = -1  # what stands in the place of a device's number where an address is meant


class Segment:
    """A mapping of shared memory in this process."""

    __slots__ = ("by_library", "end", "inode", "is_of_file", "offset", "protection", "shift", "start")

    def __init__(
        self, start: int, end: int, inode: tuple[int, int], offset: int, protection: int, area: Area | None = None
    ) -> None:
        self.start, self.end = start, end
        self.inode = inode  # device and inode, which all mappings of it have in common
        self.offset = offset  # in it, of the first byte
        self.protection = protection
        self.shift = 0  # from an address here to the one that it has where this process was started
        self.by_library = area is not None and area.is_by_library  # `multiprocessing` hands it out in parts
        self.is_of_file = not self.by_library and (area is None or area.path != _ZERO)  # that can be opened as well

    def part(self, start: int, end: int) -> Segment:
        """The same from one address to another."""
        found = Segment(start, end, self.inode, self.offset + start - self.start, self.protection)
        found.by_library, found.is_of_file, found.shift = self.by_library, self.is_of_file, self.shift
        return found


class Guard:
    """The shared memory of a process."""

    def __init__(self) -> None:
        self.segments: list[Segment] = []
        self.guards = False  # in the process of an actor, as long as nothing has escaped
        self.gave_way = False  # there was an access that nobody knew of
        self.unfollowed: list[str] = []  # what setup did with memory that nobody can follow
        self.blocks: list[tuple[int, int]] = []  # where the library's parts of memory begin and end, in order
        self.aside: set[int] = set()  # where those begin that are touched under a lock only, and are no operation
        self._before: set[tuple[int, int]] = set()  # what was mapped before the exploration
        self._places: dict[tuple[int, int], int] = {}  # where the memory is that the library hands out in parts
        self._open: tuple[int, int, int] | None = None
        self.for_a_call = False  # what is open is so until a call has returned

    # ------------------------------------------------------------ in the runner

    def begin(self) -> None:
        """Before an exploration: what is mapped by then is not its, but for what the library hands out in parts."""
        self._before = {(one.start, one.end) for one in _areas() if not (one.is_by_library or one.is_semaphore)}

    def look(self) -> bool:
        """After setup: see what it has mapped; whether that is more than what the library hands out in parts."""
        before = self._before
        self.segments = [_segment(one) for one in _areas() if one[:2] not in before and not one.is_semaphore]
        return any(not one.by_library for one in self.segments)

    # ------------------------------------------------------------ in the process of an actor

    def tell(self) -> Any:
        """What a process has to know that is started without the memory of this one."""
        places = {one.inode: one.start + one.shift for one in self.segments if one.by_library}
        return [*places.items()], self.blocks, [*self.aside]

    def take(self, told: Any) -> None:
        """In such a process: what it was told."""
        places, self.blocks, aside = told
        self._places, self.aside = dict(places), set(aside)

    def close_all(self) -> None:
        """In the child, before it runs anything of the program."""
        self.guards = _mprotect is not None
        self.gave_way = False
        for one in self.segments:
            self._protect(one.start, one.end, 0)

    def give_way(self) -> None:
        """Let everything be open from now on: there is an access that nobody can follow."""
        self._open = None
        if self.guards:
            self.guards, self.gave_way = False, True
            for one in self.segments:
                _protect(one.start, one.end, one.protection)

    @property
    def is_open(self) -> bool:
        """Whether something is open."""
        return self._open is not None

    def find(self, address: int) -> Segment | None:
        """The segment that has the byte at an address."""
        for one in self.segments:
            if one.start <= address < one.end:
                return one
        return None

    def effect(self, address: int, size: int, write: bool) -> tuple[Any, str] | None:
        """How a step touches the bytes there, as `lab.filesystem.paths` has it; None if they are nobody else's."""
        found = self.find(address)
        if found is None:
            return None
        if found.by_library:  # which may be anywhere in there in the next execution
            address += found.shift
            start = self._block(address)
            if start in self.aside:
                return None
            return (_NO_DEVICE, start), f"={'w' if write else 'r'}{address - start}:{address - start + size}"
        at = address - found.start + found.offset
        return found.inode, f"{'@' if found.is_of_file else '='}{'w' if write else 'r'}{at}:{at + size}"

    def _block(self, address: int) -> int:
        """Where the part of the library's memory begins that has an address."""
        at = bisect_right(self.blocks, (address, sys.maxsize)) - 1
        found = self.blocks[at] if at >= 0 else (0, 0)
        return found[0] if address < found[1] else address

    def open(self, address: int, size: int, write: bool, for_a_call: bool = False) -> None:
        """Let the bytes there be read, or written as well, until `close`."""
        found = self.find(address)
        if not self.guards or found is None:
            return
        start = address - address % _PAGE
        end = min(found.end, -(-(address + max(size, 1)) // _PAGE) * _PAGE)
        protection = found.protection if write else found.protection & READ
        if self._open is not None:  # an operation on two ranges
            start, end = min(start, self._open[0]), max(end, self._open[1])
            protection |= self._open[2]
        self._open, self.for_a_call = (start, end, protection), for_a_call
        for one in self.segments:  # which may lie beside each other
            if one.start < end and start < one.end:
                _protect(max(start, one.start), min(end, one.end), protection & one.protection)

    def close(self) -> None:
        """What was open is so no more."""
        if self._open is not None:
            start, end, _ = self._open
            self._open = None
            for one in self.segments:
                if one.start < end and start < one.end:
                    self._protect(max(start, one.start), min(end, one.end), 0)

    def add(self, segment: Segment) -> None:
        """The process has mapped something."""
        self.segments.append(segment)
        self._protect(segment.start, segment.end, 0)

    def add_unnamed(self, address: int) -> None:
        """The process has mapped what nobody can open: those that it starts have it as well."""
        for one in map(_segment, _areas()):
            if one.start <= address < one.end:
                place = self._places.get(one.inode)
                one.by_library, one.is_of_file = place is not None, False
                one.shift = place - one.start if place is not None else 0
                self.remove(one.start, one.end - one.start)
                self.add(one)

    def remove(self, start: int, size: int) -> None:
        """What begins there is unmapped, or about to be; what is open must not be so any more."""
        end = start + -(-size // _PAGE) * _PAGE
        left = []
        for one in self.segments:
            if one.end <= start or end <= one.start:
                left.append(one)
                continue
            if one.start < start:  # the system tells of neighbours as of one
                left.append(one.part(one.start, start))
            if end < one.end:
                left.append(one.part(end, one.end))
        self.segments = left

    def _protect(self, start: int, end: int, protection: int) -> None:
        if self.guards:
            _protect(start, end, protection)


def _areas() -> list[Area]:
    try:
        return shared_areas()
    except OSError:  # no Linux
        return []


def _segment(area: Area) -> Segment:
    return Segment(area.start, area.end, (_device(area), area.inode), area.offset, area.protection, area)


def _device(area: Area) -> int:
    """The device of a file as `os.stat` tells it, which on some file systems is another than that of its memory."""
    with suppress(OSError, ValueError):
        found = _stat(area.path)
        if found.st_ino == area.inode:
            return found.st_dev
    return area.device


def _find_mprotect() -> Any:
    with suppress(OSError, AttributeError, TypeError):
        function = ctypes.CDLL(None).mprotect
        function.argtypes = (ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int)
        return function
    return None


_mprotect = _find_mprotect()


def is_of_nothing(address: int) -> bool:
    """Whether what is mapped there is the memory of no file: nobody has it by another mapping."""
    with suppress(OSError):
        return all(one.path.startswith(_ZERO) for one in shared_areas() if one.start <= address < one.end)
    return False


def can_protect() -> bool:
    """Whether this system lets memory be protected, and tells what there is."""
    return _mprotect is not None and os.path.exists(MAPS) and hasattr(os, "memfd_create")


def telling_by(fd: int) -> Iterator[Callable[[], object]]:
    """What has to be called to have the place told where this process is killed for an access that it must not make."""
    yield partial(faulthandler.enable, fd, all_threads=False)
    if resource is not None:
        yield partial(resource.setrlimit, resource.RLIMIT_CORE, (0, 0))  # it is nothing to be looked into


def tell_by(fd: int) -> None:
    """Call that."""
    for do in telling_by(fd):
        do()


def _protect(start: int, end: int, protection: int) -> None:
    _mprotect(start, end - start, protection)
