"""Timers, thread-local data, barriers, conditions, semaphores and queues, in unusual uses as well."""

from __future__ import annotations

import queue
import sys
import threading

import pytest

from tests.library.judging import State, both_counted, finds, guarded_increment, holds, increment, is_not_reported


def setup():
    return State(value=0, lock=threading.Lock(), seen=[], stop=False)


def by_timers(act):
    def alice(state):
        timers = [threading.Timer(0.1, act, (state,)) for _ in range(2)]
        for timer in timers:
            timer.start()
        for timer in timers:
            timer.join()

    return {"alice": alice}


def test_timers(carrier):
    finds(carrier, setup, by_timers(increment), both_counted)
    is_not_reported(carrier, setup, by_timers(guarded_increment), both_counted, because=r".*wait until a moment.*")


def test_a_timer_that_is_cancelled_too_late(carrier):
    def alice(state):
        timer = threading.Timer(0.1, increment, (state,))
        timer.start()
        timer.cancel()
        timer.join()

    finds(carrier, setup, {"alice": alice}, lambda state: state.value == 0)
    finds(carrier, setup, {"alice": alice}, lambda state: state.value == 1)


class Own(threading.local):
    value = 0

    def __init__(self, start):
        self.value = start


def test_thread_local_data(carrier):
    def change(state):
        increment(state.own)
        state.seen.append(state.own.value)

    def check(state):
        return state.seen == [6, 6] and state.own.value == 5

    holds(carrier, lambda: State(own=Own(5), seen=[]), [change, change], check)
    finds(carrier, lambda: State(own=State(value=5), seen=[]), [change, change], lambda state: state.own.value == 7)


def test_what_is_kept_in_the_wrong_place(carrier):
    """The list is one, though it is reached through what each thread has its own of."""

    def make():
        shared = State(value=0)
        local = threading.local()
        return State(local=local, shared=shared)

    def act(state):
        state.local.shared = state.shared
        increment(state.local.shared)

    finds(carrier, make, [act, act], lambda state: state.shared.value == 2)


def test_asking_who_runs(carrier):
    def alice(state):
        before = threading.active_count()
        thread = threading.Thread(target=increment, args=(state,))
        thread.start()
        state.seen.append(threading.active_count() - before)
        thread.join()

    def bob(state):
        thread = threading.Thread(target=increment, args=(state,), name="helper")
        thread.start()
        thread.join()
        assert threading.current_thread() in threading.enumerate()
        assert "helper" not in [one.name for one in threading.enumerate()]

    # the end of a thread is no step of its own, so a witness does not hold when it came
    finds(carrier, setup, {"alice": alice}, lambda state: state.seen == [1], replays=False)
    is_not_reported(carrier, setup, {"bob": bob}, because=r".*it was asked whether a thread has ended.*")


def test_a_barrier_keeps_phases_apart(carrier):
    def make():
        return State(barrier=threading.Barrier(2), left=0, right=0, seen=[])

    def actor(mine, other, keeps):
        def act(state):
            setattr(state, mine, 1)
            if keeps:
                state.barrier.wait()
            state.seen.append(getattr(state, other))

        return act

    def both(keeps):
        return {"alice": actor("left", "right", keeps), "bob": actor("right", "left", keeps)}

    finds(carrier, make, both(False), lambda state: state.seen == [1, 1])
    holds(carrier, make, both(True), lambda state: state.seen == [1, 1])


def test_an_action_and_a_broken_barrier(carrier):
    def make():
        state = State(seen=[])
        state.barrier = threading.Barrier(2, action=lambda: state.seen.append(1))
        return state

    holds(carrier, make, [lambda state: state.barrier.wait()] * 2, lambda state: state.seen == [1])
    finds(
        carrier,
        make,
        {"alice": lambda state: state.barrier.wait(), "bob": lambda state: state.barrier.abort()},
        kind="exception",
        message="BrokenBarrierError",
    )
    finds(carrier, make, [lambda state: state.barrier.wait()], kind="deadlock")


def consuming(waits):
    def consume(state):
        with state.condition:
            waits(state)
            state.seen.append(state.items.pop())

    return consume


def produce(state):
    with state.condition:
        state.items.append(1)
        state.condition.notify()


def if_empty(state):
    if not state.items:
        state.condition.wait()


def until_there_is_one(state):
    state.condition.wait_for(lambda: state.items)


