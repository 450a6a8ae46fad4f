"""What a suspended task waits for, and at which line of the program: read from its chain of coroutines."""

from __future__ import annotations

import asyncio
from functools import partial
from types import CodeType, FrameType
from typing import Any, NamedTuple

from lab.instrument import Site
from lab.origin import LAB, is_library

_KINDS = {
    "Lock.acquire": "lock",
    "Semaphore.acquire": "semaphore",
    "Event.wait": "event",
    "Condition.wait": "condition",
    "Condition.wait_for": "condition",
    "Queue.get": "get",
    "Queue.put": "put",
    "Queue.join": "tasks",
    "Barrier.wait": "barrier",
}
"""Coroutine function of asyncio -> the kind of `Wait`, in the words of `lab.detectors.deadlock`."""
_SITES: dict[tuple[CodeType, int, str], Site] = {}


class Awaiting(NamedTuple):
    """An ``await`` that has suspended a task."""

    site: Site
    kind: str
    owner: object  # the object that is waited for; None if it has no name
    how: str  # the library function that waits, or what else is awaited
    frame: FrameType | None  # of the program


def awaiting(task: Any) -> Awaiting:
    """What ``task``, which is suspended, waits for."""
    frames = _frames(task.get_coro())
    own = [frame for frame in frames if not is_library(frame.f_code.co_filename)]
    frame = own[-1] if own else (frames[0] if frames else None)
    library = frames[frames.index(own[-1]) + 1 :] if own else frames[1:]
    site = await_site(frame) if frame is not None else begin_site(awaiting.__code__)
    future = task._fut_waiter
    for one in library:
        name = one.f_code.co_qualname
        if name in _KINDS and one.f_code.co_filename.startswith(ASYNCIO):
            return Awaiting(site, _KINDS[name], one.f_locals.get("self"), name, frame)
    if isinstance(future, asyncio.Task):
        return Awaiting(site, "task", future, "", frame)
    if library:
        return Awaiting(site, "future", None, f"{library[0].f_code.co_qualname}()", frame)
    if future is None:
        return Awaiting(site, "future", None, "a turn", frame)
    return Awaiting(site, "future", future, "", frame)


ASYNCIO = asyncio.__file__.rpartition("__init__")[0]


def _frames(coroutine: Any) -> list[FrameType]:
    """The frames of a chain of awaits, outermost first; those of the lab left out."""
    frames: list[FrameType] = []
    while coroutine is not None and len(frames) < 1_000:
        frame = None
        following = None
        for kind in ("cr", "gi", "ag"):
            frame = frame or getattr(coroutine, f"{kind}_frame", None)
            following = following or getattr(coroutine, "gi_yieldfrom" if kind == "gi" else f"{kind}_await", None)
        if frame is not None and not frame.f_code.co_filename.startswith(LAB):
            frames.append(frame)
        coroutine = following
    return frames


def await_site(frame: FrameType) -> Site:
    """The site of the ``await`` at which ``frame`` stands, known by its line within the function."""
    return _site(frame.f_code, frame.f_lineno or frame.f_code.co_firstlineno, "await")


def begin_site(code: CodeType) -> Site:
    """The site at which a function begins."""
    return _site(code, code.co_firstlineno, "begin")


def code_of(function: Any) -> CodeType:
    """The code that a callback runs; of C code, where the loop calls it."""
    while isinstance(function, partial):
        function = function.func
    for one in (function, getattr(function, "__func__", None), getattr(type(function), "__dict__", {}).get("__call__")):
        code = getattr(one, "__code__", None)
        if code is not None:
            return code  # type: ignore[no-any-return]
    return asyncio.Handle._run.__code__


def _site(code: CodeType, line: int, kind: str) -> Site:
    key = (code, line, kind)
    site = _SITES.get(key)
    if site is None:
        site = Site(code, line - code.co_firstlineno, kind, None, False, line, stepped=True, watched=False)
        if len(_SITES) > 10_000:
            _SITES.clear()
        _SITES[key] = site
    return site
