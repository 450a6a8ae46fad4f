"""Learn from the interpreter which functions start, to find those whose start no hooked call announced.

Reports come from ``sys.monitoring`` (PEP 669) where it exists.  On 3.11 they come from a profile function, which
is set during sampled executions only: the interpreter calls it for all that runs, and makes a frame's locals for
it each time.  The profiler behind `cProfile`, which is all C code, takes a fraction of that; but it can only tell
afterwards which code ran.
"""

from __future__ import annotations

import sys
from _lsprof import Profiler
from collections.abc import Iterator
from contextlib import contextmanager
from threading import get_ident
from types import CodeType, FrameType
from typing import Any

from lab.errors import LabError
from lab.origin import LAB

_MONITORING = getattr(sys, "monitoring", None)
PROFILES = _MONITORING is None
"""Whether reports come from a profile function."""
LEFT_ALONE = ("<frozen ", LAB)
"""How the names of files begin of which nothing is ever instrumented."""
_TOOL = "race-lab"


class Starts:
    """The reports during one exploration; who is made from it says what becomes of them."""

    def __init__(self) -> None:
        self.threads = {get_ident()}  # whose functions are reported
        self._tool: int | None = None
        self._watching = False
        self._profile_before: Any = None
        self._precisely: Any = self._profiled  # one object, to be known again
        self._roughly: Any = Profiler(builtins=False) if PROFILES else None
        self._precise = False  # in all executions
        self.reports: Any = self._precisely  # what `sys.getprofile` gives while they are made

    def is_settled(self, code: CodeType) -> bool:
        """Whether nothing more is to be done about this code."""
        raise NotImplementedError

    def note(self, code: CodeType, frame: FrameType) -> None:
        """A function has started."""
        raise NotImplementedError

    # ------------------------------------------------------------ from a profile function

    def watch(self, roughly: bool = False) -> None:
        """Report starting functions on the calling greenlet or thread (3.11 only; elsewhere always on).

        Where it is enough to know in the end whether any were `missed`, do it ``roughly``.
        """
        if PROFILES:
            self._watching = True
            self._profile_before = sys.getprofile()
            self.reports = self._roughly if roughly and not self._precise else self._precisely
            self.report()

    def report(self) -> None:
        """The same on a further greenlet or thread, or once more."""
        if not PROFILES:
            pass
        elif self.reports is self._precisely:
            sys.setprofile(self.reports)
        else:
            self.reports.enable(False, False)

    def unwatch(self) -> None:
        """End what `watch` began."""
        if PROFILES and self._watching:
            self._watching = False
            if self.reports is self._roughly:
                self.reports.disable()
            profile_again(self._profile_before)

    def missed(self) -> bool:
        """Whether code ran in executions that were watched roughly of which nothing is known.

        From then on none is watched so.
        """
        if not PROFILES or self._precise:
            return False
        self._precise = any(
            not (self.is_settled(entry.code) or entry.code.co_filename.startswith(LEFT_ALONE))
            for entry in self._roughly.getstats()
        )
        return self._precise

    def _profiled(self, frame: FrameType, event: str, _argument: object) -> None:
        if event == "call" and not self.is_settled(frame.f_code):
            self.note(frame.f_code, frame)

    # ------------------------------------------------------------ from sys.monitoring

    def take_tool(self) -> None:
        """Have all functions reported as they start."""
        if _MONITORING is not None:
            self._tool = _free_tool()
            _MONITORING.register_callback(self._tool, _MONITORING.events.PY_START, self._started)
            _MONITORING.set_events(self._tool, _MONITORING.events.PY_START)
            _MONITORING.restart_events()

    def keep_tool(self) -> bool:
        """False if somebody had freed it, so that code may have run that nobody reported."""
        if self._tool is not None and _MONITORING is not None and _MONITORING.get_tool(self._tool) != _TOOL:
            self.take_tool()
            return False
        return True

    def free_tool(self) -> None:
        """The end of what `take_tool` began."""
        if self._tool is not None and _MONITORING is not None and _MONITORING.get_tool(self._tool) == _TOOL:
            _MONITORING.set_events(self._tool, 0)
            _MONITORING.register_callback(self._tool, _MONITORING.events.PY_START, None)
            _MONITORING.free_tool_id(self._tool)
            self._tool = None

    def _started(self, code: CodeType, _offset: int) -> Any:
        if code.co_filename.startswith(LEFT_ALONE):
            return _MONITORING.DISABLE if _MONITORING is not None else None
        if get_ident() not in self.threads:
            return None
        self.note(code, sys._getframe(1))
        return _MONITORING.DISABLE if self.is_settled(code) and _MONITORING is not None else None

    def again(self) -> None:
        """Report those as well that were not to be reported any more."""
        if _MONITORING is not None:
            _MONITORING.restart_events()

    # ------------------------------------------------------------ from either

    @contextmanager
    def unwatched(self) -> Iterator[None]:
        """Report nothing: the rewriting starts thousands of functions, and to be told of each takes far longer."""
        profiled = PROFILES and sys.getprofile() is self.reports
        if self._tool is not None and _MONITORING is not None:
            _MONITORING.register_callback(self._tool, _MONITORING.events.PY_START, None)
        elif profiled:
            sys.setprofile(None)
        try:
            yield
        finally:
            if self._tool is not None and _MONITORING is not None:
                _MONITORING.register_callback(self._tool, _MONITORING.events.PY_START, self._started)
            elif profiled:
                self.report()


def profile_again(before: Any) -> None:
    """Set the profile function that there was; one written in C, as that of cProfile, only its owner can set."""
    if before is None or callable(before):
        sys.setprofile(before)
    else:
        sys.setprofile(None)
        before.enable()


def _free_tool() -> int:
    assert _MONITORING is not None
    for tool in (4, 3, 2, 1, 0, 5):
        if _MONITORING.get_tool(tool) is None:
            _MONITORING.use_tool_id(tool, _TOOL)
            return tool
    raise LabError("sys.monitoring: all six tool ids are taken; end one of the debuggers, profilers or explorations")
