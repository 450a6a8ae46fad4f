"""`concurrent.futures`: executors, futures, `wait` and `as_completed`."""

from __future__ import annotations

import threading
from concurrent.futures import (
    ALL_COMPLETED,
    FIRST_COMPLETED,
    FIRST_EXCEPTION,
    Future,
    ThreadPoolExecutor,
    as_completed,
    wait,
)

import pytest

import lab
from tests.controlled import marked
from tests.library.judging import (
    BUDGET,
    State,
    both_counted,
    finds,
    guarded_increment,
    holds,
    increment,
    is_not_reported,
)


def setup():
    return State(value=0, lock=threading.Lock(), seen=[], pool=None)


def submitting(task):
    def alice(state):
        with ThreadPoolExecutor(2) as pool:
            pool.submit(task, state)
            pool.submit(task, state)

    return alice


def mapping(task):
    def alice(state):
        with ThreadPoolExecutor(2) as pool:
            list(pool.map(task, [state, state]))

    return alice


def initializing(task):
    def alice(state):
        with ThreadPoolExecutor(2, initializer=task, initargs=(state,)) as pool:
            pool.submit(threading.Event().wait, 0.01)
            pool.submit(threading.Event().wait, 0.01)

    return alice


def calling_back(task):
    def alice(state):
        with ThreadPoolExecutor(2) as pool:
            for _ in range(2):
                pool.submit(len, "").add_done_callback(lambda _: task(state))

    return alice


def waiting(return_when):
    def making(task):
        def alice(state):
            with ThreadPoolExecutor(2) as pool:
                done, not_done = wait([pool.submit(task, state) for _ in range(2)], return_when=return_when)
                assert len(done) + len(not_done) == 2

        return alice

    return making


def completing(task):
    def alice(state):
        with ThreadPoolExecutor(2) as pool:
            for future in as_completed([pool.submit(task, state) for _ in range(2)]):
                state.seen.append(future.result())

    return alice


USES = {
    "submit": submitting,
    "map": mapping,
    "add_done_callback": calling_back,
    "wait for all": waiting(ALL_COMPLETED),
    "wait for the first": waiting(FIRST_COMPLETED),
    "wait for an exception": waiting(FIRST_EXCEPTION),
    "as_completed": completing,
}


ON_THREADS = ("submit", "as_completed")
"""What both carriers are asked to do; the others differ only in what the library does with the futures."""
PAIRS = [
    pytest.param(carrier, use, id=f"{carrier}-{name}")
    for name, use in USES.items()
    for carrier in ("greenlet", "thread")
    if carrier == "greenlet" or name in ON_THREADS
]


@pytest.mark.parametrize(("carrier", "use"), PAIRS)
def test_tasks_that_race_are_told_as_what_they_are(carrier, use):
    finds(carrier, setup, {"alice": use(racing)}, both_counted, at=marked(__file__, "written back"), seed=1)


def racing(state):
    current = state.value
    state.value = current + 1  # written back


@pytest.mark.parametrize(("carrier", "use"), PAIRS)
def test_right_tasks_are_not_reported_and_every_execution_can_be_repeated(carrier, use):
    is_not_reported(carrier, setup, {"alice": use(guarded_increment)}, both_counted, because=BUDGET, schedules=30)


def test_right_tasks_are_proved(carrier):
    assert holds(carrier, setup, {"alice": submitting(guarded_increment)}, both_counted).schedules > 20


def test_initializers_that_race(carrier):
    def idle(state):
        state.seen.append(1)

    finds(carrier, setup, {"alice": initializing(increment)}, lambda state: state.value != 1, seed=1)
    is_not_reported(carrier, setup, {"alice": initializing(idle)}, lambda state: state.seen, because=BUDGET)


def test_an_initializer_that_raises_breaks_the_pool(carrier):
    def alice(state):
        with ThreadPoolExecutor(1, initializer=divmod, initargs=(1, 0)) as pool:
            pool.submit(len, "").result()

    finds(carrier, setup, {"alice": alice}, kind="exception", message="BrokenThreadPool")


def test_a_cancel_that_comes_too_late(carrier):
    def alice(state):
        with ThreadPoolExecutor(1) as pool:
            future = pool.submit(increment, state)
            state.cancelled = future.cancel()

    finds(carrier, setup, {"alice": alice}, lambda state: state.cancelled)
    holds(carrier, setup, {"alice": alice}, lambda state: state.cancelled != bool(state.value))


