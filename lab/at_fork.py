"""What is called at a fork, and costs the child much for nothing where the one that forks has no other thread.

`os.register_at_fork` keeps three lists.  The standard library's own entries renew locks that other threads may have
held, forget those threads, and seed the random numbers.  The first two change nothing in a process with one thread that
holds none of them; and numbers are the lab's affair in the process of an actor.  Each of them writes to memory all
over, which is copied then: half of what a child costs until it runs a line of the program.  Entries of the program,
and all others, are called as ever.
"""

from __future__ import annotations

import functools
import gc
import logging
import os
import random
import sys
import threading
from collections.abc import Callable
from typing import Any

from lab import forks

_Entries = list[Callable[[], Any]]
_MARKS: tuple[Any, Any, Any] = ([].copy, [].copy, [].copy)  # called at every fork: so they are C, and do nothing
_RLOCK = type(threading.RLock())
_OF_ONE_THREAD = ("threading", "logging", forks.__name__)

if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_MARKS[0], after_in_child=_MARKS[1], after_in_parent=_MARKS[2])


@functools.cache
def _lists() -> list[_Entries]:
    """Those that the interpreter goes through: before, in the child, in the parent; none where they are not found."""
    found = [[one for one in gc.get_referrers(mark) if type(one) is list] for mark in _MARKS]
    return [lists[0] for lists in found] if all(len(lists) == 1 for lists in found) else []


def _is_needless(entry: Any) -> bool:
    lock = _lock_of_pools()
    if lock is not None and getattr(entry, "__self__", None) is lock:
        return True
    if getattr(entry, "__self__", None) is getattr(random, "_inst", entry):
        return bool(entry.__name__ == "seed")
    return getattr(entry, "__module__", None) in _OF_ONE_THREAD and getattr(entry, "__self__", None) is None


def _lock_of_pools() -> Any:
    """Held while pools of threads begin or end; None where the library is not imported."""
    return getattr(sys.modules.get("concurrent.futures.thread"), "_global_shutdown_lock", None)


def _nothing_to_renew() -> bool:
    """Whether there is one thread, and none of the locks is held."""
    if len(sys._current_frames()) != 1 or threading.current_thread() is not threading.main_thread():
        return False
    known: Any = threading
    if len(known._dangling) != 1 or known._limbo or not _is_free(getattr(logging, "_lock", None)):
        return False
    lock = _lock_of_pools()
    if lock is not None and lock.locked():
        return False
    handlers: Any = getattr(logging, "_at_fork_reinit_lock_weakset", None)
    return handlers is None or all(_is_free(getattr(one(), "lock", None)) for one in handlers.data.copy())


def _is_free(lock: Any) -> bool:
    renewed: Any = lock
    return lock is None or (type(lock) is _RLOCK and not renewed._is_owned())


class Needless:
    """The entries that have nothing to do now: not called while they are put aside."""

    def __init__(self) -> None:
        self._kept: list[tuple[_Entries, _Entries, _Entries]] = []
        self._known: dict[int, tuple[_Entries, _Entries]] = {}  # by the list: what was in it, and what of it is needed

    def __enter__(self) -> Needless:
        if _nothing_to_renew():
            for number, entries in enumerate(_lists()):
                kept, needed = self._known.get(number, ([], []))
                if kept != entries:
                    kept, needed = entries[:], [entry for entry in entries if not _is_needless(entry)]
                    self._known[number] = kept, needed
                self._kept.append((entries, kept, needed))
                entries[:] = needed
        return self

    @property
    def are_aside(self) -> bool:
        """Whether there is one thread, and some were found."""
        return bool(self._kept)

    def put_back(self) -> None:
        """In the child, where the program may fork as well."""
        for entries, kept, _ in self._kept:
            entries[:] = kept

    def __exit__(self, *_: object) -> None:
        for entries, kept, needed in self._kept:
            entries[:] = kept + entries[len(needed) :]  # with what has been put down meanwhile
        self._kept.clear()
