"""Locks on files, which the runner sees to be free before they are taken, and `fcntl.fcntl`."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from typing import Any

from lab.filesystem.stops import TIMED_OUT, Stops
from lab.filesystem.system import Instead
from lab.filesystem.twin import Twin

try:
    import fcntl
except ImportError:  # no POSIX
    fcntl = None  # type: ignore[assignment]
else:
    _real_flock, _real_lockf, _real_fcntl = fcntl.flock, fcntl.lockf, fcntl.fcntl


def make(stops: Stops) -> Instead:
    """Operation of `fcntl` -> its twin in the process that ``stops`` belongs to."""
    if fcntl is None:
        return {}
    return {
        fcntl.flock: Twin(fcntl.flock, _flock(stops)),
        fcntl.lockf: Twin(fcntl.lockf, _lockf(stops)),
        fcntl.fcntl: Twin(fcntl.fcntl, _fcntl(stops)),
        os.lockf: Twin(os.lockf, _lockf_of_os(stops)),
    }


def operations() -> list[Any]:
    """The operations that have a twin."""
    return [] if fcntl is None else [*locking(), fcntl.fcntl]


def locking() -> list[Any]:
    """Those that take and give back locks, and do nothing else."""
    return [] if fcntl is None else [fcntl.flock, fcntl.lockf, os.lockf]


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
        _lock(stops, "lockf", number, cmd, lambda how: _real_lockf(fd, how, len, start, whence), _span(first, len))

    return call


def _span(start: int, length: int) -> tuple[int, int]:
    """Which bytes are locked: those before the start for a negative length, all that may ever follow it for none."""
    return (start + length, start) if length < 0 else (start, start + length if length else _END)


def _lockf_of_os(stops: Stops) -> Callable[..., Any]:
    how = {os.F_LOCK: fcntl.LOCK_EX, os.F_TLOCK: fcntl.LOCK_EX | fcntl.LOCK_NB, os.F_ULOCK: fcntl.LOCK_UN}

    def call(fd: int, command: int, length: int, /) -> None:
        if command not in how or stops.inode(fd) is None:
            _real_lockf_of_os(fd, command, length)  # which raises, or asks for a lock, and then is named
            return
        do = lambda mode: _real_lockf(fd, mode, length, 0, os.SEEK_CUR)  # noqa: E731
        _lock(stops, "lockf", fd, how[command], do, _span(_lseek(fd, 0, os.SEEK_CUR), length))

    return call


def _fcntl(stops: Stops) -> Callable[..., Any]:
    def call(fd: Any, cmd: int, arg: Any = 0) -> Any:
        if cmd in _DOUBLING:
            found = _real_fcntl(fd, cmd, arg)
            stops.duplicated(_number(fd), found)
            return found
        if cmd in _FLAGS:
            number = _number(fd)
            effects = stops.position(number) if stops.inode(number) is not None else ()
            if effects:
                stops.step("sets the flags of" if cmd == fcntl.F_SETFL else "reads the flags of", "", effects)
        elif cmd not in _OF_DESCRIPTOR:
            stops.note("doubt", f"{stops.place()} calls fcntl.fcntl, which is not under control")
        return _real_fcntl(fd, cmd, arg)

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
    about = (inode, kind, shared, stops.file(fd) if of_file else -1, of_file and stops.inherits(fd), *span)
    held = (inode, stops.file(fd))
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
_DOUBLING = (fcntl.F_DUPFD, fcntl.F_DUPFD_CLOEXEC) if fcntl is not None else ()
_FLAGS = (fcntl.F_GETFL, fcntl.F_SETFL) if fcntl is not None else ()
_OF_DESCRIPTOR = (fcntl.F_GETFD, fcntl.F_SETFD) if fcntl is not None else ()
"""Commands about a file descriptor itself, which nobody has in common with others but threads."""
_real_lockf_of_os: Any = getattr(os, "lockf", None)
_lseek, _fstat = os.lseek, os.fstat
