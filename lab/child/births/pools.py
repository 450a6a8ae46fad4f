"""Pools of processes that an actor makes: `multiprocessing.Pool` and `ProcessPoolExecutor`, without their own threads.

Their workers are actors, and run the library's code.  What its threads do beside the program (bring tasks, take in
results, see who has ended) is done here by the program's own thread, while it waits for anything: it comes to the same,
as nobody can tell when a thread that is so slow would have done it.  Where somebody could, that is a doubt.
"""

from __future__ import annotations

import _thread
import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import FrameType, SimpleNamespace
from typing import Any

from lab.child.births.forking import Births
from lab.child.births.workers import RESULTS, CallPassage, Context, Passage, PoolCare, Wakeup, manager_of
from lab.child.channels import Channels
from lab.child.stops import Stops
from lab.origin import is_library

_METHODS = ("fork", "spawn", "forkserver") if hasattr(os, "memfd_create") else ("fork",)
_POOL, _EXECUTOR, _UTIL = "multiprocessing.pool", "concurrent.futures.process", "multiprocessing.util"
_LATER = "results of a pool of processes were there at once; the library's own threads bring them a little later"
_DIED = (
    "the end of a worker of a pool was noticed by who waited for it; the library's own threads notice it by themselves"
)
_PARAMETERS = ("processes", "initializer", "initargs", "maxtasksperchild", "context")  # of a pool
_wait = threading.Condition.wait


