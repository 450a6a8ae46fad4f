"""Actors on OS threads: they end, leave nothing behind, and cannot hold the lab up."""

from __future__ import annotations

import _thread
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time

import pytest

from lab.errors import LabError
from tests.carrier_programs import add, carrier, explored, impatient, nothing_is_left
from tests.controlled import State

pytestmark = [pytest.mark.filterwarnings("error"), pytest.mark.timeout(60, method="thread")]
__all__ = ["carrier", "impatient", "nothing_is_left"]  # fixtures


# ------------------------------------------------------------------ failures of actors


def raises(error):
    def actor(state):
        state.value = state.value + 1
        raise error

    return actor


@pytest.mark.parametrize("error", [ValueError("no"), SystemExit(3), KeyboardInterrupt(), GeneratorExit()], ids=repr)
def test_an_exception_leaves_an_actor(error, carrier):
    verdict = explored(add, raises(error), carrier=carrier)
    assert verdict.failure.kind == "exception"
    assert type(error).__name__ in verdict.failure.message
    assert verdict.witness is not None


def deep(state):
    state.value = state.value + 1
    deep(state)


def test_an_actor_without_bottom(carrier):
    verdict = explored(deep, deep, carrier=carrier, schedules=10)
    # Writing the failure down takes some depth too, so that it may come elsewhere when it is repeated.
    assert verdict.failure.kind in ("exception", "nondeterminism")
    assert "RecursionError" in verdict.failure.message


def test_an_actor_that_survives_its_own_depth(carrier):
    def survivor(state):
        try:
            deep(state)
        except RecursionError:
            state.ended += 1

    verdict = explored(
        survivor,
        survivor,
        carrier=carrier,
        setup=lambda: State(value=0, ended=0),
        outcome=lambda state: state.ended >= 1,
        schedules=15,
    )
    assert verdict.failure is None, str(verdict)
    assert set(verdict.outcomes) == {True}


def test_actors_that_wait_for_each_other(carrier):
    def crossing(first, second):
        def actor(state):
            with getattr(state, first), getattr(state, second):
                add(state)

        return actor

    verdict = explored(
        crossing("a", "b"),
        crossing("b", "a"),
        carrier=carrier,
        setup=lambda: State(value=0, a=threading.Lock(), b=threading.Lock()),
    )
    assert verdict.failure.kind == "deadlock"