def test_a_shutdown_that_does_not_wait(carrier):
    def alice(state):
        pool = ThreadPoolExecutor(1)
        pool.submit(increment, state)
        pool.shutdown(wait=state.waits)
        state.seen.append(state.value)

    right = {"alice": alice}
    finds(carrier, lambda: State(value=0, seen=[], waits=False), right, lambda state: state.seen == [1])
    holds(carrier, lambda: State(value=0, seen=[], waits=True), right, lambda state: state.seen == [1])


def test_a_shutdown_that_cancels(carrier):
    def alice(state):
        pool = ThreadPoolExecutor(1)
        state.seen += [pool.submit(guarded_increment, state) for _ in range(2)]
        pool.shutdown(cancel_futures=True)

    def is_accounted_for(state):
        return state.value == sum(not future.cancelled() for future in state.seen)

    finds(carrier, setup, {"alice": alice}, both_counted)
    verdict = lab.explore(setup, {"alice": alice}, check=is_accounted_for, carrier=carrier, schedules=2_000)
    assert verdict.status == "holds" or "runs when garbage is collected" in verdict.reason, verdict.reason


def test_a_task_that_comes_after_the_shutdown(carrier):
    def make():
        return State(pool=ThreadPoolExecutor(1))

    finds(
        carrier,
        make,
        {"alice": lambda state: state.pool.shutdown(), "bob": lambda state: state.pool.submit(len, "")},
        kind="exception",
        message="RuntimeError: cannot schedule new futures after shutdown left bob",
    )


def test_a_future_that_two_set(carrier):
    def settle(state):
        if not state.future.done():
            state.future.set_result(1)

    def settle_once(state):
        with state.lock:
            settle(state)

    def make():
        return State(future=Future(), lock=threading.Lock())

    finds(carrier, make, [settle, settle], kind="exception", message="InvalidStateError")
    holds(carrier, make, [settle_once, settle_once], lambda state: state.future.result() == 1)


@pytest.mark.parametrize("look", [Future.result, Future.exception, lambda future: wait([future])])
def test_a_future_that_nobody_sets(carrier, look):
    finds(carrier, Future, {"alice": look}, kind="deadlock")


def test_a_future_that_a_task_waits_for_in_its_own_pool(carrier):
    def alice(state):
        with ThreadPoolExecutor(1) as pool:
            pool.submit(lambda: wait([pool.submit(len, "")])).result()

    finds(carrier, setup, {"alice": alice}, kind="deadlock")


@pytest.mark.parametrize("use", ["wait", "as_completed"])
def test_results_that_are_taken_for_the_order_of_the_tasks(carrier, use):
    def alice(state):
        with ThreadPoolExecutor(2) as pool:
            futures = [pool.submit(int, number) for number in range(2)]
            found = as_completed(futures) if use == "as_completed" else wait(futures, return_when=FIRST_COMPLETED)[0]
            state.seen += [future.result() for future in found]

    finds(carrier, setup, {"alice": alice}, lambda state: state.seen == [0, 1], seed=1)


def test_the_results_of_map_come_in_the_order_of_the_tasks(carrier):
    def alice(state):
        with ThreadPoolExecutor(2) as pool:
            state.seen += pool.map(abs, [1, -2])

    is_not_reported(carrier, setup, {"alice": alice}, lambda state: state.seen == [1, 2], because=BUDGET)


def test_a_set_of_futures_is_one(carrier):
    """It comes in another order only."""

    def alice(state):
        futures = [Future() for _ in range(3)]
        for future in reversed(futures):
            future.set_result(None)
        done, rest = wait(futures, return_when=FIRST_EXCEPTION)
        assert isinstance(done, set)
        assert done == set(futures)
        assert rest == set()
        assert repr(rest) == "set()"
        assert list(done) == futures == list(done | {futures[0]})
        assert list(done - {futures[1]}) == [futures[0], futures[2]]
        done.discard(futures[0])
        assert len(done) == 2
        assert futures[0] not in done
        state.seen.append(1)

    verdict = is_not_reported(
        carrier, setup, {"alice": alice}, because=r".*goes through a set of Future in the order of their hashes.*"
    )
    assert verdict.failure is None
