"""Twins of locks: they say and do what CPython's do."""

from __future__ import annotations

import contextlib
import functools
import threading
from threading import Lock, RLock

import pytest
from controlled import Counter, State, alike, outcomes, under_control, value, words

from lab import explore
from lab.hooks import uncontrolled

AT_MODULE_LEVEL = Lock()
REENTRANT_AT_MODULE_LEVEL = RLock()


# ------------------------------------------------------------ words


def test_lock_acquire_complains_in_cpython_s_words():
    def body():
        lock = threading.Lock()
        return [
            words(lock.acquire, False, 1),
            words(lock.acquire, False, timeout=0.5),
            words(lock.acquire, True, -2),
            words(lock.acquire, timeout=-0.5),
            words(lock.acquire, timeout=1e30),
            words(lock.acquire, timeout=float("inf")),
            words(lock.acquire, timeout=float("nan")),
            words(lock.acquire, timeout=None),
            words(lock.acquire, timeout="1"),
            words(lock.acquire, True, 1, 2),
            words(lock.acquire, wait=True),
            lock.locked(),
        ]

    told = alike(body)
    assert told[:2] == ["ValueError: can't specify a timeout for a non-blocking call"] * 2
    assert all(isinstance(one, str) for one in told[:-1])
    assert told[-1] is False


def test_lock_gives_what_cpython_s_gives():
    def body():
        lock = threading.Lock()
        return [
            lock.acquire(),
            lock.acquire(False),
            lock.acquire(blocking=False),
            lock.acquire(0),
            lock.acquire(timeout=0),
            lock.acquire(True, 0.0001),
            lock.acquire(False, -1),
            lock.locked(),
            words(lock.release, 1),
            lock.release(),
            lock.locked(),
            words(lock.release),
            lock.__enter__(),
            lock.__exit__(None, None, None),
            lock.acquire_lock(),
            lock.locked_lock(),
            lock.release_lock(),
            words(type(lock).acquire, lock),
            words(type(lock).release, lock),
        ]

    told = alike(body)
    assert told[:8] == [True, False, False, False, False, False, False, True]
    assert told[11] == "RuntimeError: release unlocked lock"


@pytest.mark.parametrize("make", [threading.RLock, threading._PyRLock], ids=["C", "Python"])
def test_rlock_gives_what_cpython_s_gives(make):
    def body():
        lock = make()
        told = [
            words(lock.release),
            words(lock.acquire, False, 1),
            words(lock.acquire, timeout=-2),
            words(lock.acquire, timeout=1e30),
            words(lock.acquire, 1, 2, 3),
            bool(lock.acquire()),
            bool(lock.acquire(timeout=1)),
            bool(lock.acquire(blocking=False)),
            lock._is_owned(),
        ]
        for _ in range(3):
            told.append(words(lock.release))
        with lock, lock:
            told.append(lock._is_owned())
            saved = lock._release_save()
            told += [saved[0], lock._is_owned()]
            lock._acquire_restore(saved)
        return [*told, lock._is_owned(), words(lock.release)]

    told = alike(body)
    assert told[0] == told[-1] == "RuntimeError: cannot release un-acquired lock"
    assert told[5:] == [True, True, True, True, None, None, None, True, 2, False, False, told[0]]


# ------------------------------------------------------------ exclusion


def lock_by_with(state):
    with state.lock:
        state.add()


def lock_by_call(state):
    state.lock.acquire()
    try:
        state.add()
    finally:
        state.lock.release()


def lock_by_stack(state):
    with contextlib.ExitStack() as stack:
        stack.enter_context(state.lock)
        state.add()


def lock_by_callback(state):
    state.lock.acquire()
    with contextlib.ExitStack() as stack:
        stack.callback(state.lock.release)
        state.add()


@contextlib.contextmanager
def locked(lock):
    with lock:
        yield lock


def lock_by_manager(state):
    with locked(state.lock):
        state.add()


def lock_by_partial(state):
    functools.partial(state.lock.acquire, True)()
    state.add()
    functools.partial(state.lock.release)()


def lock_by_class(state):
    type(state.lock).acquire(state.lock)
    state.add()
    type(state.lock).release(state.lock)


def lock_by_map(state):
    assert list(map(state.lock.acquire, [True])) == [True]
    state.add()
    state.lock.release()


def lock_by_spinning(state):
    while not state.lock.acquire(False):
        pass
    state.add()
    state.lock.release()


def lock_by_timeouts(state):
    while not state.lock.acquire(timeout=0.5):
        pass
    state.add()
    state.lock.release()


WAYS = [lock_by_with, lock_by_call, lock_by_stack, lock_by_callback, lock_by_manager]
WAYS += [lock_by_partial, lock_by_class, lock_by_map, lock_by_spinning, lock_by_timeouts]


def test_without_a_lock_an_addition_is_lost():
    assert outcomes(Counter, [Counter.add, Counter.add], value, schedules=100) == {1, 2}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("make", [Lock, RLock, threading._PyRLock], ids=["Lock", "RLock", "PyRLock"])
def test_a_lock_excludes_others(make, way):
    assert outcomes(lambda: Counter(make()), [way, way], value, schedules=60) == {2}


class Subclass(type(RLock())):
    """A lock of the program's own class."""


def test_a_subclass_of_rlock_excludes_others():
    for way in WAYS:
        assert outcomes(lambda: Counter(Subclass()), [way, way], value, schedules=60) == {2}, way


