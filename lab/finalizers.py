"""Notice finalizers that run when the garbage collector finds a cycle: in a program of its own, at any moment.

While a program is explored garbage is collected between executions only. What has a ``__del__``, or a weak
reference with a callback, and is part of a cycle, is ended there; the real interpreter may do so at any
allocation of any thread.
What is ended because nothing refers to it any more ends at the same step each time, and is no matter.
"""

from __future__ import annotations

import gc
import sys
import weakref
from functools import partial
from types import BuiltinFunctionType, CellType, FrameType, FunctionType, MethodType, TracebackType

from lab.discovery import is_modelled_name
from lab.origin import LAB, shown
from lab.starts import profile_again


class Finalizers:
    """Collects what an execution left, and remembers which Python code that ran.

    To be told of all code that runs costs more than many an execution, and most leave no garbage.  So it is
    asked for only where something could be finalized, and in all executions once one has left garbage.
    """

    def __init__(self) -> None:
        self.found: dict[str, None] = {}
        self.missed = False  # garbage was collected in an execution that ended without a look at what that ran
        self._always = False
        gc.collect(0)  # what others left is not the program's

    def collect(self) -> None:
        """Call it after each execution whose garbage may matter."""
        if self._always or _any_finalizers():
            self._watch()
        elif gc.collect(0):  # a weak reference to some of it may have had a callback
            self._always = self.missed = True

    def _watch(self) -> None:
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


def _any_finalizers() -> bool:
    """Whether a young object has one; whoever it brings back to life is not counted as garbage."""
    for kind in set(map(type, gc.get_objects(generation=0))):
        if kind not in _WITHOUT and any("__del__" in _VARIABLES(base) for base in _BASES(kind)):
            return True
    return False


_BASES = type.__dict__["__mro__"].__get__  # whatever a metaclass makes of it
_VARIABLES = type.__dict__["__dict__"].__get__
_WITHOUT = frozenset(
    (dict, list, tuple, set, FunctionType, BuiltinFunctionType, MethodType, CellType, FrameType, TracebackType)
    + (weakref.ref, partial, type(iter([])), type(iter(())), type({}.items()), type(iter({}.items())), type)
)