class Pools:
    """The pools of the process that goes on."""

    def __init__(self, stops: Stops, births: Births, channels: Channels) -> None:
        self._stops, self._births, self._channels = stops, births, channels
        self._cares: list[Any] = []

    def begin(self) -> None:
        """In the runner, or in a new process: there are none."""
        self._cares.clear()

    # ------------------------------------------------------------ waiting

    def attend(self, timeout: float | None) -> bool:
        """Wait for something to do for a pool, and do it; whether there was anything before the time was up."""
        things = {thing: care for care in self._cares for thing in care.things()}
        ready = self._births.ends.wait_for([*things], timeout, RESULTS) if things else []
        for care in dict.fromkeys(things[thing] for thing in ready):
            care.attend(ready)
        return bool(ready)

    def _waiting(self, condition: Any, timeout: float | None = None) -> bool:
        """Stands for `Condition.wait`."""
        if not (self._cares and self._stops.begun and self._stops.is_its_thread()):
            return bool(_wait(condition, timeout))
        if not condition._is_owned():
            raise RuntimeError("cannot wait on un-acquired lock")
        waiter = _thread.allocate_lock()
        waiter.acquire()
        condition._waiters.append(waiter)
        saved = condition._release_save()
        until = None if timeout is None else self._stops.now + timeout
        try:
            while not waiter.acquire(False):
                left = None if until is None else max(0.0, until - self._stops.now)
                if not self.attend(left) and until is not None:
                    with suppress(ValueError):
                        condition._waiters.remove(waiter)
                    return False
            return True
        finally:
            condition._acquire_restore(saved)

    def _looking(self, real: Any) -> Any:
        """A method that asks how far a task is."""

        def look(one: Any, *arguments: Any) -> Any:
            if self._concerns(sys._getframe(1)):
                self._stops.note("doubt", _LATER)
                while self.attend(0):
                    pass
            return real(one, *arguments)

        return look

    def _calling(self, real: Any) -> Any:
        """A method that is told what to call when a task is done."""

        def call(one: Any, *arguments: Any) -> Any:
            if self._concerns(sys._getframe(1)):
                self._stops.note("doubt", _LATER)
            return real(one, *arguments)

        return call

    def _with_callbacks(self, real: Any) -> Any:
        def __init__(one: Any, pool: Any, *callbacks: Any, **named: Any) -> None:  # noqa: N807 - as above
            if self._cares and any(map(callable, (*callbacks, *named.values()))):
                self._stops.note("doubt", _LATER)
            real(one, pool, *callbacks, **named)

        return __init__

    def _concerns(self, caller: FrameType) -> bool:
        """Whether the program itself asks."""
        return bool(self._cares) and self._stops.is_its_thread() and not is_library(caller.f_code.co_filename)

    def _begin_here(self) -> None:
        """The first pool of a process: from now on waiting is to attend to it."""
        condition: Any = threading.Condition
        if condition.wait is not _wait:
            return
        condition.wait = lambda one, timeout=None: self._waiting(one, timeout)
        future: Any = sys.modules["concurrent.futures._base"].Future
        for name in ("cancel", "cancelled", "running", "done"):
            setattr(future, name, self._looking(getattr(future, name)))
        future.add_done_callback = self._calling(future.add_done_callback)
        result: Any = getattr(sys.modules.get(_POOL), "ApplyResult", None)
        if result is not None:
            result.ready = self._looking(result.ready)
            result.__init__ = self._with_callbacks(result.__init__)

    def _is_under_control(self, context: Any) -> bool:
        stops = self._stops
        return bool(stops.begun and stops.is_its_thread() and context.get_start_method() in _METHODS)

    # ------------------------------------------------------------ in place

    @contextmanager
    def in_place(self) -> Iterator[None]:
        """Let the library make pools that are attended to here."""
        pool, executor = sys.modules.get(_POOL), sys.modules.get(_EXECUTOR)
        before: list[tuple[Any, str, Any]] = []
        if pool is not None:
            before.append((pool.Pool, "__init__", pool.Pool.__init__))
            pool.Pool.__init__ = self._making_pool(pool, pool.Pool.__init__)
        if executor is not None:
            kind = executor.ProcessPoolExecutor
            before.append((kind, "__init__", kind.__init__))
            kind.__init__ = self._making_executor(executor, kind.__init__)
        try:
            yield
        finally:
            for owner, name, value in before:
                setattr(owner, name, value)

    def _making_pool(self, module: Any, real: Any) -> Any:
        def __init__(pool: Any, *arguments: Any, **named: Any) -> None:  # noqa: N807 - it takes the place of one
            given = dict(zip(_PARAMETERS, arguments, strict=False)) | named
            context = given.get("context") or module.get_context()
            if isinstance(pool, module.ThreadPool) or not self._is_under_control(context):
                real(pool, *arguments, **named)
                return
            if given.get("maxtasksperchild") is not None:
                self._stops.note("doubt", _DIED)
            self._begin_here()
            care = PoolCare(self, pool)
            pool._setup_queues = lambda: care.make_queues(self._stops, self._channels)
            threads, module.threading = module.threading, SimpleNamespace(Thread=lambda *_, **__: care.thread())
            try:
                real(pool, **(given | {"context": Context(context)}))
            finally:
                module.threading = threads
                del pool._setup_queues
            pool._ctx = context
            care.begin(sys.modules[_UTIL].Finalize)
            self._cares.append(care)

        return __init__

    def _making_executor(self, module: Any, real: Any) -> Any:
        def __init__(executor: Any, *arguments: Any, **named: Any) -> None:  # noqa: N807 - it takes the place of one
            context = named.get("mp_context") or (arguments[1:2] or (None,))[0] or sys.modules["multiprocessing"]
            if not self._is_under_control(context):
                real(executor, *arguments, **named)
                return
            self._begin_here()
            wakeup, calls = module._ThreadWakeup, module._SafeQueue
            module._ThreadWakeup = Wakeup
            module._SafeQueue = lambda max_size=0, *, pending_work_items, **_: CallPassage(
                self._stops, self._channels, max_size, pending_work_items
            )
            try:
                real(executor, *arguments, **named)
            finally:
                module._ThreadWakeup, module._SafeQueue = wakeup, calls
            executor._result_queue = Passage(self._stops, self._channels, RESULTS)
            kind = manager_of(module, self)
            start = executor._start_executor_manager_thread

            def begin() -> None:
                thread, module._ExecutorManagerThread = module._ExecutorManagerThread, kind
                try:
                    start()
                finally:
                    module._ExecutorManagerThread = thread

            executor._start_executor_manager_thread = begin

        return __init__

    def has(self, care: Any) -> None:
        """There is one more to attend to."""
        self._cares.append(care)

    def has_no_more(self, care: Any) -> None:
        """It is over."""
        if care in self._cares:
            self._cares.remove(care)

    def doubt_ends(self) -> None:
        """A worker has ended by itself."""
        self._stops.note("doubt", _DIED)
