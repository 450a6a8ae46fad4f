"""One pooled OS thread of the `thread` carrier, and what is its own."""

from __future__ import annotations

import ctypes
import sys
import threading
from _thread import allocate_lock
from collections.abc import Callable
from typing import Any

from lab.carriers.actor import Actor
from lab.carriers.execution import Stopped
from lab.virtual.tracing import watching

_PATIENCE = 1_000  # how often a thread is told to end


class Seat:
    """An OS thread that runs one actor after another, each while it has the turn."""

    __slots__ = ("actor", "ended", "identity", "lost", "turn", "used")

    def __init__(self) -> None:
        self.turn: Any = allocate_lock()  # released for the thread to go on
        self.turn.acquire()
        self.ended: Any = allocate_lock()
        self.identity = 0
        self.actor: Actor | None = None
        self.lost = False  # did not come back, so the others went on without it
        self.used = False  # is no thread for another actor


class Ender:
    """Drives a thread that is to end: whatever it does, it is stopped.

    Who goes on all the same, as it catches everything, waits in ``park`` from then on, instead of computing for ever.
    """

    def __init__(self, park: Callable[[], object]) -> None:
        self._park = park
        self._told = 0

    def touch(self, *_: object) -> Any:
        self._told += 1
        if self._told > _PATIENCE:
            self._park()
        raise Stopped

    whole = call = enter = function_made = resumed = touch


def begin_actor() -> None:
    """What Python does at the start of every thread."""
    if threading.gettrace() is not None:
        sys.settrace(watching(threading.gettrace()))
    if threading.getprofile() is not None:
        sys.setprofile(watching(threading.getprofile()))


def end_actor() -> None:
    """Leave the thread as a new one: the next actor must not find what this one kept.

    Still under control, as the program's finalizers may run; so no Python function of a library is called.
    """
    own = _own_variables()
    if own:
        _reference(own).clear()  # the contents of every `threading.local`
    if sys.getprofile() is not None:
        sys.setprofile(None)
    if sys.gettrace() is not None:
        sys.settrace(None)


def end_thread(identity: int) -> None:
    """Forget the Thread object that code outside control made by asking which thread it runs on."""
    if isinstance(threading._active.get(identity), threading._DummyThread):  # type: ignore[attr-defined]
        threading._active.pop(identity, None)  # type: ignore[attr-defined]


def room_to_call() -> None:
    """Raise RecursionError where a call or two would: half a hand-over would be the end."""
    _call_once_more(3)


def _call_once_more(times: int) -> None:
    if times:
        _call_once_more(times - 1)


_own_variables = ctypes.PYFUNCTYPE(ctypes.c_void_p)(("PyThreadState_GetDict", ctypes.pythonapi))
_reference = ctypes.PYFUNCTYPE(ctypes.py_object, ctypes.c_void_p)(("Py_NewRef", ctypes.pythonapi))
