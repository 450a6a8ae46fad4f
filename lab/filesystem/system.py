"""What processes call in place of the functions of `os`: each stops before what others could notice."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

from lab.filesystem.files import how_opened, is_shared
from lab.filesystem.linking import link
from lab.filesystem.listing import in_order, scandir
from lab.filesystem.opened import IS_TOLD
from lab.filesystem.stops import Effect, Stops
from lab.filesystem.times import doubt_times
from lab.filesystem.twin import Twin
from lab.filesystem.writing import in_pages, text_of, write_on

Instead = dict[Any, Callable[..., Any]]
"""Operation -> what is called in its place."""

_PATHS: dict[str, tuple[str, str]] = {
    "stat": ("asks for the state of", "lsm"),
    "lstat": ("asks for the state of", "Nsm"),
    "readlink": ("reads the link", "N"),
    "access": ("asks for access to", "lm"),
    "chmod": ("changes the mode of", "lM"),
    "lchmod": ("changes the mode of", "NM"),
    "chown": ("changes the owner of", "lM"),
    "lchown": ("changes the owner of", "NM"),
    "utime": ("changes the times of", "lM"),
    "truncate": ("truncates", "lmW"),
    "mkdir": ("makes the directory", "N+"),
    "mkfifo": ("makes the pipe", "N+"),
    "mknod": ("makes the node", "N+"),
    "rmdir": ("removes the directory", "N-L"),
    "unlink": ("removes", "N-M"),
    "remove": ("removes", "N-M"),
    "chdir": ("goes to", "lm"),
    "listdir": ("lists", "lmL"),
    "statvfs": ("asks for the room at", "l"),
    "getxattr": ("reads an attribute of", "lm"),
    "setxattr": ("changes an attribute of", "lM"),
    "removexattr": ("changes an attribute of", "lM"),
    "listxattr": ("reads the attributes of", "lm"),
}
"""Function of a path -> the verb, and how it touches what is there: see `lab.filesystem.paths`."""
_ANSWERS = ("access",)
_WITH_TIMES = ("stat", "lstat", "fstat")
_DESCRIPTORS: dict[str, tuple[str, str]] = {
    "read": ("reads", "ro"),
    "readv": ("reads", "ro"),
    "pread": ("reads", "r"),
    "preadv": ("reads", "r"),
    "write": ("writes", "wo"),
    "writev": ("writes", "wo"),
    "pwrite": ("writes", "w"),
    "pwritev": ("writes", "w"),
    "ftruncate": ("truncates", "w"),
    "posix_fallocate": ("makes room in", "w"),
    "fstat": ("asks for the state of", "sm"),
    "fchmod": ("changes the mode of", "M"),
    "fchown": ("changes the owner of", "M"),
    "fstatvfs": ("asks for the room at", ""),
}
_OPENING = ("dup", "memfd_create", "eventfd", "epoll_create")


_fstat, _real_close, _listdir = os.fstat, os.close, os.listdir
_NOBODY: Any = None  # whom twins ask that are never called


def make(stops: Stops) -> Instead:
    """Operation of `os` -> its twin in the process that ``stops`` belongs to."""
    found: Instead = {}
    for name, call in _twins(stops):
        real = getattr(os, name, None)
        if real is not None:
            found[real] = Twin(real, call(real))
    return found


def operations() -> list[Any]:
    """The operations that have a twin."""
    return list(make(_NOBODY))


def with_traces() -> list[str]:
    """The names of those that leave traces in files and file descriptors, and nowhere else."""
    others = ("open", "close", "lseek", "rename", "replace", "link", "symlink")
    return [name for name in (*_PATHS, *_DESCRIPTORS, *others) if name != "chdir"]


def _twins(stops: Stops) -> Iterator[tuple[str, Callable[[Any], Callable[..., Any]]]]:
    for name, (word, how) in _PATHS.items():
        yield name, _of_path(stops, name, word, how)
    for name, (word, how) in _DESCRIPTORS.items():
        yield name, _of_descriptor(stops, name, word, how)
    yield "open", _open(stops)
    yield "close", _close(stops)
    yield "closerange", _close_all(stops)
    yield "lseek", _lseek(stops)
    yield "rename", _two_paths(stops, "renames", "N*", "N*")
    yield "replace", _two_paths(stops, "renames", "N*", "N*")
    yield "link", link(stops)
    yield "symlink", _symlink(stops)
    for name in ("sendfile", "copy_file_range"):
        yield name, _copies(stops, name)
    for name in _OPENING:
        yield name, _opens_another(stops)
    yield "dup2", _opens_as(stops)
    yield "pipe", _pipe(stops)
    yield "scandir", scandir(stops)


def _of_path(stops: Stops, name: str, word: str, how: str) -> Callable[[Any], Callable[..., Any]]:
    def of(real: Any) -> Callable[..., Any]:
        def call(path: Any = ".", *arguments: Any, **named: Any) -> Any:
            touched = how
            if named.get("follow_symlinks") is False:
                touched = touched.replace("l", "N")
            try:
                where = stops.path(path, named.get("dir_fd"))
            except TypeError:
                return real(path, *arguments, **named)  # which raises
            if isinstance(path, int):
                if not is_shared(stops, path, word):
                    return real(path, *arguments, **named)
                touched = "".join(letter for letter in touched if letter in "rswWmML")
            stops.step(word, stops.label(path), ((where, touched),))
            with stops.known():
                result = real(path, *arguments, **named)
            if name in _ANSWERS:
                stops.came_to(str(result))
            elif name == "listdir":
                return in_order(stops, result)
            elif name in _WITH_TIMES:
                doubt_times(stops)
            return result

        return call

    return of


def _of_descriptor(stops: Stops, name: str, word: str, how: str) -> Callable[[Any], Callable[..., Any]]:
    def of(real: Any) -> Callable[..., Any]:
        def call(fd: Any, *arguments: Any, **named: Any) -> Any:
            inode = stops.inode(fd) if isinstance(fd, int) else None
            if inode is None or not is_shared(stops, fd, word):
                return real(fd, *arguments, **named)
            if word in ("reads", "writes") and arguments:
                if name.endswith("v") and hasattr(type(arguments[0]), "__getitem__"):
                    arguments = ([*arguments[0]], *arguments[1:])
                stops.hands(arguments[0] if type(arguments[0]) is list else arguments[:1], name)
            written = word == "writes" and arguments and isinstance(arguments[0], bytes | bytearray | memoryview)
            detail = text_of(memoryview(arguments[0]).cast("B")[:200]) if written else ""
            effects = ((inode, how.replace("o", "")), *(stops.position(fd) if "o" in how else ()))
            position = arguments[1] if name == "pwrite" and written and len(arguments) == 2 else -1
            parts = in_pages(stops, fd, arguments[0], position) if written else []
            stops.step(word, stops.label(fd), effects, detail)
            with stops.known():
                if len(parts) > 1:
                    arguments = (parts[0], *arguments[1:])
                result = real(fd, *arguments, **named)
            if len(parts) > 1:
                result = write_on(stops, real, fd, parts, result, position)
            if word == "reads" and isinstance(result, bytes):
                stops.came_to(text_of(result))
            elif name in _WITH_TIMES:
                doubt_times(stops)
            return result

        return call

    return of


def _open(stops: Stops) -> Callable[[Any], Callable[..., Any]]:
    def of(real: Any) -> Callable[..., Any]:
        def call(path: Any, flags: int, mode: int = 0o777, *, dir_fd: int | None = None) -> Any:
            how, word = how_opened(flags)
            if flags & getattr(os, "O_NOFOLLOW", 0):
                how = how.replace("l", "N")
            stops.step(word, stops.label(path), ((stops.path(path, dir_fd), how),))
            with stops.known():
                fd = real(path, flags, mode, dir_fd=dir_fd)
            stops.opened(fd, stops.label(path), bare=True)
            return fd

        return call

    return of


def _close(stops: Stops) -> Callable[[Any], Callable[..., Any]]:
    def of(real: Any) -> Callable[..., Any]:
        def call(fd: int) -> None:
            if stops.keeps(fd):
                raise OSError(errno.EBADF, os.strerror(errno.EBADF))
            try:
                _about_to_close(stops, fd)
            finally:
                stops.closed(fd)
                with stops.known():
                    real(fd)

        return call

    return of


def _close_all(stops: Stops) -> Callable[[Any], Callable[..., Any]]:
    close = _close(stops)(_real_close)

    def of(real: Any) -> Callable[..., Any]:
        def call(fd_low: int, fd_high: int, /) -> None:
            if not stops.begun or not IS_TOLD:
                real(fd_low, fd_high)
                return
            for fd in sorted(map(int, _listdir("/proc/self/fd"))):
                if fd_low <= fd < fd_high and not stops.keeps(fd):
                    with suppress(OSError):
                        close(fd)

        return call

    return of


def _about_to_close(stops: Stops, fd: int) -> None:
    inode = stops.inode(fd) if isinstance(fd, int) else None
    effects = stops.closes(fd) if inode is not None else ()
    if inode in stops.locked:
        stops.step("closes", stops.label(fd), effects, wait=("close", inode, stops.closing(fd)))
    elif effects:
        stops.step("closes", stops.label(fd), effects)


def _lseek(stops: Stops) -> Callable[[Any], Callable[..., Any]]:
    def of(real: Any) -> Callable[..., Any]:
        def call(fd: int, position: int, how: int, /) -> Any:
            inode = stops.inode(fd) if isinstance(fd, int) else None
            effects: tuple[Effect, ...] = () if how in (os.SEEK_SET, os.SEEK_CUR) else ((inode, "r"),)
            effects += stops.position(fd) if inode is not None else ()
            if inode is not None and effects and is_shared(stops, fd, "seeks in"):
                stops.step("seeks in", stops.label(fd), effects)
            return real(fd, position, how)

        return call

    return of


def _two_paths(stops: Stops, word: str, first: str, second: str) -> Callable[[Any], Callable[..., Any]]:
    def of(real: Any) -> Callable[..., Any]:
        def call(src: Any, dst: Any, **named: Any) -> Any:
            one = stops.path(src, named.get("src_dir_fd"))
            other = stops.path(dst, named.get("dst_dir_fd"))
            stops.step(word, stops.label(src), ((one, first), (other, second)), f"to {stops.label(dst)}")
            with stops.known():
                return real(src, dst, **named)

        return call

    return of


def _symlink(stops: Stops) -> Callable[[Any], Callable[..., Any]]:
    def of(real: Any) -> Callable[..., Any]:
        def call(src: Any, dst: Any, target_is_directory: bool = False, *, dir_fd: int | None = None) -> Any:
            stops.step("makes the link", stops.label(dst), ((stops.path(dst, dir_fd), "N+"),), f"to {stops.label(src)}")
            with stops.known():
                return real(src, dst, target_is_directory, dir_fd=dir_fd)

        return call

    return of


def _copies(stops: Stops, name: str) -> Callable[[Any], Callable[..., Any]]:
    def of(real: Any) -> Callable[..., Any]:
        def call(one: int, other: int, *arguments: Any, **named: Any) -> Any:
            out, source = (one, other) if name == "sendfile" else (other, one)
            effects: list[Effect] = []
            for fd, how in ((out, "w"), (source, "r")):
                inode = stops.inode(fd)
                if inode is not None and is_shared(stops, fd, "copies from or to"):
                    effects += [(inode, how), *stops.position(fd)]
            if effects:
                stops.step("copies into", stops.label(out), tuple(effects))
            return real(one, other, *arguments, **named)

        return call

    return of


def _opens_another(stops: Stops) -> Callable[[Any], Callable[..., Any]]:
    """Another file descriptor; one that shares its position with an older one is shared as far as that is."""

    def of(real: Any) -> Callable[..., Any]:
        def call(*arguments: Any, **named: Any) -> Any:
            fd = real(*arguments, **named)
            if arguments and isinstance(arguments[0], int):
                stops.duplicated(arguments[0], fd)
            else:
                stops.own.add(fd)
            return fd

        return call

    return of


def _opens_as(stops: Stops) -> Callable[[Any], Callable[..., Any]]:
    """A double under a given number: what was open as that is closed."""

    def of(real: Any) -> Callable[..., Any]:
        def call(fd: int, fd2: int, *arguments: Any, **named: Any) -> Any:
            if fd != fd2 and _is_open(fd) and _is_open(fd2):
                stops.make_way(fd2)
                _about_to_close(stops, fd2)
                stops.closed(fd2)
            found = real(fd, fd2, *arguments, **named)
            stops.duplicated(fd, found)
            return found

        return call

    return of


def _is_open(fd: Any) -> bool:
    try:
        _fstat(fd)
    except (OSError, OverflowError, TypeError):
        return False
    return True


def _pipe(stops: Stops) -> Callable[[Any], Callable[..., Any]]:
    def of(real: Any) -> Callable[..., Any]:
        def call() -> Any:
            ends = real()
            stops.own.update(ends)
            return ends

        return call

    return of


_QUESTIONS: dict[str, tuple[str, bool, Callable[[int], bool] | None]] = {
    "exists": ("exists", True, None),
    "lexists": ("exists", False, None),
    "isfile": ("is a file", True, stat.S_ISREG),
    "isdir": ("is a directory", True, stat.S_ISDIR),
    "islink": ("is a link", False, stat.S_ISLNK),
}


def existence(stops: Stops) -> Instead:
    """The questions of `os.path` that look for nothing but whether something is there, and of what kind."""
    found: Instead = {}
    for name, (what, follow, kind) in _QUESTIONS.items():
        real = getattr(os.path, name)
        found[real] = Twin(real, _asks(stops, real, f"asks whether it {what}", follow, kind))
    return found


def questions() -> list[Any]:
    """The functions that `existence` has twins for."""
    return list(existence(_NOBODY))


def _asks(stops: Stops, real: Any, word: str, follow: bool, kind: Callable[[int], bool] | None) -> Callable[..., Any]:
    look = os.stat if follow else os.lstat

    def call(path: Any) -> bool:
        try:
            where = stops.path(path)
        except TypeError:
            return bool(real(path))
        if isinstance(path, int):
            return bool(real(path))
        stops.step(word, stops.label(path), ((where, "l" if follow else "N"),))
        try:
            with stops.known():
                found = look(path)
        except (OSError, ValueError):
            result = False
        else:
            result = kind is None or kind(found.st_mode)
        stops.came_to(str(result))
        return result

    return call
