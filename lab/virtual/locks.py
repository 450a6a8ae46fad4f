"""Twins of Lock, RLock, Condition, Event, Semaphore, BoundedSemaphore and Barrier.

Locks and waiting lists are kept beside the real objects; the flag of an Event
and the count of a Semaphore are their own, so that a check can read them.
A Barrier runs its own code on a controlled Condition.
Argument errors are those of CPython, word for word.
"""

from __future__ import annotations

import _thread
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from lab.virtual.state import LockState, Waiter

if TYPE_CHECKING:
    from lab.carriers.control import Control
    from lab.instrument import Site

LOCK = _thread.LockType
RLOCK: Any = type(threading.RLock())
_PY_RLOCK: Any = threading._PyRLock  # type: ignore[attr-defined]


def _state(control: Control, lock: Any) -> LockState:
    return control.twins.memory.lock(lock, type(lock) is not LOCK)


def _deadline(control: Control, timeout: float | None) -> float | None:
    return None if timeout is None else control.now + max(timeout, 0.0)


# ------------------------------------------------------------------ Lock, RLock


def acquire(control: Control, site: Site, lock: Any, blocking: bool = True, timeout: float = -1) -> bool:
    if not blocking and timeout != -1:
        raise ValueError("can't specify a timeout for a non-blocking call")
    if timeout < 0 and timeout != -1:
        raise ValueError("timeout value must be a non-negative number")
    if timeout > threading.TIMEOUT_MAX:
        raise OverflowError("timeout value is too large")
    state = _state(control, lock)
    if state.reentrant and state.owner is control.current:
        state.count += 1
        return True
    if blocking:
        deadline = None if timeout == -1 else control.now + timeout
        if not control.block("lock", lock, "acquires", state.free, site, deadline):
            return False
    else:
        control.operate(lock, "tries to acquire", site)
        if state.owner is not None:
            return False
    state.owner = control.current
    state.count = 1
    return True


def release(control: Control, site: Site, lock: Any) -> None:
    state = _state(control, lock)
    if state.reentrant:
        if state.owner is not control.current:
            if control.unwinding:
                return
            raise RuntimeError("cannot release un-acquired lock")
        if state.count > 1:
            state.count -= 1
            return
    control.operate(lock, "releases", site)
    if state.owner is None:
        if control.unwinding:
            return
        raise RuntimeError("release unlocked lock")
    state.owner = None
    state.count = 0


def locked(control: Control, site: Site, lock: Any) -> bool:
    control.operate(lock, "asks whether it is locked", site)
    return _state(control, lock).owner is not None


def _is_owned(control: Control, _site: Site, lock: Any) -> bool:
    return _state(control, lock).owner is control.current


def _lock_enter(control: Control, site: Site, lock: Any) -> bool:
    return acquire(control, site, lock)


def _lock_exit(control: Control, site: Site, lock: Any, *_: object) -> None:
    release(control, site, lock)


class Guard:
    """Entered by ``with`` in place of a lock, condition or semaphore."""

    __slots__ = ("_control", "_enter", "_exit", "_owner", "_site")

    def __init__(
        self, control: Control, site: Site, owner: Any, enter: Callable[..., Any], leave: Callable[..., Any]
    ) -> None:
        self._control = control
        self._site = site
        self._owner = owner
        self._enter = enter
        self._exit = leave

    def __enter__(self) -> Any:
        return self._enter(self._control, self._site, self._owner)

    def __exit__(self, *_: object) -> None:
        self._exit(self._control, self._site, self._owner)


def guard(control: Control, manager: Any, site: Site) -> Any:
    """A `Guard` for what can be controlled, else ``manager`` itself."""
    kind = type(manager)
    if kind is LOCK or kind is RLOCK or kind is _PY_RLOCK:
        return Guard(control, site, manager, acquire, release)
    enter = getattr(kind, "__enter__", None)
    if enter is threading.Condition.__enter__ and _has_real_lock(manager):
        return Guard(control, site, manager._lock, acquire, release)
    if enter is threading.Semaphore.acquire or enter is getattr(threading.Semaphore, "__enter__", None):
        if kind.acquire is threading.Semaphore.acquire:
            return Guard(control, site, manager, semaphore_acquire, _semaphore_exit)
    return manager


# ------------------------------------------------------------------ Condition


def _has_real_lock(condition: Any) -> bool:
    return type(getattr(condition, "_lock", None)) in (LOCK, RLOCK, _PY_RLOCK)


def _require_owned(control: Control, state: LockState, what: str) -> None:
    owned = state.owner is control.current if state.reentrant else state.owner is not None
    if not owned and not control.unwinding:
        raise RuntimeError(f"cannot {what} on un-acquired lock")


