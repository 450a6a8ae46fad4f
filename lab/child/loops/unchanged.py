"""Operations on files that leave what is there as it is: to empty an empty file, to set a mode once more."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Any

from lab.filesystem.stops import Effect

_stat, _lstat, _fstat = os.stat, os.lstat, os.fstat
_CHANGING = frozenset("*-wWM")
_MODES = ("changes the mode of", "changes the owner of")


def standing(word: str, effects: Iterable[Effect], own: Iterable[int]) -> list[object] | None:
    """What the operation might change, as it is now; None where that is more than can be compared.

    It is asked before and after.  ``own`` are the file descriptors that the process opened itself.
    """
    found: list[object] = []
    for where, how in effects:
        changing = _CHANGING.intersection(how)
        if not changing <= ({"M"} if word in _MODES else {"W"}):
            return None
        if changing or "+" in how:
            there = _look(where, "N" in how, own)
            if there is None or ("W" in changing and there.st_size):
                return None
            found.append((there.st_dev, there.st_ino, there.st_mode, there.st_uid, there.st_gid))
    return found or None


def _look(where: Any, itself: bool, own: Iterable[int]) -> os.stat_result | None:
    try:
        if isinstance(where, str):
            return _lstat(where) if itself else _stat(where)
        if isinstance(where, tuple) and isinstance(where[0], str):
            return _stat("/".join(where))
        for fd in own:
            there = _fstat(fd)
            if (there.st_dev, there.st_ino) == where:
                return there
    except OSError:
        pass
    return None