def test_a_lock_made_before_the_run_excludes_others():
    def add(state):
        with AT_MODULE_LEVEL:
            state.add()

    assert outcomes(Counter, [add, add], value, schedules=100) == {2}
    assert not AT_MODULE_LEVEL.locked()


def test_two_ways_to_the_same_lock_exclude_each_other():
    for other in WAYS:
        assert outcomes(lambda: Counter(Lock()), [lock_by_with, other], value, schedules=60) == {2}, other


def test_only_one_of_two_gets_a_lock_that_is_never_released():
    def attempt(name):
        def actor(state):
            state.got[name] = state.lock.acquire(False)

        return actor

    def got(state):
        return tuple(sorted(state.got.items()))

    found = outcomes(lambda: State(lock=Lock(), got={}), [attempt("a"), attempt("b")], got, schedules=100)
    assert found == {(("a", True), ("b", False)), (("a", False), ("b", True))}


def test_locked_tells_whether_somebody_has_it():
    def hold(state):
        with state.lock:
            state.value = 1

    def ask(state):
        state.seen = state.lock.locked()

    def seen(state):
        return state.seen

    assert outcomes(lambda: State(lock=Lock(), value=0), [hold, ask], seen, schedules=100) == {True, False}


# ------------------------------------------------------------ timeouts


def hold_a_while(state):
    with state.lock:
        state.value = 1
        state.value = 2


def test_a_short_timeout_ends_both_ways():
    def impatient(state):
        state.got = state.lock.acquire(timeout=1)
        if state.got:
            state.lock.release()

    found = outcomes(lambda: State(lock=Lock(), value=0), [hold_a_while, impatient], lambda s: s.got)
    assert found == {True, False}


def test_a_long_timeout_ends_only_when_no_one_else_can_go_on():
    def patient(state):
        state.got = state.lock.acquire(timeout=10)
        state.lock.release()

    found = outcomes(lambda: State(lock=Lock(), value=0), [hold_a_while, patient], lambda s: s.got)
    assert found == {True}


def test_a_timeout_ends_though_the_lock_is_never_released():
    def keep(state):
        state.kept = state.lock.acquire(timeout=7200)

    def patient(state):
        state.got = state.lock.acquire(timeout=3600)

    found = outcomes(lambda: State(lock=Lock()), [keep, patient], lambda s: (s.kept, s.got))
    assert found == {(True, False), (False, True)}


# ------------------------------------------------------------ ownership


def test_only_the_owner_releases_an_rlock():
    def hold(state):
        with state.lock:
            state.held = True

    def release(state):
        state.told = words(state.lock.release)

    found = outcomes(lambda: State(lock=RLock(), held=False), [hold, release], lambda s: s.told)
    assert found == {"RuntimeError: cannot release un-acquired lock"}


def test_anybody_releases_a_lock():
    def hold(state):
        state.lock.acquire()
        state.ready.set()

    def release(state):
        state.ready.wait()
        state.lock.release()

    def free(state):
        return not state.lock.locked()

    assert outcomes(lambda: State(lock=Lock(), ready=threading.Event()), [hold, release], free) == {True}


def test_an_rlock_is_free_only_after_as_many_releases():
    def nest(state):
        with state.lock, state.lock:
            state.value += 1
        state.value += 1

    def attempt(state):
        if state.lock.acquire(False):
            state.seen = state.value
            state.lock.release()

    found = outcomes(lambda: State(lock=RLock(), value=0, seen=None), [nest, attempt], lambda state: state.seen)
    assert found == {None, 0, 1, 2}


@pytest.mark.parametrize("make", [Lock, RLock])
def test_a_lock_left_locked_by_one_execution_is_free_in_the_next(make):
    lock = make()
    taken = []

    def take(state):
        taken.append(lock.acquire(False))

    explore(lambda: None, [take], schedules=5)
    assert len(taken) >= 5
    assert all(taken)
    assert lock.acquire(False)
    lock.release()


def test_setup_and_actors_and_outcome_see_one_lock():
    def setup():
        state = State(lock=Lock())
        state.lock.acquire()
        return state

    def release(state):
        state.lock.release()

    def attempt(state):
        with state.lock:
            pass

    assert outcomes(setup, [release, attempt], lambda state: state.lock.locked(), schedules=50) == {False}


def test_the_thread_that_explores_holds_its_lock_against_the_actors():
    """Setup runs in that thread and may take a reentrant lock again; the actors may not."""

    def setup():
        with REENTRANT_AT_MODULE_LEVEL:
            return State(got=None)

    def attempt(state):
        state.got = REENTRANT_AT_MODULE_LEVEL.acquire(False)

    with REENTRANT_AT_MODULE_LEVEL:
        assert outcomes(setup, [attempt], lambda state: state.got, schedules=5) == {False}
    assert outcomes(setup, [attempt], lambda state: state.got, schedules=5) == {True}


def test_no_lock_is_taken_for_real():
    def body():
        with AT_MODULE_LEVEL, REENTRANT_AT_MODULE_LEVEL:
            controlled = (AT_MODULE_LEVEL.locked(), REENTRANT_AT_MODULE_LEVEL._is_owned())
            with uncontrolled():
                return controlled, (AT_MODULE_LEVEL.locked(), REENTRANT_AT_MODULE_LEVEL._is_owned())

    assert under_control(body) == ((True, True), (False, False))