def test_waiting_for_what_another_takes(carrier):
    def make():
        return State(condition=threading.Condition(), items=[], seen=[])

    def actors(waits):
        return {"alice": consuming(waits), "bob": consuming(waits), "carol": produce, "dave": produce}

    finds(carrier, make, actors(if_empty), kind="exception", message="pop from empty list", schedules=4_000)
    holds(carrier, make, actors(until_there_is_one), lambda state: state.seen == [1, 1])


def test_a_notification_that_nobody_hears(carrier):
    def make():
        return State(condition=threading.Condition(), items=[], seen=[])

    def wait(state):
        with state.condition:
            state.condition.wait()

    finds(carrier, make, {"alice": wait, "carol": produce}, kind="lost wakeup")
    holds(carrier, make, {"alice": consuming(until_there_is_one), "carol": produce}, lambda state: state.seen == [1])


def test_semaphores(carrier):
    def use(state):
        with state.semaphore:
            increment(state)

    def release(state):
        state.semaphore.release()

    def acquired():
        state = make(threading.BoundedSemaphore, 1)()
        state.semaphore.acquire()
        return state

    def make(kind, count):
        return lambda: State(semaphore=kind(count), value=0)

    finds(carrier, make(threading.Semaphore, 2), [use, use], both_counted)
    holds(carrier, make(threading.BoundedSemaphore, 1), [use, use], both_counted)
    finds(
        carrier,
        acquired,
        [release, release],
        kind="exception",
        message="Semaphore released too many times",
    )


QUEUES = {
    "Queue": (queue.Queue, [1, 2]),
    "LifoQueue": (queue.LifoQueue, [2, 1]),
    "PriorityQueue": (queue.PriorityQueue, [1, 2]),
    "SimpleQueue": (queue.SimpleQueue, [1, 2]),
}


@pytest.mark.parametrize(("make", "order"), QUEUES.values(), ids=QUEUES)
def test_queues(carrier, make, order):
    def put(state):
        state.queue.put(1)
        state.queue.put(2)

    def get(state):
        state.seen += [state.queue.get(), state.queue.get()]

    def get_in_vain(state):
        if not state.queue.empty():
            state.seen.append(state.queue.get_nowait())

    def fresh():
        return State(queue=make(), seen=[])

    def filled():
        state = fresh()
        state.queue.put(1)
        return state

    actors = {"alice": put, "bob": get}
    if order == [2, 1]:
        finds(carrier, fresh, actors, lambda state: state.seen == order)
    else:
        holds(carrier, fresh, actors, lambda state: state.seen == order)
    holds(carrier, fresh, actors, lambda state: sorted(state.seen) == [1, 2])
    finds(carrier, filled, [get_in_vain] * 2, kind="exception", message="Empty")
    finds(carrier, fresh, {"bob": get, "alice": lambda state: state.queue.put(1)}, kind="deadlock")


def test_tasks_of_a_queue(carrier):
    def work(state):
        state.queue.get()
        state.value += 1
        state.queue.task_done()

    def work_too_soon(state):
        state.queue.get()
        state.queue.task_done()
        state.value += 1

    def wait(state):
        state.queue.join()
        state.seen.append(state.value)

    def make():
        state = State(queue=queue.Queue(), value=0, seen=[])
        state.queue.put(1)
        return state

    finds(carrier, make, {"alice": work_too_soon, "bob": wait}, lambda state: state.seen == [1])
    holds(carrier, make, {"alice": work, "bob": wait}, lambda state: state.seen == [1])


@pytest.mark.skipif(sys.version_info < (3, 13), reason="since Python 3.13")
def test_a_queue_that_is_shut_down(carrier):
    def put(state):
        state.queue.put(1)

    def put_if_open(state):
        try:
            state.queue.put(1)
        except queue.ShutDown:
            state.seen.append("shut")

    def shut(state):
        state.queue.shutdown()

    def drain(state):
        try:
            while True:
                state.seen.append(state.queue.get())
        except queue.ShutDown:
            pass

    def make():
        return State(queue=queue.Queue(), seen=[])

    finds(carrier, make, {"alice": put, "bob": shut}, kind="exception", message="ShutDown")
    holds(carrier, make, {"alice": put_if_open, "bob": shut, "carol": drain}, lambda state: len(state.seen) == 1)
