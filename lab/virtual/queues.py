"""Twins of `queue.Queue`, `LifoQueue`, `PriorityQueue` and `SimpleQueue`: one operation each.

The items stay in the real queue.  A subclass that brings its own storage runs
the standard library's code on a controlled Condition instead, and so does what C
code calls, as in ``iter(q.get, None)``: so the twins heed the queue's lock when it is
held, and notify those who wait on its conditions.
"""

from __future__ import annotations

import queue
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from lab.virtual.arguments import as_real
from lab.virtual.conditions import as_part_of, deadline_of, wake
from lab.virtual.locks import state_of

if TYPE_CHECKING:
    from lab.carriers.control import Control
    from lab.instrument import Site

_SHUT_DOWN: Any = getattr(queue, "ShutDown", None)  # since 3.13
_SIMPLE_QUEUE: Any = queue.SimpleQueue
_STORAGE = ("_init", "_qsize", "_put", "_get")
_STOCK = (queue.Queue, queue.LifoQueue, queue.PriorityQueue)


def _is_stock(owner: Any) -> bool:
    kind = type(owner)
    return kind in _STOCK or any(
        all(getattr(kind, name) is getattr(stock, name) for name in _STORAGE) for stock in _STOCK
    )


def brings_storage(kind: type) -> bool:
    """Whether a class of queues keeps its items in a way that is all its own, so that the program's code does it."""
    return all(getattr(kind, name) is not getattr(stock, name) for stock in _STOCK for name in _STORAGE)


def _is_shut(owner: Any) -> bool:
    return bool(getattr(owner, "is_shutdown", False))


# ------------------------------------------------------------------ Queue, LifoQueue, PriorityQueue


def put(control: Control, site: Site, owner: Any, item: Any, block: bool = True, timeout: Any = None) -> None:
    if owner.maxsize <= 0 or _is_shut(owner):
        block, timeout = True, None  # the real one does not look at them

    def has_room() -> bool:
        return bool(owner.maxsize <= 0 or len(owner.queue) < owner.maxsize or _is_shut(owner))

    if not _take_turn(control, site, owner, "puts", has_room, block, timeout):
        raise queue.Full
    if _is_shut(owner):
        raise _SHUT_DOWN
    _remember(control, owner)
    _store(control, owner, lambda: owner._put(item))
    owner.unfinished_tasks += 1
    wake(control, site, owner.not_empty, 1)


def get(control: Control, site: Site, owner: Any, block: bool = True, timeout: Any = None) -> Any:
    def has_item() -> bool:
        return len(owner.queue) > 0 or _is_shut(owner)

    if _is_shut(owner) and not owner.queue:
        timeout = None
    if not _take_turn(control, site, owner, "gets", has_item, block, timeout):
        raise queue.Empty
    if not owner.queue:
        raise _SHUT_DOWN
    _remember(control, owner)
    item = _store(control, owner, owner._get)
    wake(control, site, owner.not_full, 1)
    return item


def put_nowait(control: Control, site: Site, owner: Any, item: Any) -> None:
    put(control, site, owner, item, block=False)


def get_nowait(control: Control, site: Site, owner: Any) -> Any:
    return get(control, site, owner, block=False)


def task_done(control: Control, site: Site, owner: Any) -> None:
    _operate(control, site, owner, "marks a task done")
    if owner.unfinished_tasks <= 0:
        raise ValueError("task_done() called too many times")
    _remember(control, owner)
    owner.unfinished_tasks -= 1
    if not owner.unfinished_tasks:
        wake(control, site, owner.all_tasks_done, len(owner.all_tasks_done._waiters))


def join(control: Control, site: Site, owner: Any) -> None:
    _take_turn(control, site, owner, "joins", lambda: not owner.unfinished_tasks, True, None)


def shutdown(control: Control, site: Site, owner: Any, immediate: bool = False) -> None:
    _operate(control, site, owner, "shuts down")
    _remember(control, owner)
    owner.is_shutdown = True
    if immediate:
        while owner.queue:
            _store(control, owner, owner._get)
            owner.unfinished_tasks = max(0, owner.unfinished_tasks - 1)
    for condition in (owner.all_tasks_done, owner.not_empty, owner.not_full):
        wake(control, site, condition, len(condition._waiters))


def qsize(control: Control, site: Site, owner: Any) -> int:
    _operate(control, site, owner, "asks for the size")
    return len(owner.queue)


def empty(control: Control, site: Site, owner: Any) -> bool:
    _operate(control, site, owner, "asks whether it is empty")
    return not owner.queue


def full(control: Control, site: Site, owner: Any) -> bool:
    _operate(control, site, owner, "asks whether it is full")
    return bool(0 < owner.maxsize <= len(owner.queue))


def _take_turn(
    control: Control, site: Site, owner: Any, word: str, ready: Callable[[], bool], block: bool, timeout: Any
) -> bool:
    """Come to the operation; False if it cannot be done now, or not in time."""
    if block and timeout is not None and timeout < 0:
        raise ValueError("'timeout' must be a non-negative number")
    if not block:
        _operate(control, site, owner, f"tries whether it {word}")
        return ready()
    deadline = deadline_of(control, timeout, ready())
    kind = {"puts": "put", "gets": "get"}.get(word, "tasks")
    in_time = control.block(kind, owner, word, lambda: ready() and _is_free(control, owner), site, deadline)
    if in_time:
        return True
    _await_mutex(control, site, owner)
    return ready()


