"""The files that SQLite keeps beside a database, which others see who list the directory or look for them.

A journal is there while somebody writes: `-journal`, which is removed at the end of each transaction, or a write-ahead
log, `-wal` and `-shm`, which the first connection makes that reads or writes, and the last one removes
(https://www.sqlite.org/tempfiles.html).
"""

from __future__ import annotations

import os
from contextlib import suppress

from lab.filesystem.stops import Effect

_open, _read, _close, _stat, _fstat = os.open, os.pread, os.close, os.stat, os.fstat
_readlink, _listdir = os.readlink, os.listdir
_DESCRIPTORS = "/dev/fd"
_MOST_LINKS = 40  # as Linux has it
_VERSIONS = slice(18, 20)  # of a file's header: which journal it is written and read with
_WITH_LOG = b"\x02\x02"


class Companions:
    """Of the database at a path, as it was found when a connection was made to it."""

    def __init__(self, path: str) -> None:
        self._path = _behind_links(path)
        self._may_log = _may_log(self._path)

    def set_up(self) -> None:
        """Something was set, perhaps which of them there are."""
        self._may_log = True

    def effects(self, how: str) -> tuple[Effect, ...]:
        """How what a statement does with the database, reads (r) or writes (W), touches them."""
        journal = ((f"{self._path}-journal", "N*"),) if how == "W" else ()
        if not self._may_log:
            return journal
        return (*journal, *((self._path + end, "N+") for end in ("-wal", "-shm")))

    def leaving(self) -> tuple[Effect, ...]:
        """How the last connection touches them, when it is closed."""
        return tuple((self._path + end, "N*") for end in ("-journal", "-wal", "-shm"))


def _behind_links(path: str) -> str:
    for _ in range(_MOST_LINKS):
        try:
            path = os.path.join(os.path.dirname(path), _readlink(path))
        except OSError:  # no link
            break
    return path


def _may_log(path: str) -> bool:
    """Whether there is, or may be, a write-ahead log."""
    try:
        found = _stat(path)
        if _is_open((found.st_dev, found.st_ino)):
            return True  # to close it gives back all locks that the process has on it: nobody looks
        fd = _open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:  # it is to be made, without one
        return False
    except OSError:
        return True
    try:
        return _read(fd, 100, 0)[_VERSIONS] == _WITH_LOG
    except OSError:
        return True
    finally:
        _close(fd)


def _is_open(inode: tuple[int, int]) -> bool:
    for name in _listdir(_DESCRIPTORS):
        with suppress(OSError, ValueError):  # that of the listing itself
            status = _fstat(int(name))
            if (status.st_dev, status.st_ino) == inode:
                return True
    return False
