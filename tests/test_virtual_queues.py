"""Twins of the queues: they say and do what CPython's do."""

from __future__ import annotations

import queue
import sys
import threading
from collections import deque

import pytest
from controlled import State, alike, failure, outcomes, words

from lab import explore

AT_MODULE_LEVEL = queue.Queue()
SIMPLE_AT_MODULE_LEVEL = queue.SimpleQueue()
STOCK = [queue.Queue, queue.LifoQueue, queue.PriorityQueue]
since_3_13 = pytest.mark.skipif(sys.version_info < (3, 13), reason="Queue.shutdown is new in 3.13")


class OwnStorage(queue.Queue):
    """Brings its own storage, so the library's code runs."""

    def _init(self, maxsize):
        self.stored = deque()

    def _qsize(self):
        return len(self.stored)

    def _put(self, item):
        self.stored.append(item)

    def _get(self):
        return self.stored.popleft()


class Doubling(queue.Queue):
    """Overrides what the library calls from within."""

    def put(self, item, *arguments, **named):
        super().put(2 * item, *arguments, **named)

    def get(self, *arguments, **named):
        return ("got", super().get(*arguments, **named))


BOUNDED = [*STOCK, OwnStorage]
ALL = [*BOUNDED, queue.SimpleQueue]
NEGATIVE = "ValueError: 'timeout' must be a non-negative number"

# ------------------------------------------------------------ words


@pytest.mark.parametrize("make", BOUNDED)
def test_a_bounded_queue_gives_what_cpython_s_gives(make):
    def body():
        bounded = make(2)
        told = [words(bounded.get_nowait), words(bounded.get, False), words(bounded.get, timeout=0.0001)]
        told += [words(bounded.get, True, -1), words(bounded.get, True, "1"), words(bounded.get, False, -1)]
        told += [bounded.empty(), bounded.put(2), bounded.put(1), bounded.full(), bounded.qsize(), bounded.empty()]
        told += [words(bounded.put_nowait, 3), words(bounded.put, 3, False), words(bounded.put, 3, timeout=0.0001)]
        told += [words(bounded.put, 3, True, -1), words(bounded.put, 3, True, "1"), words(bounded.put, 3, True, 0)]
        told += [
            words(bounded.put),
            words(bounded.get, 1, 2, 3),
            words(bounded.qsize, 1),
            words(bounded.put, 1, wait=1),
        ]
        told += [words(bounded.put, 3, timeout=float("inf")), bounded.unfinished_tasks]
        told += [bounded.get(), bounded.get(timeout=1), words(bounded.get, timeout=float("inf"))]
        told += [bounded.task_done(), bounded.task_done(), words(bounded.task_done), bounded.join()]
        return [*told, words(make.put, bounded, 5), words(make.get, bounded), words(make.put)]

    told = alike(body)
    assert told[:4] == ["Empty: ", "Empty: ", "Empty: ", NEGATIVE]
    assert told[5:12] == ["Empty: ", True, None, None, True, 2, False]
    assert told[12:16] == ["Full: ", "Full: ", "Full: ", NEGATIVE]
    assert told[24:26] == ([1, 2] if make in (queue.LifoQueue, queue.PriorityQueue) else [2, 1])
    assert told[27:31] == [None, None, "ValueError: task_done() called too many times", None]


def test_an_unbounded_queue_does_not_look_at_the_timeout_of_put():
    def body():
        unbounded = queue.Queue()
        return words(unbounded.put, 1, True, -1), words(unbounded.put, 2, True, "x"), unbounded.full()

    assert alike(body) == (None, None, False)


def test_a_simple_queue_gives_what_cpython_s_gives():
    def body():
        simple = queue.SimpleQueue()
        told = [words(simple.get_nowait), words(simple.get, False), words(simple.get, timeout=0.0001)]
        told += [words(simple.get, timeout=-1), words(simple.get, timeout="1"), words(simple.get, timeout=float("inf"))]
        told += [simple.put(1), simple.put(2, False, -1), simple.put_nowait(3), simple.put(4, timeout="x")]
        told += [simple.qsize(), simple.empty(), simple.get(), simple.get_nowait(), simple.get(timeout=3)]
        told += [words(simple.put), words(simple.put, 1, 2, 3, 4), words(simple.put, 1, wait=2)]
        told += [words(simple.get, 1, 2, 3), words(simple.put_nowait, 1, 2), words(simple.get_nowait, 1)]
        return [*told, words(simple.qsize, 1), words(queue.SimpleQueue.put, simple, 6), words(queue.SimpleQueue.put)]

    told = alike(body)
    assert told[:4] == ["Empty: ", "Empty: ", "Empty: ", NEGATIVE]
    assert told[10:15] == [4, False, 1, 2, 3]


