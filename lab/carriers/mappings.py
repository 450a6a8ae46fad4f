"""Memory that processes share: what is written there is seen by all, and no operation tells of it."""

from __future__ import annotations

import gc
import re
import sys

_MAPS = "/proc/self/maps"
_SHARED = re.compile(rb"^\S+ rw.s (?!.*/(?:sem\.|pym-))", re.MULTILINE)
"""A line of it, except for semaphores and what `multiprocessing` hands out in parts: of these there is an account."""


def maps_shared_memory() -> bool:
    """Whether there is memory of this process that can be written to and is shared."""
    try:
        with open(_MAPS, "rb") as maps:
            return _SHARED.search(maps.read()) is not None
    except OSError:  # no Linux
        return "mmap" in sys.modules


def keeps_shared_memory() -> bool:
    """The same before an exploration, when the state of the one before may be garbage."""
    if maps_shared_memory():
        gc.collect()
    return maps_shared_memory()
