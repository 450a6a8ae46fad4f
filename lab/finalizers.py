"""Notice finalizers that run when the garbage collector finds a cycle: in a program of its own, at any moment.

While a program is explored garbage is collected between executions only. What has a ``__del__``, or a weak
reference with a callback, and is part of a cycle, is ended there; the real interpreter may do so at any
allocation of any thread.
What is ended because nothing refers to it any more ends at the same step each time, and is no matter.
"""

from __future__ import annotations

import gc
import sys
from types import FrameType

from lab.discovery import is_modelled_name, profile_again
from lab.origin import LAB, shown


class Finalizers:
    """Collects what an execution left, and remembers which Python code that ran."""

    def __init__(self) -> None:
        self.found: dict[str, None] = {}
        gc.collect(0)  # what others left is not the program's

    def collect(self) -> None:
        """Call it after each execution whose garbage may matter."""
        before = sys.getprofile()
        sys.setprofile(self._seen)
        try:
            gc.collect(0)
        finally:
            profile_again(before)

    def _seen(self, frame: FrameType, event: str, _argument: object) -> None:
        code = frame.f_code
        if (
            event not in ("call", "return")
            or code.co_filename.startswith(LAB)
            or is_modelled_name(frame.f_globals.get("__name__"))
        ):
            return
        if any(getattr(callback, "__code__", None) is code for callback in gc.callbacks):
            return
        self.found[
            f"{code.co_qualname} ({shown(code.co_filename)}:{code.co_firstlineno}) runs when garbage is collected, "
            "which can be at any moment"
        ] = None
