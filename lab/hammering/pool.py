"""A warm pool of OS threads, one per actor, that run batches of rounds for real.

Starting a thread costs as much as a hundred short rounds, so the threads stay.
Threads that run freely drift apart and no longer meet in one round; noisy rounds
therefore begin in step, which costs a meeting each but lets nearly all of them overlap.
"""

from __future__ import annotations

import math
import os
import sys
import threading
from _thread import allocate_lock
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from itertools import pairwise
from threading import get_ident
from time import sleep
from typing import Any

from lab.errors import LabError
from lab.forks import FORKED, end_child
from lab.hammering.releasing import reachable, release
from lab.hammering.standstill import Look, Standstill
from lab.hooks import DRIVERS, Driver
from lab.program import has_run
from lab.stopwatch import Real, now
from lab.throwing import throw

POLL = 0.05  # seconds between two looks at threads that take their time
_PATIENCE = 2.0  # seconds for ending threads by force
_COURTESY = 0.2  # seconds for threads to end by themselves


@dataclass
class Batch:
    """States, and what became of their rounds."""

    states: Sequence[Any]
    in_step: bool  # every round begins with a meeting
    actors: int
    late: Callable[[str, BaseException], None] = lambda name, error: None  # told of what `strays` is closed to
    drivers: Sequence[Driver] = ()  # one an actor
    begins: list[list[int]] = field(init=False)  # nanoseconds, by actor and round
    ends: list[list[int]] = field(init=False)
    errors: list[dict[int, BaseException]] = field(init=False)  # by actor: round -> what left the actor
    strays: dict[int, tuple[int, str, BaseException]] = field(default_factory=dict)
    """Round -> the first exception that left a thread which an actor started: when, whose, what."""
    closed: set[int] | None = None  # rounds that failed, once they have been judged
    arrived: list[int] = field(init=False)  # by actor: meetings come to

    def __post_init__(self) -> None:
        self.begins = [[] for _ in range(self.actors)]
        self.ends = [[] for _ in range(self.actors)]
        self.errors = [{} for _ in range(self.actors)]
        self.arrived = [0] * self.actors
        self._gate = allocate_lock()  # guards strays and closed

    def number(self, index: int) -> int:
        """The round that an actor is in."""
        return len(self.begins[index]) - 1

    def strayed(self, number: int, name: str, error: BaseException) -> None:
        """Told by a thread that an actor started in that round, when an exception has left it."""
        with self._gate:
            if self.closed is None:
                self.strays.setdefault(number, (Real.nanoseconds(), name, error))
                return
            known = number in self.closed
            self.closed.add(number)
        if not known:
            self.late(name, error)

    def close(self, failed: Iterable[int]) -> None:
        """From now on exceptions are late, and those of the ``failed`` rounds of no account."""
        with self._gate:
            self.closed = (self.closed or set()).union(failed)

    def overlaps(self, rounds: int) -> int:
        """In how many of the first ``rounds`` two actors ran at the same time."""
        if self.actors == 2:  # by far the most common, and this runs for every round
            begins, ends = self.begins, self.ends
            return sum(
                (begin if begin > other else other) < (end if end < last else last)
                for begin, other, end, last, _ in zip(*begins, *ends, range(rounds), strict=False)
            )
        return sum(map(self.overlapped, range(rounds)))

    def overlapped(self, number: int) -> bool:
        """Whether two actors ran at the same time in this round, which need not have ended."""
        begun = zip(self.begins, self.ends, strict=True)
        spans = sorted(
            (begins[number], ends[number] if number < len(ends) else math.inf)
            for begins, ends in begun
            if number < len(begins)
        )
        return any(begin < end for (_, end), (begin, _) in pairwise(spans))


class Worker(threading.Thread):
    """The thread of one actor."""

    def __init__(self, pool: Pool, index: int, name: str, function: Callable[[Any], object]) -> None:
        super().__init__(name=name, daemon=True)
        self.index = index
        self.go = allocate_lock()
        self.go.acquire()
        self.done = allocate_lock()
        self.done.acquire()
        self._pool = pool
        self._function = function
        self._gate = allocate_lock()  # guards _finished: nothing may be thrown into a thread that is past `run`
        self._finished = False

    def run(self) -> None:
        """Serve batches until the pool stops."""
        # No `suppress` here: it is written in Python, and what is thrown to end the thread could strike inside it.
        try:  # noqa: SIM105 - see above
            self._serve()
        except BaseException:
            pass
        while not self._finished:
            try:
                DRIVERS.pop(get_ident(), None)
                with self._gate:
                    self._finished = True
            except BaseException:  # thrown a moment ago, and only arrived now
                continue

    def _serve(self) -> None:
        while True:
            self.go.acquire()
            batch = self._pool.batch
            if self._pool.stopping or batch is None:
                return
            DRIVERS[get_ident()] = batch.drivers[self.index]
            self._rounds(batch)
            DRIVERS.pop(get_ident(), None)
            self.done.release()

    def _rounds(self, batch: Batch) -> None:
        pool, index, actor, clock = self._pool, self.index, self._function, Real.nanoseconds
        begin, end, errors = batch.begins[index].append, batch.ends[index].append, batch.errors[index]
        in_step, me = batch.in_step, get_ident()
        for number, state in enumerate(batch.states):
            if in_step or not number:
                self._meet(batch, number + 1)
            if pool.stopping:
                return
            begin(clock())
            try:
                result = actor(state)
                if result is not None:
                    has_run(f"actors[{self.name!r}]", actor, result)
                    result = None
            except BaseException as error:
                if pool.stopping:
                    return
                if me in FORKED:
                    end_child(error)
                errors[number] = error
            if me in FORKED:
                end_child()
            end(clock())

    def _meet(self, batch: Batch, number: int) -> None:
        """Wait until every actor has come this far."""
        arrived, turns = batch.arrived, 0
        arrived[self.index] = number
        while min(arrived) < number and not self._pool.stopping:
            turns += 1
            sleep(0 if turns < 1000 else 1e-3)

    def throw(self) -> None:
        """Raise SystemExit in the thread as soon as it runs Python code: `threading` lets that one pass in silence."""
        with self._gate:
            if not self._finished and self.ident is not None:
                throw(self.ident, SystemExit)


