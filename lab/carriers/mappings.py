"""Memory that processes share: what is written there is seen by all, and no operation tells of it."""

from __future__ import annotations

import gc
import sys

from lab.child.memory.areas import READ, WRITE, shared_areas


def maps_shared_memory() -> bool:
    """Whether there is memory of this process that can be written to and is shared.

    Semaphores and what `multiprocessing` hands out in parts are none: of these there is an account.
    """
    try:
        areas = shared_areas()
    except OSError:  # no Linux
        return "mmap" in sys.modules
    return any(one.protection == READ | WRITE and not one.is_semaphore and not one.is_by_library for one in areas)


def keeps_shared_memory() -> bool:
    """The same before an exploration, when the state of the one before may be garbage."""
    if maps_shared_memory():
        gc.collect()
    return maps_shared_memory()
