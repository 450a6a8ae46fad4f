"""Queues whose operations C code calls, and queues whose lock the program takes itself."""

from __future__ import annotations

import queue
import threading
from collections import deque

import pytest
from controlled import State, outcomes, words


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


# ------------------------------------------------------------ called by C code, and locked by hand


@pytest.mark.parametrize("make", [queue.Queue, queue.LifoQueue, queue.SimpleQueue, OwnStorage])
def test_iterating_with_a_sentinel_gets_every_item(make):
    def put(state):
        for item in ("x", "y"):
            state.queue.put(item)
        state.done.wait()
        state.queue.put(None)

    def get(state):
        for item in iter(state.queue.get, None):
            state.got.append(item)
            if len(state.got) == 2:
                state.done.set()

    def setup():
        return State(queue=make(), done=threading.Event(), got=[])

    found = outcomes(setup, [put, get], lambda state: "".join(state.got), 150)
    assert found == ({"xy", "yx"} if make is queue.LifoQueue else {"xy"})


def test_puts_by_c_code_wake_who_waits():
    def put(state):
        list(map(state.queue.put, "xy"))

    def get(state):
        state.got = state.queue.get() + state.queue.get()

    assert outcomes(lambda: State(queue=queue.Queue(1)), [put, get], lambda state: state.got, 100) == {"xy"}


def test_the_mutex_of_a_queue_keeps_everybody_out():
    def swap(state):
        with state.queue.mutex:
            items = list(state.queue.queue)
            state.queue.queue.clear()
            state.step = items
            state.queue.queue.extend(items)

    def get(state):
        state.step = 0
        state.got = (state.queue.qsize(), words(state.queue.get_nowait))

    def setup():
        state = State(queue=queue.Queue(), step=0)
        state.queue.put(1)
        return state

    assert outcomes(setup, [swap, swap, get], lambda state: state.got, 150, steps=1000) == {(1, 1)}


class Ranked:
    """Compared by the program's own code, which touches shared state."""

    def __init__(self, rank, state):
        self.rank = rank
        self.state = state

    def __lt__(self, other):
        self.state.compared += 1
        return self.rank < other.rank


def test_nobody_meets_a_heap_that_is_being_changed():
    def put(*ranks):
        def actor(state):
            for rank in ranks:
                state.queue.put(Ranked(rank, state))

        return actor

    def order(state):
        return tuple(state.queue.get().rank for _ in range(4))

    found = outcomes(lambda: State(queue=queue.PriorityQueue(), compared=0), [put(3, 1), put(4, 2)], order, 150)
    assert found == {(1, 2, 3, 4)}
