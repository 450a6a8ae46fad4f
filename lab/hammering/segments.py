"""Notes the segments of shared memory that hammered processes make."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from lab.segments import note_segment

_fstat = os.fstat


class _Noting:
    """Stands for the C module by which segments are made."""

    def __init__(self, real: Any, base: str) -> None:
        self._real = real
        self._base = base
        self.shm_unlink = real.shm_unlink

    def shm_open(self, path: str, flags: int, mode: int = 0o777) -> int:
        """Make or open a segment, and note one that was made."""
        fd: int = self._real.shm_open(path, flags, mode=mode)
        if flags & os.O_CREAT:
            note_segment(self._base, _fstat(fd).st_ino, path.lstrip("/"))
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
    module._posixshmem = _Noting(real, base)
    try:
        yield
    finally:
        module._posixshmem = real
