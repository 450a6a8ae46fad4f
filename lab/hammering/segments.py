"""Segments of shared memory that hammered processes make: noted in a file, so that none outlives the run.

A segment has a name outside of every directory, and stays until somebody removes it.  What is removed here is only what
was made meanwhile, which the number of its inode shows.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

FILE = "segments"
_FOLDER = "/dev/shm"
_open, _write, _close, _fstat = os.open, os.write, os.close, os.fstat


class _Noting:
    """Stands for the C module by which segments are made."""

    def __init__(self, real: Any, path: str) -> None:
        self._real = real
        self._path = path
        self.shm_unlink = real.shm_unlink

    def shm_open(self, path: str, flags: int, mode: int = 0o777) -> int:
        """Make or open a segment, and note one that was made."""
        fd: int = self._real.shm_open(path, flags, mode=mode)
        if flags & os.O_CREAT:
            file = _open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
            _write(file, f"{_fstat(fd).st_ino} {path.lstrip('/')}\n".encode())
            _close(file)
        return fd


@contextmanager
def noted_segments(base: str) -> Iterator[None]:
    """Until the end of the block, note each segment that this process makes in a file of the directory ``base``."""
    import multiprocessing.shared_memory  # noqa: F401 - else the program would import it later

    module: Any = sys.modules["multiprocessing.shared_memory"]
    real = getattr(module, "_posixshmem", None)
    if real is None:
        yield
        return
    module._posixshmem = _Noting(real, os.path.join(base, FILE))
    try:
        yield
    finally:
        module._posixshmem = real


def remove_segments(base: str) -> list[str]:
    """Remove what was noted and is still there; the names."""
    path = os.path.join(base, FILE)
    try:
        with open(path) as file:
            noted = [line.rstrip("\n").partition(" ") for line in file]
        os.unlink(path)
    except FileNotFoundError:
        return []
    removed = []
    for number, _, name in noted:
        segment = os.path.join(_FOLDER, name)
        with suppress(OSError):
            if os.stat(segment).st_ino == int(number):
                os.unlink(segment)
                removed.append(name)
    return removed
