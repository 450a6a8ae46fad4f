"""Memory that processes share: what is written there is seen by all, and no operation tells of it."""

from __future__ import annotations

import gc
import sys
from typing import Any

_MAPS = "/proc/self/maps"


def shared_mappings() -> int:
    """How much of the memory of this process can be written to and is shared, in bytes."""
    total = 0
    try:
        with open(_MAPS) as maps:
            for line in maps:
                span, mode, *_ = line.split(None, 2)
                if mode.startswith("rw") and mode.endswith("s"):
                    first, _, end = span.partition("-")
                    total += int(end, 16) - int(first, 16)
    except OSError:  # no Linux
        return int("mmap" in sys.modules)
    return total


def shares_memory(before: int) -> bool:
    """Whether there is more of it than ``before``, or some that `multiprocessing` has handed out from what it keeps."""
    if shared_mappings() > before:
        return True
    if _handed_out():
        gc.collect()  # it may be that of an exploration that is over
    return _handed_out()


def _handed_out() -> bool:
    heap = getattr(sys.modules.get("multiprocessing.heap"), "BufferWrapper", None)
    blocks: dict[Any, Any] = getattr(getattr(heap, "_heap", None), "_allocated_blocks", {})
    return any(blocks.values())
