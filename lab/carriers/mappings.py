"""Memory that processes share: what is written there is seen by all, and no operation tells of it."""

from __future__ import annotations

import sys

_MAPS = "/proc/self/maps"
_KNOWN = ("/sem.", "/pym-")
"""Of semaphores, and of what `multiprocessing` hands out in parts: of both there is an account of its own."""


def shared_mappings() -> int:
    """How much of the memory of this process can be written to and is shared, in bytes."""
    total = 0
    try:
        with open(_MAPS) as maps:
            for line in maps:
                span, mode, *_ = line.split(None, 2)
                if mode.startswith("rw") and mode.endswith("s") and not any(known in line for known in _KNOWN):
                    first, _, end = span.partition("-")
                    total += int(end, 16) - int(first, 16)
    except OSError:  # no Linux
        return int("mmap" in sys.modules)
    return total
