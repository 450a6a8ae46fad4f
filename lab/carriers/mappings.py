"""Memory that processes share: what is written there is seen by all, and no operation tells of it."""

from __future__ import annotations

import gc
import sys

_MAPS = "/proc/self/maps"
_KNOWN = ("/sem.", "/pym-")
"""Of semaphores, and of what `multiprocessing` hands out in parts: of both there is an account of its own."""


def maps_shared_memory() -> bool:
    """Whether there is memory of this process that can be written to and is shared."""
    try:
        with open(_MAPS) as maps:
            return any(_is_shared(line) for line in maps)
    except OSError:  # no Linux
        return "mmap" in sys.modules


def keeps_shared_memory() -> bool:
    """The same before an exploration, when the state of the one before may be garbage."""
    if maps_shared_memory():
        gc.collect()
    return maps_shared_memory()


def _is_shared(line: str) -> bool:
    mode = line.split(None, 2)[1]
    return mode.startswith("rw") and mode.endswith("s") and not any(known in line for known in _KNOWN)
