"""The interpreter's own settings: what they were, and putting them back.

A program may change what belongs to everybody in the process: the recursion limit,
a signal's handler, a builtin.  The next execution has to begin like the one before,
and the test runner must find everything as it left it.
"""

from __future__ import annotations

import _signal  # type: ignore[import-not-found]
import builtins
import gc
import os
import sys
import threading
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Any

from lab.errors import LabError
from lab.program import describe
from lab.standard_library import StandardLibrary
from lab.stopwatch import now as seconds

_SIGNALS = tuple(int(number) for number in _signal.valid_signals())
_ABSENT = object()
_MONITORING: Any = getattr(sys, "monitoring", None)
_REPLACEABLE = sys.stdlib_module_names - {"sys", "builtins", "signal"}
_HOOKS = ("threading.excepthook",)
_REDRAWN = frozenset(("_", "__debug__"))  # written by the interactive prompt; cannot be written
DEBUGGERS = ("pdb", "bdb", "pydevd", "debugpy", "code", "IPython")
"""Packages whose code waits for a person, and whose trace function a person has set."""

_FUNCTIONS: tuple[tuple[str, Callable[[], Any], Callable[[Any], Any]], ...] = (
    ("the trace function", sys.gettrace, sys.settrace),
    ("the profile function", sys.getprofile, sys.setprofile),
    ("the trace function of new threads", threading.gettrace, threading.settrace),
    ("the profile function of new threads", threading.getprofile, threading.setprofile),
    ("the recursion limit", sys.getrecursionlimit, sys.setrecursionlimit),
    ("the switch interval", sys.getswitchinterval, sys.setswitchinterval),
    ("the switch of the garbage collector", gc.isenabled, lambda on: gc.enable() if on else gc.disable()),
    ("the thresholds of the garbage collector", gc.get_threshold, lambda thresholds: gc.set_threshold(*thresholds)),
    ("the stack size of threads", threading.stack_size, threading.stack_size),
    ("the working directory", os.getcwd, os.chdir),
)
_ATTRIBUTES: tuple[tuple[Any, str], ...] = (
    *((sys, name) for name in ("stdin", "stdout", "stderr")),
    *((sys, name) for name in ("excepthook", "unraisablehook", "displayhook", "breakpointhook")),
    (threading, "excepthook"),
)
_NO_DIFFERENCE = frozenset(("the switch interval", "the stack size of threads"))
"""Settings that cannot change what a program does under control."""


def complaint(changed: Iterable[str], error: Exception) -> str:
    """What to tell a person where a run broke with ``error`` because of what a program changed; empty if it did not."""
    name = next((name for name in changed if name.startswith("builtins.")), "")
    if name:
        return (
            f"{name} was replaced while the program ran, and the lab itself needs it; "
            "replace the name in the module that uses it"
        )
    name = next((name for name in changed if name.partition(".")[0] in _REPLACEABLE and name not in _HOOKS), "")
    if not name or isinstance(error, LabError):
        return ""
    return (
        f"{name} was replaced while the program ran, and after that it broke ({describe(error)}); "
        "put it back in teardown, or replace the name in the module that uses it"
    )


class Settings:
    """The settings as they are now."""

    def __init__(self) -> None:
        self._functions = [_asked(get) for _, get, _ in _FUNCTIONS]
        self._attributes = [getattr(owner, name, _ABSENT) for owner, name in _ATTRIBUTES]
        self._builtins = dict(vars(builtins))
        self._handlers = [_signal.getsignal(number) for number in _SIGNALS]
        self._timer, self._began = _timer(), seconds()
        self._tools = _tools()
        self._library = StandardLibrary()

    def put_back(self, library: bool = True) -> list[str]:
        """Put back whatever is otherwise now; what that was, in words, if it can make a difference to a program.

        To look at the whole standard ``library`` takes a millisecond.
        """
        changed = self.put_back_builtins()  # first: the rest is written with them
        changed += self._library.put_back() if library else ()
        for (name, get, put), before in zip(_FUNCTIONS, self._functions, strict=True):
            now = _asked(get)
            if now is before or now == before or before is _ABSENT or _is_debugger(now):
                continue
            with suppress(Exception):  # a directory that is gone, a depth that is too great for the limit
                put(before)
                changed.append(name)
        for (owner, name), before in zip(_ATTRIBUTES, self._attributes, strict=True):
            if getattr(owner, name, _ABSENT) is not before:
                changed.append(f"{owner.__name__}.{name}")
                if before is _ABSENT:
                    delattr(owner, name)
                else:
                    setattr(owner, name, before)
        changed += self._put_back_signals()
        for number, (before, tool) in enumerate(zip(self._tools, _tools(), strict=True)):
            if before is None and tool is not None:
                _MONITORING.set_events(number, 0)
                _MONITORING.free_tool_id(number)
                changed.append(f"the sys.monitoring tool {tool!r}")
        return [name for name in changed if name not in _NO_DIFFERENCE]

    def put_back_builtins(self) -> list[str]:
        """The same for builtins alone, which everybody's code needs to go on."""
        now = vars(builtins)
        if now == self._builtins:
            return []
        changed = [name for name in {**self._builtins, **now} if name not in _REDRAWN]
        changed = [name for name in changed if now.get(name, _ABSENT) is not self._builtins.get(name, _ABSENT)]
        for name in changed:
            if name in self._builtins:
                now[name] = self._builtins[name]
            else:
                del now[name]
        return [f"builtins.{name}" for name in changed]

    def _put_back_signals(self) -> list[str]:
        changed = []
        for number, before in zip(_SIGNALS, self._handlers, strict=True):
            if _signal.getsignal(number) is before or before is None:
                continue
            with suppress(ValueError, OSError):  # only the main thread may
                _signal.signal(number, before)
                changed.append(f"the handler of signal {number}")
        left, (now, interval) = self._timer[0], _timer()
        rang = 0 < left <= seconds() - self._began + 1e-3 and not interval
        if not rang and ((now > 0) != (left > 0) or now > left or interval != self._timer[1]):  # has ever less left
            left = left and max(left - (seconds() - self._began), 1e-3)
            _signal.setitimer(_signal.ITIMER_REAL, left, self._timer[1])
            changed.append("the alarm clock of the process")
        return changed


def _asked(get: Callable[[], Any]) -> Any:
    try:
        return get()
    except OSError:  # the working directory is gone
        return _ABSENT


def _timer() -> tuple[float, float]:
    return _signal.getitimer(_signal.ITIMER_REAL) if hasattr(_signal, "getitimer") else (0.0, 0.0)


def _tools() -> list[Any]:
    """What watches code by `sys.monitoring`, by tool id."""
    return [] if _MONITORING is None else [_MONITORING.get_tool(number) for number in range(6)]


def _is_debugger(function: Any) -> bool:
    """Whether a person at a debugger's prompt set this trace function: it is theirs to end."""
    owner = type(getattr(function, "__self__", None)).__mro__
    return any(base.__module__.partition(".")[0] in DEBUGGERS for base in owner)
