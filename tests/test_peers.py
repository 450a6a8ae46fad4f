"""What went wrong in comparable tools: each defect is a test named after what must not happen."""

from __future__ import annotations

import collections
import logging
import queue
import random
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from controlled import State, failure

from lab import explore, hammer, replay

AT_MODULE_LEVEL = threading.Lock()
strategies = pytest.mark.parametrize("strategy", ["random", "pct"])


class Counter:
    def __init__(self):
        self.value = 0
        self.lock = threading.Lock()

    def add(self):
        current = self.value
        self.value = current + 1


def value(counter):
    return counter.value


def reached(setup, actors, outcome, strategy, schedules=300, **options):
    """Every outcome that the strategy comes to; it must find no failure."""
    found = explore(setup, actors, outcome=outcome, strategy=strategy, schedules=schedules, **options)
    assert found.failure is None, str(found)
    assert (found.status, found.uncontrolled) == ("unknown", ())
    return set(found.outcomes)


# ------------------------------------------------------------ 1: only one order of two critical sections


def appender(item, how):
    def act(state):
        how(state, item)

    return act


def with_lock(state, item):
    with state.lock:
        state.items.append(item)


def with_semaphore(state, item):
    with state.semaphore:
        state.items.append(item)


def with_queue(state, item):
    state.queue.put(item)


def in_order(state):
    while state.queue.qsize():
        state.items.append(state.queue.get())
    return tuple(state.items)


@strategies
@pytest.mark.parametrize("make", [threading.Lock, threading.RLock])
def test_1_a_lock_does_not_hide_the_other_order(make, strategy):
    def setup():
        return State(items=[], lock=make(), queue=queue.Queue())

    actors = [appender(0, with_lock), appender(1, with_lock)]
    assert reached(setup, actors, in_order, strategy) == {(0, 1), (1, 0)}


@strategies
@pytest.mark.parametrize("how", [with_semaphore, with_queue])
def test_1_a_semaphore_or_queue_does_not_hide_the_other_order(how, strategy):
    def setup():
        return State(items=[], semaphore=threading.Semaphore(1), queue=queue.Queue())

    assert reached(setup, [appender(0, how), appender(1, how)], in_order, strategy) == {(0, 1), (1, 0)}


# ------------------------------------------------------------ 2, 3: tests of containers


@strategies
def test_2_membership_is_not_overlooked(strategy):
    def make_once(state):
        if "key" not in state:
            state["key"] = state.get("key", 0) + 1
            state["made"] = state.get("made", 0) + 1

    assert reached(dict, [make_once, make_once], lambda state: state["made"], strategy) == {1, 2}


@strategies
@pytest.mark.parametrize("empty", [dict, list, set, collections.deque])
def test_2_the_truth_of_a_container_is_not_overlooked(empty, strategy):
    def add_if_empty(state):
        if not state.container:
            state.entered.append(1)
            fill = getattr(state.container, "append", None) or getattr(state.container, "add", None)
            fill(1) if fill else state.container.update(key=1)

    def setup():
        return State(container=empty(), entered=[])

    assert reached(setup, [add_if_empty, add_if_empty], lambda state: len(state.entered), strategy) == {1, 2}


@strategies
def test_3_a_deque_that_was_just_seen_to_hold_something_may_be_empty(strategy):
    def take(items):
        if items:
            items.popleft()

    assert failure(lambda: collections.deque([1]), {"alice": take, "bob": take}, strategy=strategy)[:2] in {
        ("exception", f"IndexError: pop from an empty deque left {name}") for name in ("alice", "bob")
    }


# ------------------------------------------------------------ 4: threads started inside an actor


