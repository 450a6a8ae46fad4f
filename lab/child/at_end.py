"""What an actor wants done when its process ends: by `atexit`, and by finalizers of objects that live until then.

A script does it, and so do processes of `multiprocessing` from Python 3.13 on.  What the runner wants done at its own
end is the runner's: the interpreter keeps both in one list, so here is another one.
"""

from __future__ import annotations

import atexit
import sys
import weakref
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

from lab.child.stops import Stops
from lab.filesystem.twin import Twin

_Wanted = tuple[Callable[..., Any], tuple[Any, ...], dict[str, Any]]
_REGISTRY: dict[Any, Any] = weakref.finalize._registry  # type: ignore[attr-defined]
_register, _unregister = atexit.register, atexit.unregister  # as they were before anything was put in their place
_clear, _run_all = atexit._clear, atexit._run_exitfuncs  # which processes of `multiprocessing` call


class AtEnd:
    """What has been registered in the process that goes on."""

    def __init__(self, stops: Stops) -> None:
        self._stops = stops
        self._wanted: list[_Wanted] = []
        self._older: set[int] = set()  # finalizers that the runner made
        self._newest: Any = None  # the last of them

    def instead(self) -> dict[Any, Any]:
        """Operation -> what is called in its place."""

        def register(function: Callable[..., Any], /, *arguments: Any, **named: Any) -> Any:
            if not self._stops.begun:
                return _register(function, *arguments, **named)
            if not callable(function):
                raise TypeError("the first argument must be callable")
            self._wanted.append((function, arguments, named))
            return function

        def unregister(function: Callable[..., Any], /) -> None:
            if not self._stops.begun:
                _unregister(function)
            self._wanted = [one for one in self._wanted if one[0] != function]

        def clear() -> None:
            if not self._stops.begun:
                _clear()
            self._wanted.clear()

        def run_all() -> None:
            if not self._stops.begun:
                _run_all()
            self._call_wanted()

        return {
            _clear: Twin(_clear, clear),
            _run_all: Twin(_run_all, run_all),
            _register: Twin(_register, register),
            _unregister: Twin(_unregister, unregister),
        }

    def prepare(self) -> None:
        """In the runner: an actor comes to be."""
        self._wanted.clear()
        self._older, self._newest = set(map(id, _REGISTRY)), next(reversed(_REGISTRY), None)

    def run(self) -> None:
        """The last that was registered comes first; an exception is shown, and the rest is done all the same."""
        if not self._wanted and next(reversed(_REGISTRY), None) is self._newest:
            return
        self._call_wanted()
        while self._find_finalizer():
            self._call_wanted()

    def _call_wanted(self) -> None:
        while self._wanted:
            function, arguments, named = self._wanted.pop()
            try:
                function(*arguments, **named)
            except BaseException as error:
                told = SimpleNamespace(exc_type=type(error), exc_value=error, exc_traceback=error.__traceback__)
                told.err_msg, told.object = "Exception ignored in atexit callback", function
                sys.unraisablehook(told)

    def _find_finalizer(self) -> bool:
        """Have the last finalizer called next that is still to be called; whether there is one."""
        found = [
            (known.index, finalizer)
            for finalizer, known in list(_REGISTRY.items())
            if known.atexit and id(finalizer) not in self._older
        ]
        if found:
            self._wanted.append((max(found, key=lambda one: one[0])[1], (), {}))
        return bool(found)
