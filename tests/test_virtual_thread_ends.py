"""How threads end, and who notices."""

from __future__ import annotations

import _thread
import sys
import threading
import time
import weakref

import pytest

from lab import explore
from tests.controlled import State, failure, outcomes


def ends(state):
    """An actor that has nothing to do."""


ASKING = {
    "active_count": lambda: threading.active_count(),
    "enumerate": lambda: len(threading.enumerate()),
    "_count": lambda: _thread._count(),
}


@pytest.mark.parametrize("ask", ASKING.values(), ids=ASKING)
def test_how_many_threads_there_are_depends_on_who_has_ended(ask):
    def alice(state):
        state.many = ask()

    verdict = explore(lambda: State(many=0), [alice, ends], outcome=lambda state: state.many, schedules=200)
    assert verdict.status == "unknown"
    assert "it was asked whether a thread has ended, and to end is no step of its own" in verdict.reason
    few, many = sorted(verdict.outcomes)
    assert many == few + 1


def leave():
    sys.exit(3)


def start(target):
    thread = threading.Thread(target=target)
    thread.start()
    thread.join()


def start_raw(target):
    ended = _thread.allocate_lock()
    ended.acquire()

    def body():
        try:
            target()
        finally:
            ended.release()

    _thread.start_new_thread(body, ())
    ended.acquire()


@pytest.mark.parametrize("begin", [start, start_raw], ids=["Thread", "start_new_thread"])
@pytest.mark.parametrize("target", [leave, _thread.exit], ids=["sys.exit", "_thread.exit"])
def test_a_thread_that_exits_has_ended_and_nothing_else(begin, target):
    def alice(state):
        begin(target)
        state.value = 1

    assert outcomes(lambda: State(value=0), [alice, ends], lambda state: state.value, schedules=20) == {1}


def broken():
    raise ValueError("no")


@pytest.mark.parametrize("begin", [start, start_raw], ids=["Thread", "start_new_thread"])
def test_an_exception_that_leaves_a_thread_is_a_failure(begin):
    kind, message, _ = failure(lambda: State(), [lambda state: begin(broken), ends])
    assert kind == "exception"
    assert message.startswith("ValueError: no left ")


def test_an_excepthook_of_the_program_takes_care_of_exceptions():
    def setup():
        state = State(seen=[])
        threading.excepthook = lambda told: state.seen.append(
            (told.exc_type.__name__, str(told.exc_value), told.thread.name, told.exc_traceback is not None)
        )
        return state

    def alice(state):
        thread = threading.Thread(target=broken, name="bob")
        thread.start()
        thread.join()

    before = threading.excepthook
    assert outcomes(setup, [alice, ends], lambda state: tuple(state.seen), schedules=20) == {
        (("ValueError", "no", "bob", True),)
    }
    assert threading.excepthook is before


def test_two_threads_race_in_an_excepthook():
    def setup():
        state = State(failures=0)

        def count(told):
            failures = state.failures
            state.failures = failures + 1

        threading.excepthook = count
        return state

    def alice(state):
        threads = [threading.Thread(target=broken) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    assert outcomes(setup, [alice], lambda state: state.failures) == {1, 2}


def test_an_exception_of_the_excepthook_is_a_failure():
    def setup():
        def hook(told):
            raise KeyError("hook")

        threading.excepthook = hook

    kind, message, _ = failure(setup, [lambda state: start(broken), ends])
    assert (kind, message.partition(" left ")[0]) == ("exception", "KeyError: 'hook'")


def test_what_only_a_thread_had_ends_with_it():
    class Thing:
        pass

    def alice(state):
        thing = Thing()
        state.seen = weakref.ref(thing)
        _thread.start_new_thread(ends, (thing,))
        del thing
        for _ in range(20):
            time.sleep(20)  # until nobody else can go on
        state.gone = state.seen() is None

    assert outcomes(lambda: State(gone=None), [alice, ends], lambda state: state.gone, schedules=20) == {True}


class Pair:
    """Starts its threads when it is entered."""

    def __enter__(self):
        self.started = [_thread.start_new_thread(ends, (None,)) for _ in range(2)]
        return self

    def __exit__(self, *_):
        pass


def test_no_real_thread_is_started_by_what_a_with_enters():
    real = []

    def alice(state):
        with Pair() as pair:
            real.extend(identity for identity in pair.started if identity in sys._current_frames())

    verdict = explore(lambda: None, [alice, ends], schedules=5)
    assert verdict.failure is None, str(verdict)
    assert real == []
