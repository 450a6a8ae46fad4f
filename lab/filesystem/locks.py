"""Locks on files: `fcntl.flock` and `fcntl.lockf`, which the runner sees to be free before they are taken."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from typing import Any

from lab.filesystem.stops import TIMED_OUT, Stops
from lab.filesystem.system import Instead, Twin

try:
    import fcntl
except ImportError:  # no POSIX
    fcntl = None  # type: ignore[assignment]
else:
    _real_flock, _real_lockf = fcntl.flock, fcntl.lockf


def make(stops: Stops) -> Instead:
    """Operation of `fcntl` -> its twin in the process that ``stops`` belongs to."""
    if fcntl is None:
        return {}
    return {
        fcntl.flock: Twin(fcntl.flock, _flock(stops)),
        fcntl.lockf: Twin(fcntl.lockf, _lockf(stops)),
    }


def operations() -> list[Any]:
    """The operations that have a twin."""
    return [] if fcntl is None else [fcntl.flock, fcntl.lockf]


def _number(fd: Any) -> int:
    return fd if isinstance(fd, int) else int(fd.fileno())


def _flock(stops: Stops) -> Callable[..., Any]:
    def call(fd: Any, operation: int) -> None:
        _lock(stops, "flock", _number(fd), operation, lambda how: _real_flock(fd, how), (0, _END))

    return call


def _lockf(stops: Stops) -> Callable[..., Any]:
    def call(fd: Any, cmd: int, len: int = 0, start: int = 0, whence: int = 0) -> None:
        number = _number(fd)
        first = start
        try:
            if whence == os.SEEK_CUR:
                first += _lseek(number, 0, os.SEEK_CUR)
            elif whence == os.SEEK_END:
                first += _fstat(number).st_size
        except OSError:
            pass  # the call itself raises
        _lock(
            stops,
            "lockf",
            number,
            cmd,
            lambda how: _real_lockf(fd, how, len, start, whence),
            (first, first + len if len else _END),
        )

    return call


def _lock(stops: Stops, kind: str, fd: int, operation: int, do: Any, span: tuple[int, int]) -> None:
    inode = stops.inode(fd)
    mode = operation & ~fcntl.LOCK_NB
    if inode is None or mode not in (fcntl.LOCK_SH, fcntl.LOCK_EX, fcntl.LOCK_UN):
        do(operation)  # which raises
        return
    label = stops.label(fd)
    shared = mode == fcntl.LOCK_SH
    of_file = kind == "flock"
    about = (inode, kind, shared, stops.first(fd) if of_file else -1, of_file and stops.inherits(fd), *span)
    held = (inode, stops.first(fd))
    if mode == fcntl.LOCK_UN:
        stops.step("releases", label, (), wait=("unlock", *about))
        with stops.known():
            do(operation)
        stops.flocks.pop(held, None)
        return
    if of_file and stops.flocks.pop(held, shared) != shared:
        # The system gives up a lock before it tries to get one of the other kind in its place, which others may
        # come between; whoever does not get it has none.
        stops.step("releases", label, (), "to get another one", wait=("unlock", *about))
        with stops.known():
            do(fcntl.LOCK_UN)
    detail = "shared" if shared else ""
    stops.locked.add(inode)
    if operation & fcntl.LOCK_NB:
        stops.step("tries to acquire", label, (), detail, wait=("try", *about))
        with stops.known():
            try:
                do(operation)
            except OSError:
                stops.came_to("False")
                raise
        stops.came_to("True")
        if of_file:
            stops.flocks[held] = shared
        return
    while True:
        if stops.step("acquires", label, (), detail, wait=("lock", *about)) == TIMED_OUT:
            stops.came_to("a circle of processes that would wait for each other")
            raise OSError(errno.EDEADLK, os.strerror(errno.EDEADLK))
        try:
            with stops.known():
                do(operation | fcntl.LOCK_NB)
        except (BlockingIOError, PermissionError):
            stops.came_to("held by others")
            continue
        if of_file:
            stops.flocks[held] = shared
        return


_END = 1 << 62
_lseek, _fstat = os.lseek, os.fstat
