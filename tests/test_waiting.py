"""Loops that wait for what another actor does: a round in which nothing happens is not explored."""

import queue
import threading
import time
from types import SimpleNamespace

import pytest

import lab
from lab.strategies.dpor import SourceSets
from tests.test_carriers import BOTH


class Shared:
    def __init__(self):
        self.flag = self.ready = False
        self.value = self.turn = self.tries = 0
        self.lock, self.again = threading.Lock(), threading.RLock()
        self.event = threading.Event()
        self.queue = queue.Queue(1)
        self.permit = threading.Semaphore(0)
        self.log = []

    def is_ready(self):
        return self.flag and self.ready


def publish(shared):
    shared.value = 1
    shared.ready = True
    shared.flag = True


def publish_locked(shared):
    with shared.lock:
        publish(shared)


def publish_late(shared):
    time.sleep(0.1)
    publish(shared)


def spin(shared):
    while not shared.flag:
        pass
    assert shared.value == 1


def spin_asleep(shared):
    while not shared.flag:
        time.sleep(0.01)
    assert shared.value == 1


def spin_in_method(shared):
    while not shared.is_ready():
        time.sleep(0)
    assert shared.value == 1


def spin_with_lock(shared):
    while True:
        with shared.lock:
            if shared.flag:
                break
    assert shared.value == 1


def spin_with_reentrant_lock(shared):
    while True:
        with shared.again, shared.again:
            if shared.flag:
                break


def spin_and_remember(shared):
    seen = False
    while not seen:
        seen = shared.flag
    assert shared.value == 1


def spin_then(inner):
    def spin_first(shared):
        while not shared.ready:
            inner(shared)

    return spin_first


def try_lock(shared):
    while not shared.lock.acquire(blocking=False):
        pass
    shared.value += 1
    shared.lock.release()


def lock_in_time(shared):
    while not shared.lock.acquire(timeout=0.1):
        pass
    shared.value += 1
    shared.lock.release()


def put(shared):
    shared.queue.put(1)


def get_when_not_empty(shared):
    while shared.queue.empty():
        pass
    shared.queue.get()


def get_in_a_loop(shared):
    while True:
        try:
            return shared.queue.get_nowait()
        except queue.Empty:
            pass


def get_in_time(shared):
    while True:
        try:
            return shared.queue.get(timeout=0.5)
        except queue.Empty:
            continue


def set_event(shared):
    shared.event.set()


def ask_event(shared):
    while not shared.event.is_set():
        pass


def wait_for_event(shared):
    while not shared.event.wait(0.05):
        pass


def release(shared):
    shared.permit.release()


def try_permit(shared):
    while not shared.permit.acquire(blocking=False):
        pass


def take_turns(me):
    def play(shared):
        for _ in range(2):
            while shared.turn != me:
                pass
            shared.tries += 1
            shared.turn = 1 - me

    return play


def compare_and_swap(shared):
    while True:
        old = shared.value
        with shared.lock:
            if shared.value == old:
                shared.value = old + 1
                return


PROVED = {
    "a flag": ([publish, spin], 1),
    "a flag, and two who wait": ([publish, spin, spin], 1),
    "asleep": ([publish, spin_asleep], 1),
    "in a method": ([publish, spin_in_method], 1),
    "with a lock": ([publish_locked, spin_with_lock], 1),
    "with a lock that the other does not take": ([publish, spin_with_lock], 1),
    "two with one lock": ([publish, spin_with_lock, spin_with_lock], 2),
    "with a reentrant lock": ([publish, spin_with_reentrant_lock], 1),
    "what was seen": ([publish, spin_and_remember], 1),
    "one loop in another": ([publish, spin_then(spin)], 2),  # the outer one is not entered, or is
    "trying a lock": ([try_lock, try_lock], 2),
    "trying a lock, three": ([try_lock] * 3, 6),
    "a queue that is empty": ([put, get_when_not_empty], 1),
    "an exception": ([put, get_in_a_loop], 1),
    "a queue, in time": ([put, get_in_time], 1),
    "a lock, in time": ([lock_in_time, try_lock], 2),
    "an event, in time": ([set_event, wait_for_event], 2),  # set before it is waited for, or while it is
    "an event": ([set_event, ask_event], 1),
    "a semaphore": ([release, try_permit], 1),
    "turns": ([take_turns(0), take_turns(1)], 1),
    "compare and swap": ([compare_and_swap] * 2, 4),
}
"""Name -> the actors, and how many classes of schedules there are when nobody goes round for nothing."""


@pytest.mark.parametrize("name", PROVED)
def test_a_wait_in_a_loop_is_proved(name):
    actors, classes = PROVED[name]
    verdict = lab.explore(Shared, actors, strategy="dpor", schedules=3_000)
    assert verdict.status == "holds", str(verdict)
    assert verdict.schedules == classes


@pytest.mark.parametrize("name", ["a flag", "trying a lock"])
def test_the_usual_strategy_proves_it_as_well(name):
    actors, classes = PROVED[name]
    verdict = lab.explore(Shared, actors, schedules=3_000)
    assert (verdict.status, verdict.schedules) == ("holds", classes), str(verdict)


