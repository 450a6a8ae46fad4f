"""Twins of Lock and RLock, and of ``with`` on everything that locks.

Who holds a lock is kept beside the real object, which is never taken.
"""

from __future__ import annotations

import _thread
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from lab.kinds import is_a
from lab.virtual.arguments import as_real, lock_arguments
from lab.virtual.state import LockState

if TYPE_CHECKING:
    from lab.carriers.control import Control
    from lab.instrument import Site

LOCK = _thread.LockType
RLOCK: Any = type(threading.RLock())
_PY_RLOCK: Any = threading._PyRLock  # type: ignore[attr-defined]


def state_of(control: Control, lock: Any) -> LockState:
    """What the execution knows of a lock that `is_real` holds for."""
    return control.twins.memory.lock(lock, type(lock) is not LOCK)


def is_real(lock: Any) -> bool:
    """Whether ``lock`` is one of the standard library's, whose twins these are."""
    kind = type(lock)
    return kind is LOCK or kind is RLOCK or is_a(lock, RLOCK | _PY_RLOCK)


def acquire(control: Control, site: Site, lock: Any, *arguments: Any, **named: Any) -> bool:
    blocking, timeout = True, -1.0
    if arguments or named:
        make = next((kind for kind in (RLOCK, _PY_RLOCK) if is_a(lock, kind)), _thread.allocate_lock)
        blocking, timeout = lock_arguments(make, arguments, named)
    state = state_of(control, lock)
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
    state = state_of(control, lock)
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
    if state.owner is not control.current and not control.unwinding:
        control.twins.memory.handed_on = True
    state.owner = None
    state.count = 0


def locked(control: Control, site: Site, lock: Any) -> bool:
    control.operate(lock, "asks whether it is locked", site)
    return state_of(control, lock).owner is not None


def _at_fork_reinit(control: Control, site: Site, lock: Any) -> None:
    """What the standard library does to its locks in the child of a fork: whoever holds it, it is free."""
    control.operate(lock, "makes free", site)
    control.twins.memory.handed_on = True
    state = state_of(control, lock)
    state.owner, state.count = None, 0


def _is_owned(control: Control, _site: Site, lock: Any) -> bool:
    return state_of(control, lock).owner is control.current


def _recursion_count(control: Control, _site: Site, lock: Any) -> int:
    state = state_of(control, lock)
    return state.count if state.owner is control.current else 0


def _release_save(control: Control, site: Site, lock: Any) -> tuple[int, int]:
    state = state_of(control, lock)
    if state.owner is not control.current and not control.unwinding:
        raise RuntimeError("cannot release un-acquired lock")
    count, state.count = state.count, 1
    release(control, site, lock)
    return count, control.identity + control.current.index


def _acquire_restore(control: Control, site: Site, lock: Any, saved: tuple[int, int]) -> None:
    acquire(control, site, lock)
    state_of(control, lock).count = saved[0]


def _exit(control: Control, site: Site, lock: Any, *_: object) -> None:
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
    if enter is threading.Condition.__enter__ and is_real(manager._lock):
        return Guard(control, site, manager._lock, acquire, release)
    if enter is RLOCK.__enter__ and kind.__exit__ is RLOCK.__exit__:
        return Guard(control, site, manager, acquire, release)
    return manager


_METHODS: dict[str, Callable[..., Any]] = {
    "acquire": acquire,
    "acquire_lock": acquire,
    "release": release,
    "release_lock": release,
    "locked": locked,
    "locked_lock": locked,
    "_is_owned": _is_owned,
    "_recursion_count": _recursion_count,
    "_release_save": _release_save,
    "_acquire_restore": _acquire_restore,
    "_at_fork_reinit": _at_fork_reinit,
    "__enter__": acquire,
    "__exit__": _exit,
}


def _methods_of(kind: Any) -> dict[str, Callable[..., Any]]:
    return {name: as_real(getattr(kind, name), twin) for name, twin in _METHODS.items() if hasattr(kind, name)}


METHODS: dict[type, dict[str, Callable[..., Any]]] = {LOCK: _methods_of(LOCK), RLOCK: _methods_of(RLOCK)}
FUNCTIONS: dict[Any, Callable[..., Any]] = {
    getattr(_PY_RLOCK, name): as_real(getattr(_PY_RLOCK, name), twin)
    for name, twin in _METHODS.items()
    if hasattr(_PY_RLOCK, name)
}
