"""What blocks in C, replaced for `opcodes`: locks, the start and end of a thread, sleep and the clock.

Used in a process of its own, before the modules that the program uses are imported.
"""

from __future__ import annotations

import _thread
import sys
import time
import weakref
from _thread import get_ident

from .opcodes import Abandoned, current


class Lock:
    """`threading.Lock`."""

    def __init__(self) -> None:
        self._held = False
        if current() is None:
            OLDER.append(weakref.ref(self))

    def acquire(self, blocking: bool = True, timeout: float = -1) -> bool:
        if not blocking and timeout != -1:
            raise ValueError("can't specify a timeout for a non-blocking call")
        if timeout < 0 and timeout != -1:
            raise ValueError("timeout value must be a non-negative number")
        if self._held:
            execution = current()
            if not blocking or timeout == 0:
                return False
            if execution is None or execution.abandoned:
                raise Abandoned
            if not execution.wait(lambda: not self._held, None if timeout == -1 else timeout):
                return False
        self._held = True
        return True

    def release(self) -> None:
        if not self._held:
            execution = current()
            if execution is not None and execution.abandoned:
                return
            raise RuntimeError("release unlocked lock")
        self._held = False

    def locked(self) -> bool:
        return self._held

    def __enter__(self) -> bool:
        return self.acquire()

    def __exit__(self, *details: object) -> None:
        self.release()

    def _at_fork_reinit(self) -> None:
        self._held = False


class RLock:
    """`threading.RLock`."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._owner: int | None = None
        self._count = 0

    def acquire(self, blocking: bool = True, timeout: float = -1) -> bool:
        if self._owner == get_ident():
            self._count += 1
            return True
        if not self._lock.acquire(blocking, timeout):
            return False
        self._owner, self._count = get_ident(), 1
        return True

    def release(self) -> None:
        if self._owner != get_ident():
            execution = current()
            if execution is not None and execution.abandoned:
                return
            raise RuntimeError("cannot release un-acquired lock")
        self._count -= 1
        if not self._count:
            self._owner = None
            self._lock.release()

    def __enter__(self) -> bool:
        return self.acquire()

    def __exit__(self, *details: object) -> None:
        self.release()

    def _release_save(self) -> tuple[int, int | None]:
        state = self._count, self._owner
        self._count, self._owner = 0, None
        self._lock.release()
        return state

    def _acquire_restore(self, state: tuple[int, int | None]) -> None:
        self._lock.acquire()
        self._count, self._owner = state

    def _is_owned(self) -> bool:
        return self._owner == get_ident()

    def _recursion_count(self) -> int:
        return self._count if self._owner == get_ident() else 0

    def _at_fork_reinit(self) -> None:
        self.__init__()


class Handle:
    """What `threading` keeps of an OS thread since Python 3.13."""

    def __init__(self) -> None:
        self.ident: int | None = None
        self.done = False

    def is_done(self) -> bool:
        return self.done

    def _set_done(self) -> None:
        self.done = True

    def join(self, timeout: float | None = None) -> None:
        execution = current()
        if not self.done and execution is not None:
            execution.wait(lambda: self.done, None if timeout is None or timeout < 0 else timeout)


def replace() -> None:
    """For the rest of this process; the modules that make locks when they are imported are to be imported later."""
    start = START

    def start_new_thread(function, arguments, keywords=None):
        execution = current()
        if execution is None:
            return start(function, arguments)
        thread = getattr(function, "__self__", None)

        def body() -> None:
            LOCAL[get_ident()] = []
            try:
                function(*arguments)
            finally:
                for sentinel in LOCAL.pop(get_ident()):
                    sentinel.release()

        execution.add(body, bool(thread is not None and thread.daemon), start)
        return 0

    def set_sentinel() -> Lock:
        sentinel = Lock()
        if get_ident() in LOCAL:
            LOCAL[get_ident()].append(sentinel)
        return sentinel

    def start_joinable_thread(function, handle=None, daemon=True):
        execution = current()
        handle = handle if handle is not None else Handle()
        if execution is None:
            raise RuntimeError("a thread was started outside of an execution")

        def body() -> None:
            handle.ident = get_ident()
            try:
                function()
            finally:
                handle.done = True

        execution.add(body, daemon, start)
        return handle

    def excepthook(arguments) -> None:
        execution = current()
        if execution is not None and arguments.exc_value is not None:
            if isinstance(arguments.exc_value, Abandoned):
                raise arguments.exc_value
            if arguments.exc_type is not SystemExit:
                execution.failed(arguments.exc_value)

    real_sleep, real_clocks = time.sleep, {name: getattr(time, name) for name in ("monotonic", "time", "perf_counter")}

    def sleep(seconds: float) -> None:
        execution = current()
        if execution is None:
            real_sleep(seconds)
        else:
            execution.wait(lambda: False, seconds)

    def clock(name: str):
        def read() -> float:
            execution = current()
            return real_clocks[name]() if execution is None else execution.now

        return read

    _thread.allocate_lock = _thread.allocate = _thread.LockType = Lock
    _thread.RLock = RLock
    time.sleep = sleep
    for name in real_clocks:
        setattr(time, name, clock(name))
    for name in [name for name in sys.modules if name.partition(".")[0] in MAKERS]:
        del sys.modules[name]
    import functools
    import queue
    import threading

    functools.RLock = RLock
    threading.Lock = threading._allocate_lock = Lock
    threading.RLock = threading._CRLock = RLock
    threading._active_limbo_lock = Lock()
    threading._start_new_thread = _thread.start_new_thread = start_new_thread
    threading._set_sentinel = set_sentinel
    threading._start_joinable_thread = start_joinable_thread
    threading._ThreadHandle = Handle
    threading.excepthook = excepthook
    threading._time = time.monotonic
    queue.time = time.monotonic
    queue.SimpleQueue = queue._PySimpleQueue


def free_all() -> None:
    """Locks that are older than an execution which was abandoned are nobody's now."""
    for lock in [ref() for ref in OLDER]:
        if lock is not None:
            lock._held = False


OLDER: list[weakref.ref[Lock]] = []
MAKERS = ("queue", "concurrent", "logging", "sched", "tempfile")
LOCAL: dict[int, list[Lock]] = {}
START = _thread.start_new_thread
