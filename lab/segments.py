"""Segments of shared memory that were made: noted in a file, so that none outlives the run.

A segment has a name outside of every directory, and stays until somebody removes it.  What is removed here is only what
was made meanwhile, which the number of its inode shows.
"""

from __future__ import annotations

import os
from contextlib import suppress

FILE = "segments"
FOLDER = "/dev/shm"
_open, _write, _close, _stat = os.open, os.write, os.close, os.stat  # as they were before anything was in their place


def note_segment(base: str, number: int, name: str) -> None:
    """Put down in the directory ``base`` that a segment was made, with the number of its inode."""
    file = _open(os.path.join(base, FILE), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    _write(file, f"{number} {name}\n".encode())
    _close(file)


def note_semaphore(base: str, name: str) -> None:
    """The same for a semaphore, which is a segment to the system."""
    segment = f"sem.{name.lstrip('/')}"
    with suppress(OSError):  # a system that has them elsewhere
        note_segment(base, _stat(os.path.join(FOLDER, segment)).st_ino, segment)


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
        segment = os.path.join(FOLDER, name)
        with suppress(OSError):
            if os.stat(segment).st_ino == int(number):
                os.unlink(segment)
                removed.append(name)
    return removed
