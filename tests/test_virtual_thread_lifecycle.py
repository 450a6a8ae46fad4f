"""Threads that the program starts: they race, they are waited for, and they end."""

from __future__ import annotations

import _thread
import asyncio
import concurrent.futures
import threading
import time

import pytest
from controlled import Counter, State, outcomes, under_control, value

from lab import explore, replay

# ------------------------------------------------------------ children are controlled


def start_and_join(targets):
    threads = [threading.Thread(target=target) for target in targets]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


class Adder(threading.Thread):
    def __init__(self, counter):
        super().__init__()
        self.counter = counter

    def run(self):
        self.counter.add()


def by_thread(counter):
    start_and_join([counter.add, counter.add])


def by_subclass(counter):
    adders = [Adder(counter), Adder(counter)]
    for adder in adders:
        adder.start()
    for adder in adders:
        adder.join()


def by_map(counter):
    adders = [Adder(counter), Adder(counter)]
    list(map(threading.Thread.start, adders))
    list(map(threading.Thread.join, adders))


def by_nesting(counter):
    start_and_join([lambda: start_and_join([counter.add]), counter.add])


def by_timer(counter):
    timers = [threading.Timer(delay, counter.add) for delay in (1, 1)]
    for timer in timers:
        timer.start()
    for timer in timers:
        timer.join()


def by_executor(counter):
    with concurrent.futures.ThreadPoolExecutor(2) as executor:
        executor.submit(counter.add)
        executor.submit(counter.add)


def by_executor_map(counter):
    with concurrent.futures.ThreadPoolExecutor(2) as executor:
        list(executor.map(Counter.add, [counter, counter]))


def by_raw_thread(counter):
    done = []

    def child():
        counter.add()
        done.append(1)

    for _ in range(2):
        _thread.start_new_thread(child, ())
    while len(done) < 2:
        time.sleep(1)


def by_asyncio(counter):
    async def both():
        await asyncio.gather(asyncio.to_thread(counter.add), asyncio.to_thread(counter.add))

    asyncio.run(both())


WAYS = [by_thread, by_subclass, by_map, by_nesting, by_timer, by_executor, by_executor_map, by_raw_thread]


@pytest.mark.parametrize("way", WAYS)
def test_threads_started_by_an_actor_race(way):
    assert outcomes(Counter, [way], value, 120) == {1, 2}


def test_threads_started_by_to_thread_race():
    assert outcomes(Counter, [by_asyncio], value, 150, strategy="random") == {1, 2}


@pytest.mark.parametrize("way", [by_thread, by_executor])
def test_a_child_ends_before_its_join_returns(way):
    class Locked(Counter):
        def __init__(self):
            super().__init__()
            self.lock = threading.Lock()

        def add(self):
            with self.lock:
                super().add()

    def use(counter):
        way(counter)
        counter.done = counter.value

    assert outcomes(Locked, [use], lambda counter: counter.done, 60) == {2}


def test_a_thread_started_in_setup_runs_beside_the_actors():
    def setup():
        counter = Counter()
        counter.thread = threading.Thread(target=counter.add)
        counter.thread.start()
        return counter

    def add_and_join(counter):
        counter.add()
        counter.thread.join()

    assert outcomes(setup, [add_and_join], value, 100) == {1, 2}


def test_a_thread_that_nobody_joins_is_waited_for():
    def start(counter):
        threading.Thread(target=counter.add).start()

    assert outcomes(Counter, [start], value, 20) == {1}


def test_a_daemon_goes_on_or_not_when_the_actors_have_ended():
    def serve(state):
        while True:
            state.queue.acquire()
            state.served += 1

    def start(state):
        threading.Thread(target=serve, args=(state,), daemon=True).start()
        state.queue.release()

    def setup():
        return State(queue=threading.Semaphore(0), served=0)

    assert outcomes(setup, [start], lambda state: state.served, 60) == {0, 1}


def test_is_alive_tells_both_ways():
    def start(state):
        thread = threading.Thread(target=lambda: None)
        thread.start()
        state.alive = thread.is_alive()

    assert outcomes(State, [start], lambda state: state.alive, 60) == {True, False}


def test_a_join_with_a_short_timeout_ends_both_ways():
    def start(state):
        thread = threading.Thread(target=setattr, args=(state, "done", True))
        thread.start()
        thread.join(1)
        state.seen = state.done
        thread.join(20)
        state.later = state.done

    assert outcomes(lambda: State(done=False), [start], lambda s: (s.seen, s.later), 60) == {
        (True, True),
        (False, True),
    }


def test_a_thread_is_not_alive_after_the_run():
    threads = []

    def start(state):
        event = threading.Event()
        for target in (int, event.wait):
            threads.append(threading.Thread(target=target, daemon=True))
            threads[-1].start()

    explore(lambda: None, [start], schedules=3)
    assert len(threads) >= 6
    assert [thread.is_alive() for thread in threads] == [False] * len(threads)
    assert [thread.join() for thread in threads] == [None] * len(threads)


def test_a_real_thread_is_joined_for_real():
    told = []
    outside = threading.Thread(target=told.append, args=(1,))
    outside.start()

    def body():
        alive = outside.is_alive()
        outside.join()
        return alive in (True, False), outside.is_alive(), told

    assert under_control(body) == (True, False, [1])


def test_a_failure_beside_a_daemon_is_replayed():
    """What the daemon did before the last actor ended is part of the schedule."""

    def serve(state):
        while True:
            state.queue.acquire()
            state.served += 1

    def start(state):
        threading.Thread(target=serve, args=(state,), daemon=True).start()
        state.queue.release(3)

    def setup():
        return State(queue=threading.Semaphore(0), served=0)

    for forbidden in (1, 2, 3):
        program = {"check": lambda state, forbidden=forbidden: state.served != forbidden}
        found = explore(setup, [start], schedules=300, **program)
        assert found.status == "fails", str(found)
        for _ in range(2):
            again = replay(found.witness, setup, [start], **program)
            assert (again.status, again.failure.kind) == ("fails", "check"), str(again)
