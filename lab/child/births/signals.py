"""What signals do to processes that do not handle them."""

from __future__ import annotations

import signal
from pathlib import Path

_NOTHING = frozenset((signal.SIGCHLD, signal.SIGCONT, signal.SIGURG, signal.SIGWINCH))
_STOP = frozenset((signal.SIGSTOP, signal.SIGTSTP, signal.SIGTTIN, signal.SIGTTOU))
DIES, STAYS, HANDLES = "dies", "stays", "handles"
"""What a process does at a signal."""


def ends_process(number: int) -> bool:
    """Whether a signal ends a process that has made nothing ready for it."""
    return number not in _NOTHING and number not in _STOP


def at_signal(pid: int, number: int) -> str:
    """What a process does where that signal comes; `HANDLES` also where that is not known."""
    if number == signal.SIGKILL:
        return DIES
    masks: dict[str, int] = {}
    try:
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            name, _, value = line.partition(":")
            if name in ("SigBlk", "SigIgn", "SigCgt"):
                masks[name] = int(value, 16)
    except (OSError, ValueError):
        return HANDLES
    bit = 1 << (number - 1)
    if len(masks) < 3 or masks["SigCgt"] & bit or masks["SigBlk"] & bit or number in _STOP:
        return HANDLES
    return STAYS if masks["SigIgn"] & bit or number in _NOTHING else DIES
