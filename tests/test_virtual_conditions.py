"""Twins of Condition: they say and do what CPython's do."""

from __future__ import annotations

import threading

import pytest
from controlled import State, alike, outcomes, words

# ------------------------------------------------------------ Condition: words


@pytest.mark.parametrize("make", [None, threading.Lock, threading.RLock], ids=["default", "Lock", "RLock"])
def test_condition_gives_what_cpython_s_gives(make):
    def body():
        condition = threading.Condition(make() if make else None)
        told = [
            words(condition.wait),
            words(condition.notify),
            words(condition.notify, 2),
            words(condition.notify_all),
            words(condition.wait_for, lambda: True),
            words(condition.wait_for, lambda: False),
        ]
        with condition:
            told += [
                words(condition.wait, 0),
                words(condition.wait, -1),
                words(condition.wait, 0.0001),
                words(condition.wait, float("inf")),
                words(condition.wait, float("nan")),
                words(condition.wait, "1"),
                words(condition.wait, 1, 2),
                words(condition.wait, seconds=1),
                words(condition.wait_for, lambda: 7),
                words(condition.wait_for, lambda: 0, 0.0001),
                words(condition.wait_for, lambda: 0, timeout=-1),
                words(condition.notify),
                words(condition.notify, 0),
                words(condition.notify, "1"),
                words(condition.notify, 1, 2),
                words(threading.Condition.wait, condition, 0.0001),
            ]
        return [*told, condition.acquire(), condition.release(), words(condition.release)]

    told = alike(body)
    assert told[0] == told[5] == "RuntimeError: cannot wait on un-acquired lock"
    assert told[1:4] == ["RuntimeError: cannot notify on un-acquired lock"] * 3
    assert told[6:9] == [False, False, False]


class OwnLock:
    """A lock that the program wrote itself."""

    def __init__(self):
        self.inner = threading.Lock()

    def acquire(self, *arguments):
        return self.inner.acquire(*arguments)

    def release(self):
        self.inner.release()

    __enter__ = acquire

    def __exit__(self, *_):
        self.release()


CONDITIONS = {
    "default": threading.Condition,
    "Lock": lambda: threading.Condition(threading.Lock()),
    "own": lambda: threading.Condition(OwnLock()),
}
conditions = pytest.mark.parametrize("make", CONDITIONS.values(), ids=CONDITIONS)

# ------------------------------------------------------------ Condition: waiting


@conditions
def test_a_condition_in_a_loop_waits_for_what_it_has_to(make):
    def consume(state):
        with state.condition:
            while not state.items:
                state.condition.wait()
            state.got.append(state.items.pop(0))

    def produce(state):
        for item in "xy":
            with state.condition:
                state.items.append(item)
                state.condition.notify()

    def setup():
        return State(condition=make(), items=[], got=[])

    assert outcomes(setup, [consume, consume, produce], lambda state: "".join(state.got), 150) == {"xy"}


@conditions
def test_wait_for_waits_for_what_it_has_to(make):
    def wait(state):
        with state.condition:
            state.got = state.condition.wait_for(lambda: state.value)

    def work(state):
        for value in (0, 3):
            with state.condition:
                state.value = value
                state.condition.notify_all()

    assert outcomes(lambda: State(condition=make(), value=0), [wait, work], lambda s: s.got, 150) == {3}


@conditions
def test_nobody_wakes_up_without_being_told(make):
    def wait(state):
        with state.condition:
            state.condition.wait(3600)
            state.woken = state.told

    def tell(state):
        with state.condition:
            state.told = len(state.condition._waiters)
        with state.condition:
            state.condition.notify()

    def setup():
        return State(condition=make(), told=None, woken=None)

    assert outcomes(setup, [wait, tell], lambda state: state.woken, 150) == {0, 1}


@conditions
def test_the_longest_waiting_is_told_first(make):
    def wait(name):
        def actor(state):
            with state.condition:
                state.arrived.append(name)
                state.got[name] = state.condition.wait(3600)

        return actor

    def tell(state):
        with state.condition:
            state.at_hand = list(state.arrived)
            state.condition.notify()

    def first_told(state):
        told = [name for name, got in state.got.items() if got]
        return len(state.at_hand), told == state.at_hand[:1]

    def setup():
        return State(condition=make(), arrived=[], got={}, at_hand=None)

    assert outcomes(setup, [wait("a"), wait("b"), tell], first_told, 300) == {(0, True), (1, True), (2, True)}


def test_notify_tells_as_many_as_it_says():
    def wait(state):
        with state.condition:
            state.arrived += 1
            told = state.condition.wait(3600)
            state.told += told

    def tell(state):
        with state.condition:
            state.at_hand = state.arrived
            state.condition.notify(2)

    def setup():
        return State(condition=threading.Condition(), arrived=0, told=0, at_hand=0)

    found = outcomes(setup, [wait, wait, wait, tell], lambda state: (state.at_hand, state.told), 800)
    assert found == {(0, 0), (1, 1), (2, 2), (3, 2)}


@conditions
def test_who_is_told_after_its_time_was_up_was_not_told(make):
    """It still stands in the waiting list until it has the lock again, so the notification is lost on it."""

    def wait(state):
        with state.condition:
            state.got = state.condition.wait(1)

    def tell(state):
        with state.condition:
            state.waiting = len(state.condition._waiters)
            state.condition.notify()

    found = outcomes(lambda: State(condition=make()), [wait, tell], lambda state: (state.waiting, state.got), 600)
    assert found == {(0, False), (1, True), (1, False)}


def test_wait_gives_up_an_rlock_however_often_it_is_held():
    def wait(state):
        with state.condition, state.condition:
            state.condition.wait()
            state.owned = (state.condition._lock._is_owned(), len(state.condition._waiters))
        state.after = words(state.condition.notify)

    def tell(state):
        while True:
            with state.condition:
                if state.condition._waiters:
                    state.condition.notify()
                    return

    found = outcomes(lambda: State(condition=threading.Condition()), [wait, tell], lambda s: (s.owned, s.after), 100)
    assert found == {((True, 0), "RuntimeError: cannot notify on un-acquired lock")}


def test_two_conditions_share_a_lock():
    def setup():
        lock = threading.Lock()
        return State(full=threading.Condition(lock), free=threading.Condition(lock), items=[], got=[])

    def produce(state):
        for item in (1, 2):
            with state.free:
                while state.items:
                    state.free.wait()
                state.items.append(item)
                state.full.notify()

    def consume(state):
        for _ in (1, 2):
            with state.full:
                while not state.items:
                    state.full.wait()
                state.got.append(state.items.pop())
                state.free.notify()

    assert outcomes(setup, [produce, consume], lambda state: tuple(state.got), 150) == {(1, 2)}


def test_a_subclass_of_condition_is_called_as_written():
    class Noisy(threading.Condition):
        def notify(self, n=1):
            self.count = getattr(self, "count", 0) + n
            super().notify(n)

        def wait(self, timeout=None):
            return ("waited", super().wait(timeout))

    def body():
        condition = Noisy()
        with condition:
            condition.notify()
            condition.notify_all()
            return condition.wait(0.0001), condition.count

    assert alike(body) == (("waited", False), 1)
