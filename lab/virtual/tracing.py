"""Twins of the operations that watch or steer a whole thread: trace functions, profile functions, signal handlers.

A trace function that an actor sets is called in the middle of everything, the lab's
own code included, and its hooks would have the engine begin a step within a step.
So it is told only of the program's code, and what it does is no step.
"""

from __future__ import annotations

import _signal  # type: ignore[import-not-found]
import sys
from collections.abc import Callable
from types import FrameType
from typing import TYPE_CHECKING, Any

from lab.hooks import uncontrolled
from lab.origin import LAB
from lab.settings import DEBUGGERS
from lab.virtual.arguments import as_real

if TYPE_CHECKING:
    from lab.carriers.control import Control
    from lab.instrument import Site


class Watching:
    """A trace or profile function of the program, called out of control."""

    def __init__(self, function: Any, concerns: Callable[[], bool]) -> None:
        self.function = function
        self._concerns = concerns  # whether the running actor is the one that is watched

    def __call__(self, frame: FrameType, event: str, argument: object) -> Any:
        """Tell the program's function, unless the code is the lab's."""
        if frame.f_code.co_filename.startswith(LAB) or not self._concerns():
            return None
        with uncontrolled():
            following = self.function(frame, event, argument)
        if following is self.function:
            return self
        return Watching(following, self._concerns) if callable(following) else following


def watching(function: Any, concerns: Callable[[], bool] = lambda: True) -> Any:
    """What to set in place of ``function``, which is told only while ``concerns()``."""
    if function is None or type(function) is Watching or not callable(function) or _is_debugger(function):
        return function
    return Watching(function, concerns)


def _is_debugger(function: Any) -> bool:
    """Whether a person waits at its prompt, where the program stands still anyway."""
    module = str(getattr(function, "__module__", "")).partition(".")[0]
    return module in DEBUGGERS


def _setting(real: Callable[..., Any], name: str) -> Callable[..., Any]:
    def told(control: Control, site: Site, function: Any, /) -> None:
        if control.current is not control.main and function is not None and not _is_debugger(function):
            control.discovery.escaped(
                site.code, f"calls {name}, and what that watches with is not under control", site.line
            )
        actor = control.current
        real(watching(function, lambda: control.current is actor))

    return told


def _getting(real: Callable[..., Any]) -> Callable[..., Any]:
    def told(control: Control, site: Site, /) -> Any:
        function = real()
        return function.function if type(function) is Watching else function

    return told


def set_handler(control: Control, site: Site, number: Any, handler: Any, /) -> Any:
    """An actor is a thread, and as such may not."""
    if control.current is not control.main:
        raise ValueError("signal only works in main thread of the main interpreter")
    return _signal.signal(number, handler)


_TWINS: dict[Any, Callable[..., Any]] = {
    sys.settrace: _setting(sys.settrace, "sys.settrace"),
    sys.setprofile: _setting(sys.setprofile, "sys.setprofile"),
    sys.gettrace: _getting(sys.gettrace),
    sys.getprofile: _getting(sys.getprofile),
    _signal.signal: set_handler,
}
PLAIN: dict[Any, Callable[..., Any]] = {real: as_real(real, twin) for real, twin in _TWINS.items()}