class Pool:
    """The threads of one program; `close` it whatever happens."""

    def __init__(
        self,
        actors: Sequence[tuple[str, Callable[[Any], object]]],
        processors: Sequence[int],
        before_look: Callable[[], object] = lambda: None,
    ) -> None:
        self.actors = actors
        self._before_look = before_look  # called where threads take their time
        self.processors = processors  # none where a thread cannot be bound to one
        self.spread = False  # each thread on its own processor
        self.known = frozenset(sys._current_frames())  # threads that were there before
        self.workers: list[Worker] = []
        self.batch: Batch | None = None
        self.stopping = False

    def renew(self) -> None:
        """Have threads in which nothing has run."""
        if self.close():
            raise LabError("a thread whose actor has ended goes on for ever; please report this")
        self.stopping = False
        for index, (name, actor) in enumerate(self.actors):
            worker = Worker(self, index, name, actor)
            worker.start()
            self.workers.append(worker)  # one that could not be started must not be ended

    def run(self, batch: Batch) -> Standstill | None:
        """Run the batch to its end, or until nothing moves any more."""
        self.batch = batch
        look: Look | None = None
        for worker in self.workers:
            worker.go.release()
        for worker in self.workers:
            while not worker.done.acquire(timeout=POLL):
                self._before_look()
                if not worker.is_alive():
                    raise LabError(f"the thread of {worker.name} ended in the middle of a round; please report this")
                look = look or Look(self.known - {get_ident()}, {get_ident(), *(one.ident for one in self.workers)})
                stuck = look.again({one.ident or 0: one.name for one in self._inside(batch)}, self._progress(batch))
                if stuck is not None:
                    return stuck
        self.batch = None
        return None

    def _inside(self, batch: Batch) -> list[Worker]:
        """Who is in the earliest round that has not ended; the others wait for that."""
        inside = [worker for worker in self.workers if len(batch.begins[worker.index]) > len(batch.ends[worker.index])]
        earliest = min((len(batch.ends[worker.index]) for worker in inside), default=0)
        return [worker for worker in inside if len(batch.ends[worker.index]) == earliest]

    def _progress(self, batch: Batch) -> int:
        return sum(map(len, batch.begins)) + sum(map(len, batch.ends))

    def place(self) -> None:
        """Let the threads run on any processor, or spread them."""
        if self.processors:
            for worker in self.workers:
                own = {self.processors[worker.index % len(self.processors)]}
                with suppress(OSError):  # taken from the process since
                    os.sched_setaffinity(worker.native_id or 0, own if self.spread else set(self.processors))

    def close(self) -> tuple[str, ...]:
        """End the threads, by force if need be; the actors whose thread could not be ended."""
        self._stop()
        until = now() + _COURTESY
        for worker in self.workers:
            worker.join(max(0.0, until - now()))
        return self.force(None, alone=True)

    def force(self, state: object, *, alone: bool = False) -> tuple[str, ...]:
        """End threads that are stuck in a round of ``state``, and unless ``alone`` those that they started.

        The latter belong to the program: what they wait for is freed, and nothing is thrown.
        """
        self._stop()
        freed: list[Any] = []
        places: set[tuple[int, int, int]] = set()
        until = now() + _PATIENCE
        ours = {get_ident(), *(worker.ident for worker in self.workers)}
        while now() < until:
            frames = sys._current_frames()
            alive = [worker for worker in self.workers if worker.is_alive()]
            stuck = {worker.ident for worker in alive if worker.ident in frames}
            if not alone:
                stuck |= frames.keys() - self.known - ours
            if not alive and not stuck:
                break
            for worker in alive:
                worker.throw()
            there = [frames[identity] for identity in stuck if identity is not None]
            before, places = places, {(id(frame), frame.f_lasti, id(frame.f_back)) for frame in there}
            if before & places or not freed:  # else they are on their way, and need the locks they have
                freed = reachable([state, *there, *freed])
                release(freed)
            del there
            del frames
            sleep(0.01)
        release(freed)  # a lock of the program's modules must not stay in the hands of a thread that is gone
        left = tuple(worker.name for worker in self.workers if worker.is_alive())
        for worker in self.workers:
            if not worker.is_alive():
                worker.join()
        self.workers = []
        return left

    def left_behind(self) -> list[str]:
        """The names of threads that were started meanwhile, and have not ended after a moment."""
        until = now() + _COURTESY
        while True:
            left = [one.name for one in threading.enumerate() if one.ident not in self.known and one.is_alive()]
            left = [name for name in left if name not in {worker.name for worker in self.workers}]
            if not left or now() >= until:
                return left
            sleep(0.01)

    def _stop(self) -> None:
        self.stopping = True
        for worker in self.workers:
            with suppress(RuntimeError):  # told before
                worker.go.release()


@contextmanager
def machine_kept() -> Iterator[tuple[int, ...]]:
    """Give the usable processors; the switch interval is as before afterwards."""
    interval = sys.getswitchinterval()
    try:
        yield tuple(sorted(os.sched_getaffinity(0))) if hasattr(os, "sched_getaffinity") else ()
    finally:
        sys.setswitchinterval(interval)
