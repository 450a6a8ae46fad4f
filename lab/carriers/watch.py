"""Notice an actor that does not come by the lab: it blocks, or computes without end, outside control."""

from __future__ import annotations

import ctypes
import signal
import sys
from _thread import allocate_lock, get_ident, start_new_thread
from types import FrameType
from typing import TYPE_CHECKING, Any

from lab.carriers.execution import Stopped
from lab.origin import LAB, is_library, shown
from lab.settings import DEBUGGERS
from lab.stopwatch import now, worked_by
from lab.throwing import throw

if TYPE_CHECKING:
    from lab.carriers.control import Control

LOOK = 0.25  # seconds between two looks
BLOCKED = 5.0  # seconds at the same instruction
BUSY = 15.0  # seconds without a visible operation
IMPATIENT = 1.0  # seconds, with an actor that was told to end
_WORKING = 0.02  # of the time: who has had less of the processor's waits; on a busy machine nobody has much


class Watch:
    """Looks now and then at what the running actor does; ``place`` says where it was."""

    def __init__(self, control: Control) -> None:
        self._control = control
        self._progress: tuple[object, ...] = ()
        self._came_by = self._moved = now()
        self._instruction: tuple[int, int] = (0, 0)
        self._worked = 0.0  # by the moment at which it moved
        self.place = ""

    def is_overdue(self, identity: int) -> bool:
        """Whether the actor on the OS thread ``identity`` has to be given up."""
        control, moment = self._control, now()
        progress = (control.choices, control.steps, control.quiet_steps, control.stubborn_steps, control.clock_reads)
        if not _same(progress, self._progress):
            self._progress = progress
            self._came_by = self._moved = moment
            self._instruction = (0, 0)
            return False
        frame = sys._current_frames().get(identity)
        if frame is None or _is_debugged(frame):
            self._came_by = self._moved = moment
            return False
        instruction = (id(frame), frame.f_lasti)
        if instruction != self._instruction:
            self._instruction = instruction
            self._moved = moment
            self._worked = worked_by(identity)
        if control.unwinding:
            blocked = moment - self._came_by >= IMPATIENT
        else:
            blocked = moment - self._moved >= BLOCKED
        if not blocked and moment - self._came_by < BUSY:
            return False
        computed = worked_by(identity) - self._worked > _WORKING * (moment - self._moved)
        what = "computed" if computed or not blocked else "blocked"
        end = ", which may have no end" if what == "computed" else ""
        self.place = (
            f"{_place(frame)} {what} outside control for {moment - self._came_by:.0f} s ({control.current.name}){end}"
        )
        self._came_by = self._moved = moment
        return True


class Watchman:
    """Looks from a thread of its own: where all actors share one, nobody else is there to look."""

    def __init__(self, control: Control) -> None:
        self._control = control
        self._over: Any = allocate_lock()
        self._over.acquire()
        start_new_thread(self._look, ())

    def _look(self) -> None:
        control, watch = self._control, Watch(self._control)
        while not self._over.acquire(True, LOOK):
            if control.going_on and (control.joining or control.unwinding) and watch.is_overdue(control.identity):
                control.escape(watch.place)
                if control.takes_signals:
                    control.overdue = True
                    signal.pthread_kill(control.identity, signal.SIGINT)
                else:
                    throw(control.identity, Stopped)

    def leave(self) -> None:
        """End the watch."""
        self._over.release()


def stopped(identity: int, turn: Any, seconds: float) -> bool:
    """Raise `Stopped` in another thread if it runs Python code; whether it gave the turn back in time.

    The exception must not stay pending in a thread that blocks: on 3.11 any other one
    that is traced or profiled would hang at its next call.  Taking it back is not
    enough, since only a thread that meets one lowers the flag that there are some.
    """
    throw, error = ctypes.pythonapi.PyThreadState_SetAsyncExc, ctypes.py_object(Stopped)
    theirs, mine = ctypes.c_ulong(identity), ctypes.c_ulong(get_ident())
    came = False
    try:
        try:
            throw(theirs, error)
            came = turn.acquire(True, seconds)
        finally:
            throw(theirs, None)
            throw(mine, error)
            while True:
                pass
    except Stopped:
        return came


def _same(one: tuple[object, ...], other: tuple[object, ...]) -> bool:
    """Whether nothing happened; each execution has a list of choices of its own."""
    return bool(other) and one[0] is other[0] and one[1:] == other[1:]


def _callers(frame: FrameType | None) -> list[FrameType]:
    frames = []
    while frame is not None:
        frames.append(frame)
        frame = frame.f_back
    return frames


def _is_debugged(frame: FrameType) -> bool:
    """Whether a debugger has stopped the program there: a person may take as long as they like.

    What called the program is another matter: a debugger may have started it, or its thread.
    """
    for one in _callers(frame):
        name = str(one.f_globals.get("__name__", "")).partition(".")[0]
        if name in DEBUGGERS or name.startswith("_pydev"):
            return True
        file = one.f_code.co_filename
        if not is_library(file) and not file.startswith(LAB):
            return False
    return False


def _place(innermost: FrameType) -> str:
    """The program's own line, or the innermost one where only library code runs."""
    frames = [one for one in _callers(innermost) if not one.f_code.co_filename.startswith(LAB)] or [innermost]
    frame = next((one for one in frames if not is_library(one.f_code.co_filename)), frames[0])
    return f"{frame.f_code.co_qualname} ({shown(frame.f_code.co_filename)}:{frame.f_lineno})"
