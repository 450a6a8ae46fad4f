"""Processes whose parent is no more: to end with it, as nobody wants the answer any more, or to take them in."""

from __future__ import annotations

import ctypes
import os
import signal
from typing import Any

_DIE_WITH_PARENT, _ADOPT, _ADOPTS = 1, 36, 37  # PR_SET_PDEATHSIG, PR_SET_CHILD_SUBREAPER and the question for it
_KILL = int(signal.SIGKILL)
_prctl: Any = getattr(ctypes.CDLL(None), "prctl", None)
_getppid, _exit = os.getppid, os._exit  # as they were before anything was put in their place


def end_with(parent: int = 0) -> None:
    """From now on this process is killed when the thread that started it is no more.

    It ends at once if ``parent`` is given and is not its parent any more.  It is Linux that can follow one; elsewhere
    that is all.
    """
    if _prctl is not None:
        _prctl(_DIE_WITH_PARENT, _KILL, 0, 0, 0)
    if parent and _getppid() != parent:  # it ended before it could be followed
        _exit(70)


def adopt() -> bool:
    """From now on this process is the parent of what its own children leave behind, where the system can have that.

    Whether it is so by this call.
    """
    if _prctl is None:
        return False
    before = ctypes.c_int()
    _prctl(_ADOPTS, ctypes.byref(before), 0, 0, 0)
    return not before.value and _prctl(_ADOPT, 1, 0, 0, 0) == 0


def leave() -> None:
    """Undo `adopt`."""
    _prctl(_ADOPT, 0, 0, 0, 0)
