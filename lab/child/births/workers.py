"""What the threads of a pool of processes would do: bring tasks, take in results, and see which workers have ended."""

from __future__ import annotations

import mmap
import os
import queue
import struct
import sys
from collections.abc import Callable
from contextlib import suppress
from types import SimpleNamespace
from typing import Any

from lab.child.channels import Channels
from lab.child.stops import Stops

_UTIL = "multiprocessing.util"
TASKS, RESULTS = "the tasks of a pool", "the results of a pool"
_COUNT = struct.Struct("i")
_mmap, _close, _truncate = mmap.mmap, os.close, os.ftruncate  # as they were before anything was put in their place
_memfd = getattr(os, "memfd_create", None)
here: Any = None  # in a process that was not forked: what stops it, and the pipes that it knows


class Passage:
    """What tasks or results go through: to put something there, or to take it, is one step."""

    def __init__(self, stops: Stops, channels: Channels, label: str, most: int = 0) -> None:
        self._stops, self._channels, self._label, self._most = stops, channels, label, most
        self._reader, self._end = channels.make_wide()
        with stops.known():
            self._fd = _memfd("race-lab") if _memfd is not None else -1
            if self._fd >= 0:
                _truncate(self._fd, _COUNT.size)
                sys.modules[_UTIL].Finalize(self, _close, (self._fd,))
            self._there = _mmap(self._fd, _COUNT.size)  # how many are there
        self._put = 0

    def __getstate__(self) -> Any:
        """What a worker is sent that is not forked."""
        fd = sys.modules["multiprocessing.reduction"].DupFd(self._fd)
        return self._label, self._most, self._put, self._reader, self._end, fd

    def __setstate__(self, state: Any) -> None:
        self._label, self._most, self._put, self._reader, self._end, fd = state
        self._stops, self._channels = here
        with self._stops.known():
            self._fd = fd.detach()
            self._there = _mmap(self._fd, _COUNT.size)

    def put(self, thing: Any, block: bool = True, timeout: float | None = None) -> None:
        """Put it there; raises ValueError in one that would not fit."""
        data = bytes(sys.modules["multiprocessing.reduction"].ForkingPickler.dumps(thing))
        self._channels.send_whole(self._end, self._label, data)
        self._put += 1
        self._count(1)

    def put_nowait(self, thing: Any) -> None:
        """The same, where there is room."""
        if self.full():
            raise queue.Full
        self.put(thing)

    def get(self, block: bool = True, timeout: float | None = None) -> Any:
        """Take the next one, or wait for it."""
        self._channels.await_whole(self._reader, self._label)
        return self.take()

    def take(self) -> Any:
        """The next one, which is there."""
        data = self._channels.take_whole(self._reader)
        self._count(-1)
        return sys.modules["multiprocessing.reduction"].ForkingPickler.loads(data)

    def full(self) -> bool:
        """Whether there are as many as there may be."""
        if not self._most or self._put < self._most:
            return False
        self._channels.look(self._reader, self._label)
        return int(_COUNT.unpack(self._there[:])[0]) >= self._most

    def close(self) -> None:
        """Nobody else puts anything there."""

    join_thread = cancel_join_thread = _terminate_broken = close

    def _count(self, more: int) -> None:
        self._there[:] = _COUNT.pack(_COUNT.unpack(self._there[:])[0] + more)


class CallPassage(Passage):
    """What the calls of an executor go through: one that cannot be pickled fails, and whoever made it goes on."""

    def __init__(self, stops: Stops, channels: Channels, most: int, pending: dict[int, Any]) -> None:
        super().__init__(stops, channels, TASKS, most)
        self._pending = pending

    def put(self, thing: Any, block: bool = True, timeout: float | None = None) -> None:
        """Put a call there, unless that fails."""
        try:
            super().put(thing, block, timeout)
        except Exception as error:
            item = self._pending.pop(getattr(thing, "work_id", -1), None)
            if item is None:
                raise
            item.future.set_exception(error)


class _NothingYet(Exception):
    """The thread that is stood for would wait."""


class Context:
    """That of a pool, which has no thread to tell of changes."""

    def __init__(self, real: Any) -> None:
        self._real = real

    def SimpleQueue(self) -> Any:  # noqa: N802 - it takes the place of one
        """Of which nobody takes anything."""
        return SimpleNamespace(put=lambda _: None, _reader=None)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)


