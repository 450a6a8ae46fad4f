"""The memory of this process that it may have in common with others, as the system tells of it.

It is asked for in each execution, and mostly there is none.  To have the system write down all that is mapped, which
is some hundred lines, takes it ten times as long as to be asked for what is shared, as Linux can be from 6.11 on.
"""

from __future__ import annotations

import ctypes
import errno
import os
import re
from collections.abc import Iterator
from operator import itemgetter
from typing import Any

try:
    import fcntl
except ImportError:  # no POSIX
    fcntl = None  # type: ignore[assignment]

MAPS = "/proc/self/maps"
READ, WRITE = 1, 2  # of `mprotect`
_LINE = re.compile(rb"([0-9a-f]+)-([0-9a-f]+) ([-r])([-w]).s ([0-9a-f]+) ([0-9a-f]+):([0-9a-f]+) (\d+) *(.*)")
_MAY_BE_SHARED = re.compile(rb" [-r][-w][-x]s ")
_SEMAPHORE = re.compile(rb"/sem\.[^/]*$")
_BY_LIBRARY = re.compile(rb"/pym-[^/]*$")
_DELETED = b" (deleted)"
_NEXT, _SHARED = 0x10, 0x08  # PROCMAP_QUERY_COVERING_OR_NEXT_VMA, PROCMAP_QUERY_VMA_SHARED
_LONGEST = 4096  # bytes of a path
_open, _read_open, _close = open, os.open, os.close  # as they were before anything was put in their place
_ioctl: Any = getattr(fcntl, "ioctl", None)


class Area(tuple[Any, ...]):
    """Addresses that are mapped to the same memory, one after another.

    No `NamedTuple`: this is imported when it is needed, and code that is made from text would be met as the program's.
    """

    __slots__ = ()
    start: int = property(itemgetter(0))  # type: ignore[assignment]
    end: int = property(itemgetter(1))  # type: ignore[assignment]
    protection: int = property(itemgetter(2))  # type: ignore[assignment]
    offset: int = property(itemgetter(3))  # type: ignore[assignment]  # in the file
    device: int = property(itemgetter(4))  # type: ignore[assignment]
    inode: int = property(itemgetter(5))  # type: ignore[assignment]
    path: bytes = property(itemgetter(6))  # type: ignore[assignment]

    def __new__(cls, start: int, end: int, protection: int, offset: int, device: int, inode: int, path: bytes) -> Area:
        """As the system tells it."""
        return super().__new__(cls, (start, end, protection, offset, device, inode, path))

    @property
    def is_semaphore(self) -> bool:
        """Whether it is one of `multiprocessing`, of which there is an account."""
        return bool(_SEMAPHORE.search(self.path))

    @property
    def is_by_library(self) -> bool:
        """Whether `multiprocessing` hands it out in parts."""
        return bool(_BY_LIBRARY.search(self.path))


class _Query(ctypes.Structure):
    """`struct procmap_query` of <linux/fs.h>."""

    _fields_ = (
        *((name, ctypes.c_uint64) for name in ("size", "wanted", "address", "start", "end", "flags", "page", "offset")),
        ("inode", ctypes.c_uint64),
        *((name, ctypes.c_uint32) for name in ("major", "minor", "name_size", "build_size")),
        *((name, ctypes.c_uint64) for name in ("name_address", "build_address")),
    )


_QUERY = 3 << 30 | ctypes.sizeof(_Query) << 16 | ord("f") << 8 | 17  # PROCMAP_QUERY


def shared_areas() -> list[Area]:
    """What is mapped so that others may have it, also if it can only be read; raises OSError where that is not told."""
    try:
        return asked_for()
    except OSError:  # the system cannot be asked
        return written_down()


def asked_for() -> list[Area]:
    """The same by a question for one after another; raises OSError where there is no such question."""
    if _ioctl is None:
        raise OSError(errno.ENOTTY, "there is no ioctl")
    name = ctypes.create_string_buffer(_LONGEST)
    query = _Query(size=ctypes.sizeof(_Query), wanted=_NEXT | _SHARED, name_address=ctypes.addressof(name))
    found = []
    fd = _read_open(MAPS, os.O_RDONLY | os.O_CLOEXEC)
    try:
        while True:
            query.name_size = _LONGEST
            _ioctl(fd, _QUERY, query)
            path = name.value if query.name_size else b""
            device = os.makedev(query.major, query.minor)
            found.append(
                Area(
                    *(query.start, query.end, query.flags & (READ | WRITE), query.offset),
                    *(device, query.inode, path.removesuffix(_DELETED)),
                )
            )
            query.address = query.end
    except OSError as error:
        if error.errno != errno.ENOENT:
            raise
        return found  # there are no more
    finally:
        _close(fd)


def written_down() -> list[Area]:
    """The same by what the system writes down of all."""
    with _open(MAPS, "rb") as maps:
        text = maps.read()
    return list(_in_text(text))


def _in_text(text: bytes) -> Iterator[Area]:
    for line in _MAY_BE_SHARED.finditer(text):
        match = _LINE.match(text, text.rfind(b"\n", 0, line.start()) + 1)
        if match is not None:
            start, end, reads, writes, offset, major, minor, number, path = match.groups()
            protection = (READ if reads == b"r" else 0) | (WRITE if writes == b"w" else 0)
            device = os.makedev(int(major, 16), int(minor, 16))
            place = int(start, 16), int(end, 16), protection, int(offset, 16), device, int(number)
            yield Area(*place, path.removesuffix(_DELETED))
