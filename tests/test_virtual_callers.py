"""Controlled operations that no hooked call leads to: C code calls them, or an object's end does."""

from __future__ import annotations

import contextvars
import functools
import itertools
import operator
import threading
import weakref
from collections import defaultdict
from concurrent.futures import Future
from multiprocessing.pool import ThreadPool

import pytest
from controlled import Counter, State, alike, outcomes, value, words

from lab import explore


def each(operation, things):
    list(map(operation, things))


def each_by_name(operation, things):
    list(map(operator.methodcaller(operation.__name__), things))


def each_by_partial(operation, things):
    for thing in things:
        functools.partial(operation, thing)()


def each_in_a_context(operation, things):
    for thing in things:
        contextvars.copy_context().run(operation, thing)


def each_by_star(operation, things):
    list(itertools.starmap(operation, [(thing,) for thing in things]))


def each_by_sorting(operation, things):
    sorted(things, key=lambda thing: operation(thing) or 0)


def each_by_default(operation, things):
    for thing in things:
        assert defaultdict(getattr(thing, operation.__name__))[0] is None


class Keeper:
    """Stands for what dies."""


def each_by_end(operation, things):
    for thing in things:
        keeper = Keeper()
        weakref.finalize(keeper, operation, thing)
        del keeper


WAYS = [each, each_by_name, each_by_partial, each_in_a_context, each_by_star, each_by_sorting]
WAYS += [each_by_default, each_by_end]


@pytest.mark.parametrize("way", WAYS)
def test_threads_race_whoever_starts_and_joins_them(way):
    def act(counter):
        threads = [threading.Thread(target=counter.add) for _ in range(2)]
        way(threading.Thread.start, threads)
        way(threading.Thread.join, threads)
        counter.done = counter.value

    assert outcomes(Counter, [act], lambda counter: counter.done, 100) == {1, 2}


def by_callback(counter):
    """The C part of a future's machinery is Python; a context is not."""
    future = Future()
    future.add_done_callback(lambda _: counter.lock.acquire())
    future.set_result(None)


def by_context(counter):
    contextvars.copy_context().run(counter.lock.acquire)


def by_reduce(counter):
    functools.reduce(lambda _, acquire: acquire(), [counter.lock.acquire], None)


def by_default(counter):
    assert defaultdict(counter.lock.acquire)[0]


def by_operator(counter):
    operator.call(counter.lock.acquire)


def by_name(counter):
    operator.methodcaller("acquire", blocking=True)(counter.lock)


@pytest.mark.parametrize("take", [by_callback, by_context, by_reduce, by_default, by_operator, by_name])
@pytest.mark.parametrize("make", [threading.Lock, threading.Semaphore])
def test_who_takes_it_excludes_others_whoever_calls(make, take):
    def act(counter):
        take(counter)
        counter.add()
        counter.lock.release()

    assert outcomes(lambda: Counter(make()), [act, act], value, 60) == {2}


def test_a_lock_that_the_end_of_an_object_releases_is_free():
    class Held:
        def __init__(self, lock):
            self.lock = lock
            lock.acquire()

        def __del__(self):
            self.lock.release()

    def act(counter):
        held = Held(counter.lock)
        counter.add()
        del held

    assert outcomes(Counter, [act, act], value, 60) == {2}


def test_a_pool_of_threads_races():
    def act(counter):
        with ThreadPool(2) as pool:
            pool.map(lambda _: counter.add(), range(2), chunksize=1)

    assert outcomes(Counter, [act], value, 30) == {1, 2}


def test_c_code_that_the_lab_does_not_know_is_named():
    """Nobody knows what it does with the lock; so nothing is certain."""
    variable = contextvars.ContextVar("variable")

    def act(counter):
        variable.set(counter.lock.acquire)
        counter.callbacks.append(counter.lock.release)
        counter.add()

    def setup():
        counter = Counter()
        counter.callbacks = []
        return counter

    found = explore(setup, [act], schedules=5)
    assert found.failure is None
    assert found.uncontrolled == ("lock.acquire was handed to ContextVar.set, which may call it",)


def test_wrong_arguments_from_c_code_are_complained_about_in_cpython_s_words():
    def body():
        lock, event, thread = threading.Lock(), threading.Event(), threading.Thread(target=int)
        return [
            words(list, map(lock.acquire, ["1"], [2], [3])),
            words(list, map(lock.acquire, [False], [2])),
            words(list, map(event.set, [1])),
            words(list, map(threading.Thread.start, [thread], [1])),
            words(list, map(threading.Event.wait, [])),
            words(threading.Thread.start),
            words(operator.methodcaller("wait", 1, 2, 3), event),
            words(operator.methodcaller("missing"), event),
        ]

    told = alike(body)
    assert [one.partition(":")[0] for one in told if isinstance(one, str)] == [
        "TypeError",
        "ValueError",
        "TypeError",
        "TypeError",
        "TypeError",
        "TypeError",
        "AttributeError",
    ]


def test_the_library_is_as_it_was_afterwards():
    operations = (threading.Thread.start, threading.Event.wait, threading.Condition.notify_all)
    before = [operation.__code__ for operation in operations]
    during = []

    def act(state):
        during.extend(operation.__code__ is code for operation, code in zip(operations, before, strict=True))

    explore(State, [act], schedules=2)
    assert not any(during)
    assert [operation.__code__ for operation in operations] == before


def test_a_thread_that_nobody_controls_uses_the_library_as_ever():
    told = []

    def outside():
        event = threading.Event()
        child = threading.Thread(target=event.set)
        child.start()
        told.append(event.wait(5))
        child.join()

    def act(state):
        thread.join()

    thread = threading.Thread(target=outside)
    thread.start()
    explore(State, [act], schedules=2)
    assert told == [True]


def make_adding():
    """A function whose code it shares with every other one made here."""

    def add(counter):
        counter.add()
        counter.last = "added"

    return add


first, second = make_adding(), make_adding()


def test_functions_that_share_code_are_all_under_control():
    """One is called where a hook sees it, the other one by C code."""

    def by_call(counter):
        first(counter)

    def by_map(counter):
        list(map(second, [counter]))

    assert outcomes(Counter, [by_call, by_map], lambda counter: (counter.value, counter.last), 60) == {
        (1, "added"),
        (2, "added"),
    }
