"""Twins of `queue.Queue`, `queue.LifoQueue` and `queue.SimpleQueue`: one operation each.

The items stay in the real queue.  A subclass that brings its own storage runs
the standard library's code on a controlled Condition instead.
"""

from __future__ import annotations

import queue
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lab.carriers.control import Control
    from lab.instrument import Site

_SHUT_DOWN: Any = getattr(queue, "ShutDown", None)  # since 3.13
_STORAGE = ("_init", "_qsize", "_put", "_get")


def _is_stock(owner: Any) -> bool:
    kind = type(owner)
    return any(all(getattr(kind, name) is getattr(stock, name) for name in _STORAGE) for stock in _STOCK)


_STOCK = (queue.Queue, queue.LifoQueue)


def _remember(control: Control, owner: Any) -> None:
    control.twins.memory.remember(owner, "unfinished_tasks")


def _is_shut(owner: Any) -> bool:
    return bool(getattr(owner, "is_shutdown", False))


def put(control: Control, site: Site, owner: Any, item: Any, block: bool = True, timeout: float | None = None) -> None:
    if block and timeout is not None and timeout < 0 and owner.maxsize > 0:
        raise ValueError("'timeout' must be a non-negative number")

    def has_room() -> bool:
        return bool(owner.maxsize <= 0 or len(owner.queue) < owner.maxsize or _is_shut(owner))

    if not _take_turn(control, site, owner, "puts", has_room, block, timeout):
        raise queue.Full
    if _is_shut(owner):
        raise _SHUT_DOWN
    _remember(control, owner)
    owner._put(item)
    owner.unfinished_tasks += 1


def get(control: Control, site: Site, owner: Any, block: bool = True, timeout: float | None = None) -> Any:
    if block and timeout is not None and timeout < 0:
        raise ValueError("'timeout' must be a non-negative number")

    def has_item() -> bool:
        return len(owner.queue) > 0 or _is_shut(owner)

    if not _take_turn(control, site, owner, "gets", has_item, block, timeout):
        raise queue.Empty
    if not owner.queue:
        raise _SHUT_DOWN
    _remember(control, owner)
    return owner._get()


def _take_turn(
    control: Control, site: Site, owner: Any, word: str, ready: Callable[[], bool], block: bool, timeout: float | None
) -> bool:
    if not block:
        control.operate(owner, f"tries whether it {word}", site)
        return ready()
    deadline = None if timeout is None else control.now + timeout
    return control.block("queue", owner, word, ready, site, deadline)


def put_nowait(control: Control, site: Site, owner: Any, item: Any) -> None:
    put(control, site, owner, item, block=False)


def get_nowait(control: Control, site: Site, owner: Any) -> Any:
    return get(control, site, owner, block=False)


def task_done(control: Control, site: Site, owner: Any) -> None:
    control.operate(owner, "marks a task done", site)
    if owner.unfinished_tasks <= 0:
        raise ValueError("task_done() called too many times")
    _remember(control, owner)
    owner.unfinished_tasks -= 1


def join(control: Control, site: Site, owner: Any) -> None:
    control.block("queue", owner, "joins", lambda: not owner.unfinished_tasks, site)


def qsize(control: Control, site: Site, owner: Any) -> int:
    control.operate(owner, "asks for the size", site)
    return len(owner.queue)


def empty(control: Control, site: Site, owner: Any) -> bool:
    control.operate(owner, "asks whether it is empty", site)
    return not owner.queue


def full(control: Control, site: Site, owner: Any) -> bool:
    control.operate(owner, "asks whether it is full", site)
    return bool(0 < owner.maxsize <= len(owner.queue))


def simple_put(control: Control, site: Site, owner: Any, item: Any, *_: Any, **__: Any) -> None:
    control.operate(owner, "puts", site)
    owner.put(item)


def simple_get(control: Control, site: Site, owner: Any, block: bool = True, timeout: float | None = None) -> Any:
    if block and timeout is not None and timeout < 0:
        raise ValueError("'timeout' must be a non-negative number")
    if not _take_turn(control, site, owner, "gets", lambda: not owner.empty(), block, timeout):
        raise queue.Empty
    return owner.get_nowait()


def simple_get_nowait(control: Control, site: Site, owner: Any) -> Any:
    return simple_get(control, site, owner, block=False)


def simple_size(control: Control, site: Site, owner: Any) -> int:
    control.operate(owner, "asks for the size", site)
    return int(owner.qsize())


def simple_empty(control: Control, site: Site, owner: Any) -> bool:
    control.operate(owner, "asks whether it is empty", site)
    return bool(owner.empty())


FUNCTIONS: dict[Any, Callable[..., Any]] = {
    queue.Queue.put: put,
    queue.Queue.get: get,
    queue.Queue.put_nowait: put_nowait,
    queue.Queue.get_nowait: get_nowait,
    queue.Queue.task_done: task_done,
    queue.Queue.join: join,
    queue.Queue.qsize: qsize,
    queue.Queue.empty: empty,
    queue.Queue.full: full,
}
APPLIES: dict[Any, Callable[[Any], bool]] = dict.fromkeys(FUNCTIONS, _is_stock)
METHODS: dict[type, dict[str, Callable[..., Any]]] = {
    queue.SimpleQueue: {
        "put": simple_put,
        "put_nowait": simple_put,
        "get": simple_get,
        "get_nowait": simple_get_nowait,
        "qsize": simple_size,
        "empty": simple_empty,
    }
}
