"""Free what stuck threads wait for, so that they can unwind and end."""

from __future__ import annotations

import _thread
import gc
import queue
import sys
import threading
from collections import deque
from collections.abc import Iterable
from contextlib import suppress
from types import CellType, FrameType, FunctionType, MethodType, ModuleType
from typing import Any

from lab.kinds import is_a
from lab.origin import LAB, is_library

_LOCK = _thread.LockType
_RLOCKS: tuple[Any, ...] = (type(threading.RLock()), threading._PyRLock)  # type: ignore[attr-defined]
_MOST = 20_000  # objects looked at
_FOLLOWED = (
    *("builtins", "threading", "_thread", "queue", "_queue"),
    *("collections", "functools", "contextlib", "concurrent", "itertools"),
)
"""Library packages whose objects may stand between a state and its locks; others, such as logging, keep theirs."""


def release(things: Iterable[Any]) -> None:
    """Release locks, whoever holds them, wake queues and event loops, and let the workers of executors end.

    For threads that are being ended: their state is of no use afterwards.
    """
    for thing in things:
        kind = type(thing)
        with suppress(RuntimeError):  # free already
            if kind is _LOCK:
                if thing.locked():
                    thing.release()
            elif kind in _RLOCKS:
                thing._release_save()
            elif _is_executor(kind):
                thing._shutdown = True  # `shutdown` itself would wait for a lock
                thing._work_queue.put(None)
            elif _is_loop(kind):
                thing.call_soon_threadsafe(_nothing)
            elif thing.empty():
                thing.put(None)  # the lock inside is out of reach


def reachable(roots: Iterable[object]) -> list[Any]:
    """The locks, simple queues, executors and event loops in reach of states and of the program's variables."""
    found = []
    seen: dict[int, object] = {}
    pending = deque(roots)
    while pending and len(seen) < _MOST:
        thing = pending.popleft()
        if id(thing) in seen:
            continue
        seen[id(thing)] = thing
        kind = type(thing)
        if kind in (_LOCK, queue.SimpleQueue, *_RLOCKS) or _is_executor(kind) or _is_loop(kind):
            found.append(thing)
        if is_a(thing, FrameType):
            pending.extend(_variables(thing))
            if thing.f_back is not None:
                pending.append(thing.f_back)
        elif is_a(thing, FunctionType):
            pending.extend(thing.__closure__ or ())
        elif is_a(thing, type):
            if not _is_library(thing.__module__):
                pending.extend(one for one in list(vars(thing).values()) if not is_a(one, FunctionType))
        elif is_a(thing, MethodType | CellType) or _is_followed(kind):
            pending.extend(gc.get_referents(thing))
    return found


def _variables(frame: FrameType) -> list[object]:
    """The locals of a frame of the program or a library, and the globals that its code names."""
    code = frame.f_code
    if code.co_filename.startswith(LAB):
        return []
    used = (frame.f_globals[name] for name in code.co_names if name in frame.f_globals)
    own = [] if is_library(code.co_filename) else [one for one in used if not is_a(one, ModuleType)]
    return [*frame.f_locals.values(), *own]


def _is_executor(kind: type) -> bool:
    known = sys.modules.get("concurrent.futures.thread")
    return known is not None and issubclass(kind, known.ThreadPoolExecutor)


def _is_loop(kind: type) -> bool:
    known = sys.modules.get("asyncio.events")
    return known is not None and issubclass(kind, known.AbstractEventLoop)


def _nothing() -> None:
    """What a loop is woken with."""


def _is_followed(kind: type) -> bool:
    if issubclass(kind, ModuleType | threading.Thread):
        return False
    return kind.__module__.split(".")[0] in _FOLLOWED or not _is_library(kind.__module__)


def _is_library(module: str) -> bool:
    if module.split(".")[0] == "lab":
        return True
    known = sys.modules.get(module)
    file = getattr(known, "__file__", None)
    return known is not None and (file is None or is_library(file))
