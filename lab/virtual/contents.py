"""Where the interpreter keeps what one OS thread has in its `threading.local` objects, to take it out and put it back.

Up to 3.12 the dictionary of a thread's state holds an entry for each local that the
thread has touched; from 3.13 on each local holds an entry for each thread.  Without its
entry a thread is to a local what a new thread is: the interpreter makes contents anew,
by the ``__init__`` of its class if it has one.  So nothing has to be known of
how a local was made, and library code that reads one needs no hook.
Source: Modules/_threadmodule.c of CPython.
"""

from __future__ import annotations

import _thread
import ctypes
import gc
import sys
import weakref
from collections.abc import Iterator
from typing import Any

LOCAL: Any = _thread._local

_PER_STATE = sys.version_info < (3, 13)
_PREFIX = "thread.local."
TEXT = "Py_Repr"
"""The entry that holds whose text is being made, so that a list that holds itself has one."""


class Contents:
    """What the calling OS thread has."""

    def __init__(self) -> None:
        state = ctypes.PYFUNCTYPE(ctypes.c_void_p)(("PyThreadState_GetDict", ctypes.pythonapi))()
        self._state: dict[Any, Any] = _at(state)
        probe = LOCAL()  # ends with this: what is gone through at each switch must not grow
        probe.touched = True
        self._thread: Any = None
        self._alive: Any = None  # ends with the thread
        if not _PER_STATE:
            (watch,) = next(thing for thing in gc.get_referents(probe) if type(thing) is set)
            self._thread, self._alive = watch.__callback__.__self__[1], watch()
        entries, key = self.of(probe)
        taken = entries.pop(key)
        if hasattr(probe, "touched"):
            raise LookupError("threading.local: its contents are not where they are known to be")
        entries[key] = taken

    def of(self, local: Any) -> tuple[dict[Any, Any], object]:
        """The dictionary that has the entry of this thread for ``local``, if it has touched it, and the key there."""
        if _PER_STATE:
            return self._state, f"{_PREFIX}{id(local):#x}"
        return _entries(local), self._thread

    def touched(self) -> Iterator[Any]:
        """Every local of which the thread has contents."""
        if _PER_STATE:
            for key in list(self._state):
                if type(key) is str and key.startswith(_PREFIX):
                    yield _at(int(key[len(_PREFIX) :], 16))
            return
        for watch in weakref.getweakrefs(self._alive):
            told = getattr(getattr(watch, "__callback__", None), "__self__", None)
            local = told[0]() if type(told) is tuple else None
            if issubclass(type(local), LOCAL) and self._thread in _entries(local):
                yield local

    @property
    def texts(self) -> tuple[dict[Any, Any], object]:
        """As `of`, for the objects whose text the thread is making."""
        return self._state, TEXT


def _at(address: int) -> Any:
    """The object there; no Python code runs for it, which would be taken for the program's."""
    return ctypes.py_object.from_buffer(ctypes.c_void_p(address)).value


def _entries(local: Any) -> dict[Any, Any]:
    """Its contents by thread: what a local refers to last, of all dictionaries."""
    return [thing for thing in gc.get_referents(local) if type(thing) is dict][-1]


def why_not() -> str:
    """Empty where contents can be taken out here."""
    try:
        Contents()
    except Exception as error:  # another interpreter, or a later version of it
        return f"what a thread keeps in threading.local cannot be told apart here ({type(error).__name__}: {error})"
    return ""