@pytest.mark.parametrize("carrier", BOTH)
def test_the_carriers_agree(carrier):
    actors = [publish, spin_in_method, spin_with_lock, get_when_not_empty, put]
    verdict = lab.explore(Shared, actors, strategy="dpor", carrier=carrier, schedules=500)
    assert (verdict.status, verdict.schedules) == ("holds", 1), str(verdict)
    assert verdict.uncontrolled == ()


@pytest.mark.parametrize("actor", [spin, spin_asleep, spin_in_method, spin_with_lock, ask_event, try_permit])
def test_what_never_comes_is_waited_for_without_end(actor):
    def write(shared):
        shared.flag = False
        shared.event.clear()
        with shared.lock:
            shared.value = 2

    verdict = lab.explore(Shared, [write, actor], strategy="dpor", schedules=100, steps=600)
    assert verdict.failure is not None, str(verdict)
    assert verdict.failure.kind == "livelock"


def test_what_comes_too_early_in_one_order_only_is_found():
    def pulse(shared):
        shared.flag = True
        shared.flag = False

    verdict = lab.explore(Shared, [pulse, spin_asleep], strategy="dpor", schedules=1_000, steps=600)
    assert verdict.failure is not None, str(verdict)
    assert verdict.failure.kind == "livelock"


def test_two_who_wait_for_each_other():
    def first(shared):
        while not shared.flag:
            pass
        shared.ready = True

    def second(shared):
        while not shared.ready:
            pass
        shared.flag = True

    verdict = lab.explore(Shared, [first, second], strategy="dpor", schedules=100, steps=600)
    assert verdict.failure is not None, str(verdict)
    assert verdict.failure.kind == "livelock"


def test_a_failure_behind_the_loop_is_found_and_replayed():
    def publish_early(shared):
        shared.flag = True
        shared.value = 1

    verdict = lab.explore(Shared, [publish_early, spin], strategy="dpor", schedules=1_000)
    verdict.assert_fails()
    assert verdict.failure.kind == "exception"
    again = lab.replay(verdict.witness, Shared, [publish_early, spin])
    assert again.status == "fails", str(again)


def count_rounds(shared):
    rounds = 0
    while not shared.flag and rounds < 3:
        rounds += 1
    shared.tries = rounds


def count_in_the_object(shared):
    while not shared.flag and shared.tries < 3:
        shared.tries += 1


def count_in_a_list(shared):
    while not shared.flag and len(shared.log) < 3:
        shared.log.append(1)
    shared.tries = len(shared.log)


def count_in_an_iterator(shared):
    rounds = iter("abc")
    while not shared.flag and next(rounds, None):
        pass
    shared.tries = 3 - len([*rounds])


def count_in_a_generator(shared):
    for shared.tries in range(4):
        if shared.flag:
            break


@pytest.mark.parametrize(
    "actor", [count_rounds, count_in_the_object, count_in_a_list, count_in_an_iterator, count_in_a_generator]
)
def test_rounds_that_leave_something_are_all_explored(actor, monkeypatch):
    monkeypatch.setattr(SourceSets, "_PATIENCE", 1)  # so that loops are looked for at once
    verdict = lab.explore(Shared, [actor, publish], strategy="dpor", outcome=tries, schedules=500)
    assert verdict.status == "holds", str(verdict)
    assert set(verdict.outcomes) == {0, 1, 2, 3}


def tries(shared):
    return shared.tries


def test_rounds_in_which_what_is_not_known_is_called_are_explored():
    calls = iter(range(10**9))

    def spin_and_call(shared):
        while not shared.flag:
            SimpleNamespace(number=next(calls))

    verdict = lab.explore(Shared, [publish, spin_and_call], strategy="dpor", schedules=8)
    assert verdict.status == "unknown", str(verdict)


def test_several_sleepers_stay_unknown():
    verdict = lab.explore(Shared, [publish_late, spin_asleep], strategy="dpor", schedules=3_000)
    assert verdict.status == "unknown"
    assert "of several actors that wait until a moment" in verdict.reason


def test_long_loops_that_wait_for_nobody_cost_one_look(monkeypatch):
    monkeypatch.setattr(SourceSets, "_PATIENCE", 20)

    def add(shared):
        for _ in range(30):
            shared.value += 1

    def read(shared):
        assert shared.value >= 0

    verdict = lab.explore(Shared, [add, read], strategy="dpor", schedules=600)
    assert verdict.status == "holds", str(verdict)
    assert verdict.schedules == 31


@pytest.mark.parametrize("look", [lambda: max(1, 2), lambda: min("rye", "oat"), lambda: len(range(3))])
def test_calls_on_plain_values_in_a_loop_that_waits(monkeypatch, look):
    monkeypatch.setattr(SourceSets, "_PATIENCE", 1)  # so that loops are looked for at once

    def spin(shared):
        while not shared.flag:
            look()

    verdict = lab.explore(Shared, [publish, spin], strategy="dpor", schedules=500)
    assert verdict.failure is None, str(verdict)