def start_threads(counter):
    threads = [threading.Thread(target=counter.add) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def start_executor(counter):
    with ThreadPoolExecutor(max_workers=2) as executor:
        for future in [executor.submit(counter.add) for _ in range(2)]:
            future.result()


@strategies
@pytest.mark.parametrize("start", [start_threads, start_executor])
def test_4_threads_started_inside_an_actor_do_not_escape(start, strategy):
    assert reached(Counter, [start], value, strategy) == {1, 2}


# ------------------------------------------------------------ 5: the standard library


def test_5_a_race_inside_the_standard_library_is_found_when_it_is_traced():
    def count(counter):
        counter.update({"key": 1})

    def total(counter):
        return counter["key"]

    options = {"outcome": total, "schedules": 300, "strategy": "random"}
    assert set(explore(collections.Counter, [count, count], trace=["collections"], **options).outcomes) == {1, 2}


def test_5_the_standard_library_is_never_certified():
    def count(counter):
        counter.update({"key": 1})

    found = explore(collections.Counter, [count, count], check=lambda counter: counter["key"] == 2, schedules=50)
    assert found.status != "holds"


# ------------------------------------------------------------ 6, 9, 14, 15: waiting


class Buffer:
    """A bounded buffer, right with ``while`` and wrong with ``if``."""

    def __init__(self):
        self.condition = threading.Condition()
        self.items = []

    def put(self, item):
        with self.condition:
            self.items.append(item)
            self.condition.notify_all()

    def get_with_while(self):
        with self.condition:
            while not self.items:
                self.condition.wait()
            return self.items.pop()

    def get_with_if(self):
        with self.condition:
            if not self.items:
                self.condition.wait()
            return self.items.pop()


@strategies
def test_6_virtual_time_does_not_hide_a_lost_wakeup(strategy):
    def wait(buffer):
        with buffer.condition:
            buffer.condition.wait()

    def notify(buffer):
        with buffer.condition:
            buffer.condition.notify()

    assert failure(Buffer, {"alice": wait, "bob": notify}, strategy=strategy)[:2] == (
        "lost wakeup",
        "alice waits on buffer.condition, and no one is left to notify it",
    )


@strategies
def test_9_a_buffer_with_if_instead_of_while_is_not_certified(strategy):
    actors = {"alice": Buffer.get_with_if, "bob": Buffer.get_with_if, "carol": lambda buffer: buffer.put(1)}
    told = failure(Buffer, actors, strategy=strategy, schedules=2000)[:2]
    assert told in {("exception", f"IndexError: pop from empty list left {name}") for name in ("alice", "bob")} | {
        ("lost wakeup", f"{name} waits on buffer.condition, and no one is left to notify it") for name in ("alice", "bob")
    }


@strategies
def test_14_a_correct_while_loop_is_not_inconclusive(strategy):
    actors = [Buffer.get_with_while, Buffer.get_with_while, lambda buffer: (buffer.put(1), buffer.put(2))]
    assert reached(Buffer, actors, lambda buffer: len(buffer.items), strategy) == {0}


@strategies
def test_14_a_barrier_is_no_timeout(strategy):
    def meet(state):
        state.ranks.append(state.barrier.wait())

    def setup():
        return State(barrier=threading.Barrier(2), ranks=[])

    assert reached(setup, [meet, meet], lambda state: tuple(sorted(state.ranks)), strategy) == {(0, 1)}


@strategies
def test_14_a_spin_wait_is_no_timeout(strategy):
    def spin(counter):
        while not counter.value:
            pass

    assert reached(Counter, [spin, Counter.add], value, strategy) == {1}


def test_14_an_event_that_is_never_set_is_no_timeout():
    assert failure(threading.Event, {"alice": lambda event: event.wait()})[0] == "deadlock"


def test_15_a_lost_wakeup_is_no_deadlock_and_a_spin_loop_no_hang():
    def wait(buffer):
        with buffer.condition:
            buffer.condition.wait()

    def spin(buffer):
        while not buffer.items:
            pass

    assert failure(Buffer, {"alice": wait})[0] == "lost wakeup"
    assert failure(Buffer, {"alice": spin}, steps=200)[0] == "livelock"


# ------------------------------------------------------------ 7, 8: budgets and bounds


def test_7_a_budget_of_one_execution_certifies_nothing():
    seen = set()
    for seed in range(20):
        found = explore(Counter, [Counter.add] * 2, check=lambda counter: counter.value == 2, schedules=1, seed=seed)
        seen.add((found.status, found.schedules, found.reason))
    assert seen == {("unknown", 1, "no failure in 1 schedule"), ("fails", 1, "failed in schedule 1")}


@strategies
def test_7_a_cut_off_search_certifies_nothing(strategy):
    def add(counter):
        with counter.lock:
            counter.add()

    found = explore(Counter, [add] * 2, check=lambda counter: counter.value == 2, schedules=20, strategy=strategy)
    assert (found.status, found.schedules, found.reason) == ("unknown", 20, "no failure in 20 schedules")


@strategies
def test_8_a_bug_that_needs_three_switches_is_not_out_of_reach(strategy):
    """Alice must stand still three times: bob's steps fit in only between hers."""

    def alice(state):
        state.first = state.flag
        state.second = state.flag
        state.third = state.flag

    def bob(state):
        state.flag = 1
        state.flag = 2

    def seen(state):
        return state.first, state.second, state.third

    assert (0, 1, 2) in reached(lambda: State(flag=0), [alice, bob], seen, strategy, schedules=4000)


# ------------------------------------------------------------ 12, 13: what must not be an alarm


@strategies
def test_12_the_threading_module_is_not_the_model_failing(strategy):
    class Worker(threading.Thread):
        def run(self):
            assert threading.current_thread() is self
            logging.getLogger(__name__).debug("in %s", self.name)

    def act(state):
        assert threading.current_thread().name in ("alice", "bob")
        worker = Worker()
        worker.start()
        timer = threading.Timer(1, state.fired.append, [1])
        timer.start()
        worker.join()
        timer.join()

    actors = {"alice": act, "bob": act}
    assert reached(lambda: State(fired=[]), actors, lambda state: len(state.fired), strategy, 40) == {2}


@strategies
def test_13_a_lock_of_the_module_is_no_hang(strategy):
    def add(counter):
        with AT_MODULE_LEVEL:
            counter.add()

    assert reached(Counter, [add, add], value, strategy) == {2}


# ------------------------------------------------------------ 16: order that synchronization gives


@strategies
def test_16_acquire_and_release_start_and_join_are_order(strategy):
    def by_calls(counter):
        counter.lock.acquire()
        counter.add()
        counter.lock.release()

    def by_thread(counter):
        for _ in range(2):
            thread = threading.Thread(target=counter.add)
            thread.start()
            thread.join()

    assert reached(Counter, [by_calls, by_calls], value, strategy) == {2}
    assert reached(Counter, [by_thread], value, strategy) == {2}


# ------------------------------------------------------------ 17, 18: exceptions


def test_17_an_exception_comes_with_its_schedule():
    def act(counter):
        before = counter.value
        counter.add()
        if counter.value != before + 1:
            raise RuntimeError("disturbed")

    found = explore(Counter, {"alice": act, "bob": act}, schedules=100, strategy="random")
    who = found.witness.last
    assert str(found.failure) == f"exception: RuntimeError: disturbed left {who}"
    assert {step.actor for step in found.witness.trace.steps} == {"alice", "bob"}
    assert found.witness.trace.switches >= 2
    assert str(found.witness.trace.schedule).count("*") == found.witness.trace.switches + 1


def test_18_a_system_exit_neither_passes_nor_hangs():
    def leave(state):
        raise SystemExit(1)

    assert failure(lambda: None, {"alice": lambda state: None, "bob": leave})[:2] == (
        "exception",
        "SystemExit: 1 left bob",
    )


# ------------------------------------------------------------ 19: nothing stays behind


def test_19_no_thread_is_left_alive():
    before = threading.enumerate()

    def block(state):
        threading.Thread(target=threading.Event().wait).start()
        threading.Event().wait(3600)
        threading.Event().wait()

    assert failure(lambda: None, {"alice": block})[0] == "deadlock"
    assert threading.enumerate() == before


# ------------------------------------------------------------ 21: randomness in the program


def test_21_randomness_of_the_program_does_not_spoil_a_replay():
    def gamble(counter):
        for _ in range(3):
            if random.random() < 0.5:
                counter.add()
            else:
                counter.value += 1

    program = {"setup": Counter, "actors": [gamble, gamble], "outcome": value, "allowed": {6}}
    found = explore(**program, schedules=500)
    assert found.status == "fails"
    for _ in range(20):
        again = replay(found.witness, **program)
        assert (again.status, again.failure) == ("fails", found.failure)


# ------------------------------------------------------------ 22, 23: running for real


def test_22_rounds_in_which_nothing_overlapped_are_told():
    quiet = hammer(Counter, [Counter.add], rounds=50, noise=0)
    assert quiet.overlap == 0.0
    assert quiet.status == "unknown"


def test_23_an_unlocked_increment_is_lost_though_the_interpreter_hardly_ever_loses_it():
    found = explore(Counter, [Counter.add] * 2, outcome=value, allowed={2}, schedules=100)
    assert str(found.failure) == "outcome: outcome 1 (allowed: 2)"