def test_a_subclass_is_called_as_written():
    def body():
        doubling = Doubling()
        doubling.put(1)
        doubling.put_nowait(2)
        return doubling.get(), doubling.get_nowait(), words(doubling.get_nowait)

    assert alike(body) == (("got", 2), ("got", 4), "Empty: ")


def test_a_priority_queue_with_things_that_cannot_be_compared():
    def body():
        mixed = queue.PriorityQueue()
        mixed.put(1)
        return words(mixed.put, "a"), mixed.unfinished_tasks, mixed.qsize()

    assert alike(body)[0] == "TypeError: '<' not supported between instances of 'str' and 'int'"


# ------------------------------------------------------------ handing over


@pytest.mark.parametrize("make", ALL)
def test_every_item_is_handed_over_once(make):
    def put(state):
        for item in (1, 2, 3):
            state.queue.put(item)

    def get(state):
        state.got = tuple(state.queue.get() for _ in range(3))

    found = outcomes(lambda: State(queue=make()), [put, get], lambda state: state.got, 250)
    if make is queue.LifoQueue:
        assert found == {(1, 2, 3), (1, 3, 2), (2, 1, 3), (2, 3, 1), (3, 2, 1)}
    else:
        assert found == {(1, 2, 3)}


@pytest.mark.parametrize("make", BOUNDED)
def test_a_bounded_queue_never_holds_more(make):
    def put(state):
        for item in (1, 2, 3):
            state.queue.put(item)
            state.sizes.add(state.queue.qsize())

    def get(state):
        for _ in range(3):
            state.queue.get()

    found = outcomes(lambda: State(queue=make(2), sizes=set()), [put, get], lambda state: max(state.sizes), 120)
    assert found == {0, 1, 2}


@pytest.mark.parametrize("make", ALL)
def test_both_orders_of_two_puts_are_seen(make):
    def put(item):
        return lambda state: state.queue.put(item)

    def order(state):
        return state.queue.get(), state.queue.get()

    found = outcomes(lambda: State(queue=make()), [put(1), put(2)], order, 60)
    assert found == ({(1, 2)} if make is queue.PriorityQueue else {(1, 2), (2, 1)})


@pytest.mark.parametrize("make", ALL)
def test_a_short_timeout_of_get_ends_both_ways(make):
    def get(state):
        state.told = words(state.queue.get, timeout=1)

    def put(state):
        state.queue.put(5)

    assert outcomes(lambda: State(queue=make()), [get, put], lambda state: state.told, 200) == {5, "Empty: "}


@pytest.mark.parametrize("make", BOUNDED)
def test_a_short_timeout_of_put_ends_both_ways(make):
    def setup():
        state = State(queue=make(1))
        state.queue.put(1)
        return state

    def put(state):
        state.told = words(state.queue.put, 2, timeout=1)

    def get(state):
        state.queue.get()

    assert outcomes(setup, [put, get], lambda state: state.told, 200) == {None, "Full: "}


@pytest.mark.parametrize("make", ALL)
def test_trying_ends_both_ways(make):
    def get(state):
        state.told = words(state.queue.get_nowait)

    def put(state):
        state.queue.put_nowait(5)

    assert outcomes(lambda: State(queue=make()), [get, put], lambda state: state.told, 60) == {5, "Empty: "}


@pytest.mark.parametrize("make", BOUNDED)
def test_join_returns_when_every_task_is_done(make):
    def work(state):
        for _ in range(2):
            state.queue.get()
            state.done += 1
            state.queue.task_done()

    def wait(state):
        state.queue.join()
        state.seen = state.done

    def setup():
        state = State(queue=make(), done=0, seen=None)
        state.queue.put(1)
        state.queue.put(2)
        return state

    assert outcomes(setup, [work, wait], lambda state: state.seen, 120) == {2}