def _operate(control: Control, site: Site, owner: Any, word: str) -> None:
    """Come to an operation that only has to wait while somebody holds the queue's lock."""
    control.operate(owner, word, site)
    _await_mutex(control, site, owner)


def _await_mutex(control: Control, site: Site, owner: Any) -> None:
    if not _is_free(control, owner):
        control.block("lock", owner.mutex, "acquires", lambda: _is_free(control, owner), site)


def _is_free(control: Control, owner: Any) -> bool:
    """Whether nobody holds the queue's lock; hardly anybody ever does."""
    state = control.twins.memory.known_lock(owner.mutex)
    return state is None or state.owner is None


def _remember(control: Control, owner: Any) -> None:
    names = ("queue", "unfinished_tasks", "is_shutdown")
    control.twins.memory.remember(owner, *(names if _SHUT_DOWN else names[:2]))


def _store(control: Control, owner: Any, action: Callable[[], Any]) -> Any:
    """Change the stored items; nobody else can while they are compared by the program's code."""
    if type(owner)._get is not queue.PriorityQueue._get:
        return action()
    state = state_of(control, owner.mutex)
    state.owner = control.current
    try:
        return action()
    finally:
        state.owner = None


# ------------------------------------------------------------------ SimpleQueue


def simple_put(control: Control, site: Site, owner: Any, item: Any, block: bool = True, timeout: Any = None) -> None:
    control.operate(owner, "puts", site)
    control.twins.memory.remember_items(owner)
    _SIMPLE_QUEUE.put(owner, item)


def simple_put_nowait(control: Control, site: Site, owner: Any, item: Any) -> None:
    simple_put(control, site, owner, item)


def simple_get(control: Control, site: Site, owner: Any, block: bool = True, timeout: Any = None) -> Any:
    if block and timeout is not None:
        _ready_queue().get(True, timeout)  # complains if it does not like the timeout
    if block:
        deadline = None if timeout is None else control.now + timeout
        got = control.block("get", owner, "gets", lambda: not _SIMPLE_QUEUE.empty(owner), site, deadline)
    else:
        control.operate(owner, "tries whether it gets", site)
        got = not _SIMPLE_QUEUE.empty(owner)
    if not got:
        raise queue.Empty
    control.twins.memory.remember_items(owner)
    return _SIMPLE_QUEUE.get_nowait(owner)


def _ready_queue() -> Any:
    ready = _SIMPLE_QUEUE()
    ready.put(None)
    return ready


def simple_get_nowait(control: Control, site: Site, owner: Any) -> Any:
    return simple_get(control, site, owner, block=False)


def simple_size(control: Control, site: Site, owner: Any) -> int:
    control.operate(owner, "asks for the size", site)
    return int(_SIMPLE_QUEUE.qsize(owner))


def simple_empty(control: Control, site: Site, owner: Any) -> bool:
    control.operate(owner, "asks whether it is empty", site)
    return bool(_SIMPLE_QUEUE.empty(owner))


# ------------------------------------------------------------------ which operation has which twin


def _either(real: Callable[..., Any], twin: Callable[..., Any]) -> Callable[..., Any]:
    """The twin for a queue with the library's own storage, else the library's code."""

    def chosen(control: Control, site: Site, *arguments: Any, **named: Any) -> Any:
        if arguments and _is_stock(arguments[0]):
            return twin(control, site, *arguments, **named)
        return as_part_of(control, "queue", real, *arguments, **named)

    return chosen


def _calls_itself(name: str, owner: Any) -> bool:
    """Whether ``put_nowait`` calls the library's ``put``, or one that the program brings."""
    return getattr(type(owner), name) is getattr(queue.Queue, name)


_TWINS: dict[Any, Callable[..., Any]] = {
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
if _SHUT_DOWN:
    _TWINS[queue.Queue.shutdown] = shutdown  # type: ignore[attr-defined]
FUNCTIONS: dict[Any, Callable[..., Any]] = {real: _either(real, as_real(real, twin)) for real, twin in _TWINS.items()}
APPLIES: dict[Any, Callable[[Any], bool]] = {
    queue.Queue.put_nowait: partial(_calls_itself, "put"),
    queue.Queue.get_nowait: partial(_calls_itself, "get"),
}
_SIMPLE: dict[str, Callable[..., Any]] = {
    "put": simple_put,
    "put_nowait": simple_put_nowait,
    "get": simple_get,
    "get_nowait": simple_get_nowait,
    "qsize": simple_size,
    "empty": simple_empty,
}
METHODS: dict[type, dict[str, Callable[..., Any]]] = {
    _SIMPLE_QUEUE: {name: as_real(getattr(_SIMPLE_QUEUE, name), twin) for name, twin in _SIMPLE.items()}
}