class PoolCare:
    """Does for a `Pool` what its threads would do."""

    def __init__(self, pools: Any, pool: Any) -> None:
        self._pools, self._pool = pools, pool
        self._told_to_end = False
        self._state: Any = None

    def make_queues(self, stops: Stops, channels: Channels) -> None:
        """Stands for `Pool._setup_queues`."""
        pool = self._pool
        pool._inqueue = Passage(stops, channels, TASKS)
        pool._outqueue = Passage(stops, channels, RESULTS)
        pool._quick_put, pool._quick_get = pool._inqueue.put, pool._outqueue.get

    def thread(self) -> Any:
        """Stands for one of the threads."""
        return SimpleNamespace(start=lambda: None, join=self.finish, daemon=True, is_alive=lambda: False, ident=None)

    def begin(self, finalize: Any) -> None:
        """The pool is made, and its workers go on."""
        pool = self._pool
        pool._taskqueue = SimpleNamespace(put=self.bring)
        pool._terminate.cancel()
        pool._terminate = finalize(pool, self.end, exitpriority=15)
        self._workers, self._cache, self._results = pool._pool, pool._cache, pool._outqueue
        self._tasks = pool._inqueue
        self._repopulate = pool._repopulate_pool
        self._state = lambda: pool._state

    def bring(self, tasks: Any) -> None:
        """Bring tasks to the workers."""
        if tasks is None:
            return
        number = -1
        for task in tasks[0]:
            number = task[1]
            try:
                self._tasks.put(task)
            except Exception as error:
                if task[0] in self._cache:
                    self._cache[task[0]]._set(number, (False, error))
        if tasks[1]:
            tasks[1](number + 1)

    def things(self) -> list[Any]:
        """What to wait for."""
        return [self._results._reader, *[worker.sentinel for worker in self._workers]]

    def attend(self, ready: list[Any]) -> None:
        """Take in a result, and see who has ended."""
        if any(thing is self._results._reader for thing in ready):
            job, number, result = self._results.take()
            if job in self._cache:
                self._cache[job]._set(number, result)
        for worker in [one for one in self._workers if one.sentinel in ready]:
            worker.join()
            self._workers.remove(worker)
            if not self._told_to_end:
                self._pools.doubt_ends()
                self._repopulate()

    def finish(self) -> None:
        """All that was to be done is, and the workers end; nobody brings anything more."""
        if self._state() == "TERMINATE":
            return
        while self._cache:
            self._pools.attend(None)
        if not self._told_to_end:
            self._told_to_end = True
            for _ in self._workers:
                self._tasks.put(None)
        self._pools.has_no_more(self)

    def end(self) -> None:
        """The workers end at once."""
        self._told_to_end = True
        self._pools.has_no_more(self)
        for worker in self._workers:
            if worker._popen is not None and worker._popen.returncode is None:
                worker.terminate()
        for worker in self._workers:
            worker.join()


class Wakeup:
    """Stands for what wakes the thread of an executor."""

    def __init__(self) -> None:
        self._closed = False
        self.wake: Callable[[], None] = lambda: None

    def wakeup(self) -> None:
        """There is something new to do."""
        self.wake()

    def clear(self) -> None:
        """It was noticed."""

    def close(self) -> None:
        """There will be nothing more."""
        self._closed = True


def manager_of(module: Any, pools: Any) -> Any:
    """The class of what stands for the thread of an executor, whose code it runs as far as there is anything to do."""
    real: Any = module._ExecutorManagerThread

    class Manager(real):  # type: ignore[misc]
        def start(self) -> None:
            self._over = False
            self._ready: list[Any] = []
            self.thread_wakeup.wake = self.add_call_item_to_queue
            pools.has(self)
            self._at_end = sys.modules[_UTIL].Finalize(None, self.join, exitpriority=100)
            self.add_call_item_to_queue()

        def things(self) -> list[Any]:
            return [self.result_queue._reader, *[worker.sentinel for worker in self.processes.values()]]

        def attend(self, ready: list[Any]) -> None:
            self._ready = ready
            try:
                self.run()
            except _NothingYet:
                return
            self._over = True
            pools.has_no_more(self)

        def wait_result_broken_or_wakeup(self) -> Any:
            ready, self._ready = self._ready, []
            if not ready:
                raise _NothingYet
            if any(thing is self.result_queue._reader for thing in ready):
                return self.result_queue.take(), False, None
            pools.doubt_ends()
            return None, True, None

        def shutdown_workers(self) -> None:
            for _ in self.processes:  # whoever has ended before leaves its own where it is
                with suppress(BrokenPipeError):  # all have ended
                    self.call_queue.put(None)

        def join(self, timeout: float | None = None) -> None:
            if self._at_end.still_active():
                self._at_end.cancel()
            while not self._over:
                self._ready = []
                if self.is_shutting_down() or not self.pending_work_items:
                    self._shut_down()
                else:
                    pools.attend(None)

        def _shut_down(self) -> None:
            self.flag_executor_shutting_down()
            self.add_call_item_to_queue()
            if self.pending_work_items:
                pools.attend(None)
                return
            self._over = True
            pools.has_no_more(self)
            self.join_executor_internals()

    return Manager