def test_an_actor_that_swallows_its_end_is_left_standing():
    """Its thread waits for a turn that never comes; nothing else of it remains."""
    program = (
        "import lab, time, _thread\n"
        "class S: v = 0\n"
        "def stubborn(s):\n"
        "    while True:\n"
        "        try: s.v = 1\n"
        "        except BaseException: pass\n"
        "def short(s): s.v = s.v + 1\n"
        "v = lab.explore(S, [stubborn, short], carrier='thread', schedules=2, steps=300)\n"
        "print(v.failure.kind)\n"
        "import lab.hooks; print(lab.hooks.DRIVERS)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=50)
    kind, drivers = done.stdout.splitlines()
    assert kind == "livelock"
    assert drivers == "{}"
    assert done.stderr == ""


def test_the_end_runs_what_has_to_be_run(carrier):
    ended = []

    def careful(state):
        try:
            with state.lock:
                state.ready.wait()
        finally:
            ended.append(threading.current_thread().name)

    verdict = explored(
        careful, add, carrier=carrier, setup=lambda: State(value=0, lock=threading.Lock(), ready=threading.Event())
    )
    assert verdict.failure is not None
    assert set(ended) == {"alice"}


def test_a_thousand_child_threads(carrier):
    def parent(state):
        threads = [threading.Thread(target=add, args=(state,)) for _ in range(1000)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    verdict = explored(parent, carrier=carrier, schedules=1, steps=100_000, outcome=lambda state: state.value > 0)
    assert verdict.failure is None, str(verdict)


def test_an_exploration_inside_an_actor(carrier):
    def nested(state):
        try:
            explored(add)
        except LabError as error:
            state.value = str(error)

    verdict = explored(nested, carrier=carrier, schedules=1, outcome=lambda state: state.value)
    assert [text.partition(";")[0] for text in verdict.outcomes] == ["explore() was called inside an exploration"]


# ------------------------------------------------------------------ blocking outside control


def connected():
    here, there = socket.socketpair()
    return State(value=0, here=here, there=there)


def hang_up(state):
    state.here.close()
    state.there.close()


def receives(state):
    add(state)
    state.here.settimeout(5)
    state.here.recv(1)


def spins(state):
    add(state)
    while True:
        pass


def calls_for_ever(state):
    add(state)
    while True:
        len("")


@pytest.mark.parametrize("actor", [receives, spins, calls_for_ever], ids=lambda actor: actor.__name__)
def test_who_does_not_come_by_the_lab_is_named(actor, carrier, impatient):
    began = time.monotonic()
    before = threading.enumerate()
    line = actor.__code__.co_firstlineno + (2 if actor is not receives else 3)
    lines = {f"{__name__.replace('.', '/')}.py:{line + more}" for more in (0, 1)}
    verdict = explored(actor, add, carrier=carrier, setup=connected, teardown=hang_up, seconds=3, schedules=None)
    assert time.monotonic() - began < 15
    assert (verdict.status, verdict.failure) == ("unknown", None)
    assert any(line in verdict.reason for line in lines), verdict.reason
    assert verdict.reason.startswith("something escaped control: ")
    assert verdict.uncontrolled
    assert verdict.uncontrolled[0] in verdict.reason
    what, end = ("blocked", "") if actor is receives else ("computed", ", which may have no end")
    assert re.search(rf" {what} outside control for \d s \(\w+\){end}$", verdict.reason), verdict.reason
    assert "outside control" in str(verdict)
    assert threading.enumerate() == before


def test_a_lock_that_c_code_takes(carrier, impatient):
    """Writing to one buffered file: its lock is the interpreter's own."""

    class Slow:
        """A raw stream whose write is a step of the program."""

    def locker(state):
        list(map(state.raw.acquire, [True]))  # twice, and nobody will release it
        add(state)

    verdict = explored(
        locker,
        locker,
        carrier=carrier,
        setup=lambda: State(value=0, raw=_thread.allocate_lock()),
        teardown=lambda state: state.raw.locked() and state.raw.release(),
        seconds=3,
    )
    assert verdict.status in ("unknown", "fails")
    assert verdict.uncontrolled or verdict.failure.kind == "deadlock"


def test_a_long_computation_is_no_escape(carrier, impatient):
    def computes(state):
        add(state)
        until = state.now() + 0.5
        while state.now() < until:
            sum(range(1000))
        add(state)

    clock = [0.0]

    def now():
        clock[0] += 0.01
        return clock[0]

    verdict = explored(computes, add, carrier=carrier, setup=lambda: State(value=0, now=now), schedules=5)
    assert verdict.failure is None
    assert verdict.uncontrolled == ()


# ------------------------------------------------------------------ signals


@pytest.mark.parametrize("ends", [add, spins], ids=lambda actor: actor.__name__)
def test_ctrl_c(ends, carrier):
    def press():
        time.sleep(0.4)
        os.kill(os.getpid(), signal.SIGINT)

    thread = threading.Thread(target=press)
    thread.start()
    began = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        explored(ends, add, add, carrier=carrier, schedules=None, seconds=20, strategy="random")
    thread.join()
    assert time.monotonic() - began < 12
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_a_handler_that_raises_ends_the_exploration():
    """As the test runner's timeout does."""

    class TooLate(Exception):
        pass

    def late(number, frame):
        raise TooLate

    before = signal.signal(signal.SIGALRM, late)
    try:
        for delay in (0.05, 0.11, 0.17, 0.2):
            signal.setitimer(signal.ITIMER_REAL, delay)
            with pytest.raises(TooLate):
                explored(add, add, add, schedules=None, seconds=20, strategy="random")
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def test_a_handler_of_the_program_is_no_step(carrier):
    noted = []

    def handler(number, frame):
        noted.append(number)

    def raises_it(state):
        add(state)
        os.kill(os.getpid(), signal.SIGUSR1)
        add(state)

    before = signal.signal(signal.SIGUSR1, handler)
    try:
        verdict = explored(raises_it, add, carrier=carrier, outcome=lambda state: state.value in (1, 2, 3))
    finally:
        signal.signal(signal.SIGUSR1, before)
    assert set(verdict.outcomes) == {True}
    assert set(noted) == {signal.SIGUSR1}