def test_workers_that_end_at_a_sentinel():
    def work(state):
        while True:
            item = state.queue.get()
            if item is None:
                state.queue.put(None)
                return
            state.results.append(item)

    def manage(state):
        threads = [threading.Thread(target=work, args=(state,)) for _ in range(2)]
        for thread in threads:
            thread.start()
        for item in (1, 2, None):
            state.queue.put(item)
        for thread in threads:
            thread.join()

    def results(state):
        return tuple(state.results)

    found = outcomes(lambda: State(queue=queue.Queue(), results=[]), [manage], results, 200)
    assert found == {(1, 2), (2, 1)}


# ------------------------------------------------------------ executions do not see each other


@pytest.mark.parametrize("shared", [AT_MODULE_LEVEL, SIMPLE_AT_MODULE_LEVEL], ids=["Queue", "SimpleQueue"])
def test_a_queue_outside_the_state_is_as_before_in_every_execution(shared):
    shared.put("before")

    def put(state):
        state.found = shared.qsize()
        shared.put("during")

    assert outcomes(State, [put], lambda state: (state.found, shared.qsize()), 10) == {(1, 2)}
    assert shared.get_nowait() == "before"
    assert shared.empty()
    assert getattr(shared, "unfinished_tasks", 1) == 1


# ------------------------------------------------------------ waiting for ever


@pytest.mark.parametrize("make", STOCK)
def test_a_queue_that_nobody_serves(make):
    assert failure(lambda: make(1), {"alice": lambda queue: queue.get()})[:2] == (
        "deadlock",
        "alice waits for an item in queue, and no one is left to put one there",
    )
    assert failure(lambda: make(1), {"alice": lambda queue: (queue.put(1), queue.put(2))})[:2] == (
        "deadlock",
        "alice waits for room in queue, and no one is left to take anything from there",
    )
    assert failure(lambda: make(1), {"alice": lambda queue: (queue.put(1), queue.join())})[:2] == (
        "deadlock",
        "alice waits for the tasks of queue, and no one is left to mark them done",
    )


def test_a_queue_with_its_own_storage_that_nobody_serves():
    assert failure(OwnStorage, {"alice": lambda queue: queue.get()})[:2] == (
        "deadlock",
        "alice waits for the queue queue, and no one is left to use it",
    )


# ------------------------------------------------------------ shutdown


@since_3_13
@pytest.mark.parametrize("make", BOUNDED)
@pytest.mark.parametrize("immediate", [False, True])
def test_shutdown_gives_what_cpython_s_gives(make, immediate):
    def body():
        ended = make(2)
        ended.put(1)
        ended.put(2)
        told = [ended.shutdown(immediate), ended.qsize(), ended.unfinished_tasks, ended.is_shutdown]
        told += [words(ended.put, 3), words(ended.put, 3, True, -1), words(ended.put_nowait, 3)]
        told += [words(ended.get), words(ended.get, False), words(ended.get), words(ended.get_nowait)]
        told += [words(ended.get, True, -1), words(ended.task_done), words(ended.task_done), words(ended.join)]
        return told

    told = alike(body)
    assert told[:4] == ([None, 0, 0, True] if immediate else [None, 2, 2, True])
    assert told[4:7] == ["ShutDown: "] * 3


@since_3_13
@pytest.mark.parametrize("make", BOUNDED)
def test_shutdown_wakes_everybody_who_waits(make):
    def setup():
        state = State(empty=make(), full=make(1), told=[])
        state.full.put(1)
        return state

    actors = [
        lambda state: state.told.append(words(state.empty.get)),
        lambda state: state.told.append(words(state.full.put, 2)),
        lambda state: (state.empty.shutdown(), state.full.shutdown()),
    ]
    assert outcomes(setup, actors, lambda state: tuple(state.told), 60) == {("ShutDown: ", "ShutDown: ")}


def test_both_orders_come_up_within_few_schedules():
    seen = explore(
        lambda: State(queue=queue.Queue()),
        [lambda state: state.queue.put(1), lambda state: state.queue.put(2)],
        outcome=lambda state: state.queue.get(),
        schedules=12,
        strategy="random",
    )
    assert set(seen.outcomes) == {1, 2}
