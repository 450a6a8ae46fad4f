"""What may be called a proof: programs, what all their schedules come to, and what makes a proof doubtful."""

from __future__ import annotations

import array
import collections
import functools
import io
import itertools
import queue
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace as State

import pytest

from lab import explore


def covered(setup, actors, outcome=lambda s: s.seen):
    return explore(setup, actors, outcome=outcome, strategy="dpor", schedules=5_000)


# ------------------------------------------------------------ one actor changes, the other one looks

LOOKS = {
    "join of strings": (lambda: [], lambda it: it.append("x"), ",".join, {"", "x"}),
    "keys of a new dictionary": (lambda: [], lambda it: it.append("x"), lambda it: len(dict.fromkeys(it)), {0, 1}),
    "a format": (lambda: [], lambda it: it.append("x"), "{}".format, {"[]", "['x']"}),
    "a C class": (lambda: [], lambda it: it.append(1), lambda it: len(array.array("i", it)), {0, 1}),
    "a class made from list": (lambda: [], lambda it: it.append(1), lambda it: len(type("L", (list,), {})(it)), {0, 1}),
    "a partial of a C method": (
        lambda: [],
        lambda it: functools.partial(list.append, it, 1)(),
        len,
        {0, 1},
    ),
    "a partial of a C function": (
        lambda: [],
        lambda it: it.append(1),
        lambda it: functools.partial(len, it)(),
        {0, 1},
    ),
    "a default that is added": (lambda: collections.defaultdict(int), lambda it: it["k"], len, {0, 1}),
    "a default, by name": (lambda: collections.defaultdict(int), lambda it: it.__getitem__("k"), len, {0, 1}),
    "items behind a view": (lambda: {}, lambda it: it.update(k=1), lambda it: list(it.keys()) == ["k"], {True, False}),
    "a star": (lambda: [], lambda it: it.append(1), lambda it: print(*it, file=io.StringIO()) or it.count(1), {0, 1}),
    "a match": (lambda: [], lambda it: it.append(1), lambda it: _matched(it), {0, 1}),
    "printing": (io.StringIO, lambda it: print("x", end="", file=it), lambda it: it.getvalue(), {"", "x"}),
    "a method of the class": (lambda: [], lambda it: list.append(it, 1), lambda it: list.__len__(it), {0, 1}),
    "an event": (threading.Event, lambda it: it.set(), lambda it: it.wait(0.1), {True, False}),
    "a queue": (queue.Queue, lambda it: it.put(1), lambda it: it.empty(), {True, False}),
    "a simple queue": (queue.SimpleQueue, lambda it: it.put(1), lambda it: it.qsize(), {0, 1}),
}


def _matched(subject):
    match subject:
        case []:
            return 0
        case _:
            return len(subject)


@pytest.mark.parametrize("name", LOOKS)
def test_every_way_to_look_sees_it_before_and_after(name):
    make, change, look, seen = LOOKS[name]

    def changes(state):
        change(state.it)

    def looks(state):
        state.seen = look(state.it)

    for actors in ([changes, looks], [looks, changes]):
        verdict = covered(lambda: State(it=make(), seen=None), actors)
        assert set(verdict.outcomes) == seen, str(verdict)
        assert verdict.status == "holds", verdict.reason


# ------------------------------------------------------------ iterators that two actors advance


@pytest.mark.parametrize("wrap", [iter, enumerate, zip, lambda it: map(str, it), lambda it: itertools.islice(it, 9)])
def test_iterator_behind_another_one_is_advanced_by_both(wrap):
    def taker(name):
        def take(state):
            setattr(state, name, sum(1 for _ in wrap(state.numbers)))

        return take

    verdict = covered(lambda: State(numbers=iter([1, 2])), [taker("left"), taker("right")], lambda s: (s.left, s.right))
    assert verdict.status == "holds"
    assert set(verdict.outcomes) == {(2, 0), (1, 1), (0, 2)}


def test_private_iterator_is_no_step():
    def count(state):
        state.seen = [sum(pair) for pair in zip(state.numbers, state.numbers, strict=True)]

    verdict = covered(lambda: State(numbers=[1, 2]), [count, count], lambda s: tuple(s.seen))
    assert (verdict.status, verdict.schedules) == ("holds", 2)


def test_generator_that_two_actors_advance():
    def take(state):
        state.seen.append(next(state.numbers))

    verdict = covered(lambda: State(numbers=(n for n in range(3)), seen=[]), [take, take], lambda s: tuple(s.seen))
    assert verdict.status == "fails"
    assert "generator already executing" in str(verdict.failure)


# ------------------------------------------------------------ threads and time


@pytest.mark.parametrize("lock", [threading.Lock, threading.RLock, lambda: threading.Semaphore(1)])
def test_lock_that_is_waited_for_with_a_timeout(lock):
    def holds(state):
        with state.lock:
            state.other = 1

    def waits(state):
        state.seen = state.lock.acquire(timeout=0.1)
        if state.seen:
            state.lock.release()

    for actors in ([holds, waits], [waits, holds]):
        verdict = covered(lambda: State(lock=lock(), seen=None), actors)
        assert (verdict.status, verdict.schedules, set(verdict.outcomes)) == ("holds", 3, {True, False})


