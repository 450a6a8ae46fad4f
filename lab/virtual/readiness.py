"""Which operations need not wait, of those that some object may make wait: asked of its state at the moment.

That an operation had to wait, as it did not come earlier, tells nothing of whether it would have had to before.
"""

from __future__ import annotations

import functools
import queue
import threading
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from lab.virtual.locks import LOCK, RLOCK

if TYPE_CHECKING:
    from lab.carriers.control import Control

_SIMPLE_QUEUE: Any = queue.SimpleQueue


TELLING = {"lock": True, "condition": True, "releases": False, "waits": False}
"""Whether a lock was free before an operation on it, where its kind tells."""


def ready_for(control: Control, thing: object, kind: str) -> Sequence[str] | None:
    """The kinds of operations on ``thing`` that would not have to wait, before one of the kind that is given.

    None where that one tells by its kind, and of what nobody waits for like that.
    """
    look = _look_of(type(thing))  # type: ignore[arg-type]  # a class is hashable
    return None if look is None else look(control, thing, kind)


def _of_lock(control: Control, lock: Any, kind: str) -> Sequence[str] | None:
    state = control.twins.memory.known_lock(lock)
    if state is None or TELLING.get(kind) is state.free():  # who releases a lock that is free gets an error
        return None
    return ("lock",) if state.free() else ()


def _of_semaphore(control: Control, semaphore: Any, kind: str) -> Sequence[str]:
    return ("semaphore",) if semaphore._value > 0 else ()


def _of_queue(control: Control, owner: Any, kind: str) -> Sequence[str]:
    if getattr(owner, "is_shutdown", False):
        return ("put", "get") if owner.unfinished_tasks else ("put", "get", "tasks")
    found = []
    if owner.maxsize <= 0 or len(owner.queue) < owner.maxsize:
        found.append("put")
    if owner.queue:
        found.append("get")
    if not owner.unfinished_tasks:
        found.append("tasks")
    return found


def _of_simple_queue(control: Control, owner: Any, kind: str) -> Sequence[str]:
    return () if _SIMPLE_QUEUE.empty(owner) else ("get",)


_LOOKS: tuple[tuple[Any, Callable[[Control, Any, str], Sequence[str] | None]], ...] = (
    ((LOCK, RLOCK, threading._PyRLock), _of_lock),  # type: ignore[attr-defined]
    (threading.Semaphore, _of_semaphore),
    (queue.Queue, _of_queue),
    (_SIMPLE_QUEUE, _of_simple_queue),
)


@functools.cache
def _look_of(kind: type) -> Callable[[Control, Any, str], Sequence[str] | None] | None:
    return next((look for base, look in _LOOKS if issubclass(kind, base)), None)
