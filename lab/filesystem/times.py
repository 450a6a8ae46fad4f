"""The times of files, which no schedule decides."""

from __future__ import annotations

import sys
from types import FrameType

from lab.filesystem.stops import Stops
from lab.origin import LAB, is_library

_DECIDING_NOTHING = ("shutil", "linecache")
"""Modules that copy the times of files, or see by them whether the lines of a traceback are those of the code."""
_TIMES = frozenset(f"st_{which}time{unit}" for which in "amc" for unit in ("", "_ns"))


def doubt_times(stops: Stops) -> None:
    """Tell if who asks for the state of a file looks at its times, as far as the code that asked shows it.

    They are those of the system's clock, which goes on in steps of some milliseconds: two writes may have one time or
    two, whatever the schedule is.
    """
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        code = frame.f_code
        ours = code.co_filename.startswith(LAB)
        looks = not ours and not _TIMES.isdisjoint(code.co_names)
        if looks and frame.f_globals.get("__name__") not in _DECIDING_NOTHING:
            stops.note("doubt", f"{stops.place()} looks at the times of files, which are those of the real clock")
            return
        if not ours and not is_library(code.co_filename):
            return
        frame = frame.f_back