def condition_wait(control: Control, site: Site, condition: Any, timeout: float | None = None) -> bool:
    state = _state(control, condition._lock)
    _require_owned(control, state, "wait")
    control.operate(condition, "waits", site)
    waiters = control.twins.memory.waiters(condition)
    waiter = Waiter()
    waiters.append(waiter)
    owner, count = state.owner, state.count
    state.owner, state.count = None, 0
    try:
        control.block(
            "condition",
            condition,
            "wakes up",
            lambda: waiter.notified and state.owner is None,
            site,
            _deadline(control, timeout),
        )
        if state.owner is not None:  # its time was up while another held the lock
            control.block("lock", condition._lock, "acquires", state.free, site)
    finally:
        if waiter in waiters:
            waiters.remove(waiter)
        state.owner, state.count = owner, count
    return waiter.notified


def notify(control: Control, site: Site, condition: Any, n: int = 1) -> None:
    _require_owned(control, _state(control, condition._lock), "notify")
    control.operate(condition, "notifies" if n == 1 else "notifies all", site)
    waiters = control.twins.memory.waiters(condition)
    for _ in range(min(n, len(waiters))):
        waiters.popleft().notified = True


def notify_all(control: Control, site: Site, condition: Any) -> None:
    notify(control, site, condition, 1 << 30)


# ------------------------------------------------------------------ Event


def event_is_set(control: Control, site: Site, event: Any) -> bool:
    control.operate(event, "asks whether it is set", site)
    return bool(event._flag)


def event_set(control: Control, site: Site, event: Any) -> None:
    control.operate(event, "sets", site)
    control.twins.memory.remember(event, "_flag")
    control.twins.memory.was_set.add(id(event))
    event._flag = True


def event_clear(control: Control, site: Site, event: Any) -> None:
    control.operate(event, "clears", site)
    control.twins.memory.remember(event, "_flag")
    event._flag = False


def event_wait(control: Control, site: Site, event: Any, timeout: float | None = None) -> bool:
    return control.block("event", event, "waits for", lambda: event._flag, site, _deadline(control, timeout))


# ------------------------------------------------------------------ Semaphore


def semaphore_acquire(
    control: Control, site: Site, semaphore: Any, blocking: bool = True, timeout: float | None = None
) -> bool:
    if not blocking and timeout is not None:
        raise ValueError("can't specify timeout for non-blocking acquire")
    if blocking:
        deadline = _deadline(control, timeout)
        if not control.block("semaphore", semaphore, "acquires", lambda: semaphore._value > 0, site, deadline):
            return False
    else:
        control.operate(semaphore, "tries to acquire", site)
        if semaphore._value <= 0:
            return False
    control.twins.memory.remember(semaphore, "_value")
    semaphore._value -= 1
    return True


def semaphore_release(control: Control, site: Site, semaphore: Any, n: int = 1) -> None:
    if n < 1:
        raise ValueError("n must be one or more")
    control.operate(semaphore, "releases", site)
    control.twins.memory.remember(semaphore, "_value")
    semaphore._value += n


def bounded_release(control: Control, site: Site, semaphore: Any, n: int = 1) -> None:
    if n < 1:
        raise ValueError("n must be one or more")
    control.operate(semaphore, "releases", site)
    if semaphore._value + n > semaphore._initial_value:
        raise ValueError("Semaphore released too many times")
    control.twins.memory.remember(semaphore, "_value")
    semaphore._value += n


def _semaphore_exit(control: Control, site: Site, semaphore: Any) -> None:
    bounded = isinstance(semaphore, threading.BoundedSemaphore)
    (bounded_release if bounded else semaphore_release)(control, site, semaphore)


# ------------------------------------------------------------------ Barrier


def barrier_wait(control: Control, _site: Site, barrier: Any, timeout: float | None = None) -> int:
    actor = control.current
    actor.doing = "barrier"
    control.discovery.cover(threading.Barrier.wait)
    try:
        return threading.Barrier.wait(barrier, timeout)
    finally:
        actor.doing = ""


_LOCK_METHODS: dict[str, Callable[..., Any]] = {
    "acquire": acquire,
    "acquire_lock": acquire,
    "release": release,
    "release_lock": release,
    "locked": locked,
    "locked_lock": locked,
    "_is_owned": _is_owned,
    "__enter__": _lock_enter,
    "__exit__": _lock_exit,
}
METHODS: dict[type, dict[str, Callable[..., Any]]] = {LOCK: _LOCK_METHODS, RLOCK: _LOCK_METHODS}
FUNCTIONS: dict[Any, Callable[..., Any]] = {
    _PY_RLOCK.acquire: acquire,
    _PY_RLOCK.release: release,
    threading.Condition.wait: condition_wait,
    threading.Condition.notify: notify,
    threading.Condition.notify_all: notify_all,
    threading.Event.is_set: event_is_set,
    threading.Event.set: event_set,
    threading.Event.clear: event_clear,
    threading.Event.wait: event_wait,
    threading.Semaphore.acquire: semaphore_acquire,
    threading.Semaphore.release: semaphore_release,
    threading.BoundedSemaphore.release: bounded_release,
    threading.Barrier.wait: barrier_wait,
}
APPLIES: dict[Any, Callable[[Any], bool]] = {
    threading.Condition.wait: _has_real_lock,
    threading.Condition.notify: _has_real_lock,
    threading.Condition.notify_all: _has_real_lock,
}
