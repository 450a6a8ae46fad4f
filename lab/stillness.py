"""Whether a process of which nothing is heard waits for ever, or may still come to its end.

The operating system tells in which call a thread of a process waits, and for how long at most.  Only where every thread
of every process waits without an end of its own is nothing to come any more.
"""

from __future__ import annotations

import os
import platform
from collections.abc import Iterable, Sequence

_FUTEX_WAIT = (0, 9)  # FUTEX_WAIT and FUTEX_WAIT_BITSET, without FUTEX_PRIVATE_FLAG
_COMMAND, _PRIVATE = 0x7F, 0x80
_SET_AND_WAIT = (7, 38)  # F_SETLKW, F_OFD_SETLKW
_FOR_EVER = 0xFFFFFFFF  # milliseconds, as an unsigned number of 32 bits
_ENDLESS = {"x86_64": {61, 73, 247}, "aarch64": {95, 32, 260}}
"""Numbers of the calls that wait for what others do: waitid, flock, wait4."""
_OF_PIPES = {"x86_64": {0, 1}, "aarch64": {63, 64}}
"""read and write: at a pipe they do, at a file they only take their time."""
_FUTEX = {"x86_64": 202, "aarch64": 98}
_FCNTL = {"x86_64": 72, "aarch64": 25}
_POLL = {"x86_64": 7}
_MACHINE = platform.machine()


class Stillness:
    """Looks again and again at processes that do not answer; with ``alone`` for what nobody but they could end."""

    def __init__(self, alone: bool = False) -> None:
        self._alone = alone
        self._before: tuple[object, ...] | None = None

    def nothing_moves(self, processes: Iterable[int]) -> bool:
        """Whether all of them wait for ever, at the same places as at the last look; false where that is not known."""
        seen = tuple(_waits(pid, self._alone) for pid in processes)
        same, self._before = seen == self._before, seen
        return same and all(waits is not None for waits in seen)


def _waits(pid: int, alone: bool) -> tuple[object, ...] | None:
    """What the threads of a process wait for, with the time that they have used; None if one may go on."""
    found: list[object] = []
    try:
        for task in sorted(os.listdir(f"/proc/{pid}/task")):
            folder = f"/proc/{pid}/task/{task}"
            if _read(f"{folder}/children").strip():
                return None  # of whom something may come
            call = _read(f"{folder}/syscall").split()
            if not _waits_for_ever(
                pid, alone, [int(part, 16) if part.startswith("0x") else int(part) for part in call]
            ):
                return None
            found.append((call, _read(f"{folder}/schedstat")))
    except (OSError, ValueError):  # it runs, it is no more, or nothing is told here
        return None
    return tuple(found)


def _waits_for_ever(pid: int, alone: bool, call: Sequence[int]) -> bool:
    number, *arguments = call
    if alone and (number != _FUTEX.get(_MACHINE) or not arguments[1] & _PRIVATE):
        return False
    if number in _OF_PIPES.get(_MACHINE, ()):
        return os.readlink(f"/proc/{pid}/fd/{arguments[0]}").startswith(("pipe:", "socket:"))
    if number in _ENDLESS.get(_MACHINE, ()):
        return True
    if number == _FUTEX.get(_MACHINE):
        return arguments[1] & _COMMAND in _FUTEX_WAIT and arguments[3] == 0
    if number == _FCNTL.get(_MACHINE):
        return arguments[1] in _SET_AND_WAIT
    if number == _POLL.get(_MACHINE):
        return arguments[2] & _FOR_EVER == _FOR_EVER
    return False


def _read(path: str) -> str:
    with open(path) as file:
        return file.read()