def test_join_of_a_thread_that_another_actor_starts():
    def setup():
        state = State(seen=None)
        state.thread = threading.Thread(target=lambda: None)
        return state

    def starts(state):
        state.thread.start()

    def joins(state):
        try:
            state.thread.join()
            state.seen = "joined"
        except RuntimeError:
            state.seen = "too early"

    for actors in ([starts, joins], [joins, starts]):
        verdict = covered(setup, actors)
        assert (verdict.status, set(verdict.outcomes)) == ("holds", {"joined", "too early"})


def test_thread_that_two_actors_start():
    def setup():
        state = State(seen=[])
        state.thread = threading.Thread(target=lambda: None)
        return state

    def starts(state):
        try:
            state.thread.start()
        except RuntimeError:
            state.seen.append("again")

    verdict = covered(setup, [starts, starts], lambda s: tuple(s.seen))
    assert (verdict.status, verdict.schedules, set(verdict.outcomes)) == ("holds", 2, {("again",)})


def test_names_of_threads_are_the_same_in_every_execution():
    def name(state):
        state.seen = [threading.Thread(target=len).name for _ in range(2)]

    verdict = covered(State, [name], lambda s: tuple(s.seen))
    assert verdict.outcomes == {("Thread-1 (len)", "Thread-2 (len)"): 1}


def test_finalizer_runs_when_the_object_dies():
    class Resource:
        def __init__(self, state):
            self.state = state

        def __del__(self):
            with self.state.lock:
                self.state.closed += 1

    def use(state):
        resource = Resource(state)
        del resource

    verdict = explore(
        lambda: State(closed=0, lock=threading.Lock()), [use, use], outcome=lambda s: s.closed, allowed={2}
    )
    assert verdict.status == "holds"


# ------------------------------------------------------------ a queue of the program's own


def test_queue_with_a_storage_of_its_own():
    class Stack(queue.Queue):
        def _init(self, maxsize):
            self.queue = []

        def _qsize(self):
            return len(self.queue)

        def _put(self, item):
            self.queue.append(item)

        def _get(self):
            return self.queue.pop()

    verdict = covered(
        lambda: State(it=Stack()), [lambda s: s.it.put(1), lambda s: s.it.put(2)], lambda s: tuple(s.it.queue)
    )
    assert (verdict.status, set(verdict.outcomes)) == ("holds", {(1, 2), (2, 1)})


def test_two_timers_make_a_difference_that_no_step_shows():
    def sleeps(state):
        with state.lock:
            time.sleep(0.3)
            state.seen.append("slept")

    def waits(state):
        got = state.lock.acquire(timeout=0.2)
        state.seen.append(got)
        if got:
            state.lock.release()

    verdict = covered(lambda: State(lock=threading.Lock(), seen=[]), [sleeps, waits], lambda s: tuple(s.seen))
    assert verdict.status == "unknown"  # ["slept", True] comes of a late start
    assert "early and late" in verdict.reason


# ------------------------------------------------------------ what is no race does not count


def test_the_place_of_a_condition_that_is_gone_is_not_that_of_the_next():
    """Every future has a condition of its own, and memory is used again, now and then."""

    def act(state):
        state.done.append(state.pool.submit(len, "").result())

    def close(state):
        state.pool.shutdown()

    tried = {
        explore(lambda: State(pool=ThreadPoolExecutor(1), done=[]), [act, act], teardown=close, schedules=60).reason
        for _ in range(12)
    }
    assert len(tried) == 1, tried


def test_a_long_loop_that_waits_for_nobody():
    def act(state):
        own = State(count=0)
        for _ in range(2_000):
            own.count += 1
        state.count += own.count

    verdict = covered(lambda: State(count=0), [act, act], lambda s: s.count)
    assert (verdict.status, verdict.reason) == ("holds", "all 4 classes of schedules")
    assert set(verdict.outcomes) == {2_000, 4_000}


# ------------------------------------------------------------ objects that answer for themselves


class Disguised:
    """Says of itself what the program likes, and takes visible steps to do so."""

    def __init__(self):
        self.value = 0
        self.kind = int

    @property
    def __class__(self):
        return self.kind

    def __getattr__(self, name):
        return self.kind.__dict__[name]

    def __call__(self):
        self.value = self.value + 1


@pytest.mark.parametrize("strategy", ["dpor", "random"])
def test_the_lab_asks_no_object_what_it_is(strategy):
    verdict = explore(
        Disguised, [Disguised.__call__] * 2, outcome=lambda it: it.value, strategy=strategy, schedules=100
    )
    assert verdict.failure is None, str(verdict)
    assert set(verdict.outcomes) == {1, 2}
    assert verdict.schedules == (4 if strategy == "dpor" else 100)


def test_the_lab_asks_no_callable_for_its_name():
    verdict = covered(Disguised, [lambda it: it()] * 2, lambda it: it.value)
    assert verdict.reason == "all 4 classes of schedules"
