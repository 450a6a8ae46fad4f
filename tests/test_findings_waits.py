"""Waits for something other than a lock: by one who holds a lock that others need, and for a future."""

from __future__ import annotations

import queue
import threading
from concurrent.futures import Future, ThreadPoolExecutor

import pytest
from controlled import State, failure

from lab import explore


def wait_on(condition):
    with condition:
        condition.wait()


@pytest.mark.parametrize(
    ("wait", "thing"),
    [
        (lambda state: state.queue.put(1), "room in state.queue"),
        (lambda state: state.event.wait(), "the event state.event"),
        (lambda state: state.semaphore.acquire(), "the semaphore state.semaphore"),
        (lambda state: wait_on(state.condition), "a notification on state.condition"),
        (lambda state: state.future.result(), "the result of state.future"),
    ],
)
def test_a_lock_held_by_one_who_waits_for_something_else(wait, thing):
    def setup():
        state = State(lock=threading.Lock(), queue=queue.Queue(1), event=threading.Event(), future=Future())
        state.semaphore, state.condition = threading.Semaphore(0), threading.Condition()
        state.queue.put(0)
        return state

    def hold(state):
        with state.lock:
            wait(state)

    def want(state):
        with state.lock:
            state.queue.get()

    assert failure(setup, {"alice": hold, "bob": want})[:2] == (
        "deadlock",
        f"alice waits for {thing} and holds state.lock, which bob waits for",
    )


@pytest.mark.parametrize("method", ["result", "exception"])
def test_a_future_that_nobody_completes_is_no_lost_wakeup(method):
    assert failure(Future, {"alice": lambda future: getattr(future, method)()})[:2] == (
        "deadlock",
        "alice waits for the result of future, and no one is left to provide it",
    )


def close(state):
    state.pool.shutdown()


def setup_pool():
    return State(pool=ThreadPoolExecutor(1, thread_name_prefix="worker"), done=[])


def test_a_task_that_waits_for_another_of_its_full_pool():
    def nest(state):
        state.pool.submit(lambda: state.pool.submit(int).result()).result()

    kind, message, waiting = failure(setup_pool, {"alice": nest}, teardown=close)
    assert (kind, message) == (
        "deadlock",
        "alice waits for the result of Future, and no one is left to provide it",
    )
    assert [line.partition(" at ")[0] for line in waiting] == [
        "alice waits for the result of Future",
        "worker_0 waits for the result of Future",
    ]


def test_what_an_execution_leaves_behind_does_not_end_in_the_middle_of_the_next():
    # The executor's thread stands in a WeakKeyDictionary of the library, which notices its end.
    def alone(state):
        state.done.append("alone")

    def by_pool(state):
        state.done.append(state.pool.submit(str).result())

    verdict = explore(setup_pool, {"alice": alone, "bob": by_pool}, teardown=close, schedules=100)
    assert (verdict.status, verdict.uncontrolled) == ("holds", ()), str(verdict)
