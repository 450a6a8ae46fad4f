"""What a signal's handler raises while actors run is the caller's: no actor's failure, and nobody's to catch."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from controlled import State

import lab
import lab.engine
import lab.surroundings
from lab.discovery import Discovery
from lab.exploration import Exploration
from tests.hostile.conftest import BOTH, add

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="no alarms here")


class TooLate(Exception):
    """As a test raises whose alarm has rung."""


class TooLateForAnyone(BaseException):
    """As pytest's own outcomes: no Exception."""


@contextmanager
def alarm(error, seconds=0.2):
    armed = [True]

    def rings(number, frame):
        if armed:
            raise error

    before, timer = signal.getsignal(signal.SIGALRM), signal.setitimer(signal.ITIMER_REAL, 0)
    signal.signal(signal.SIGALRM, rings)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield armed
        assert signal.getsignal(signal.SIGALRM) is rings
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
        signal.setitimer(signal.ITIMER_REAL, *timer)


def python(folder, program, *arguments):
    (folder / "program.py").write_text(program)
    return subprocess.run(
        [sys.executable, "program.py", *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=60,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )


def add_and_compute(state):
    for number in range(50_000):
        number + 1
    add(state)


def keep_every_error(state):
    while True:
        try:
            while True:
                add(state)
        except BaseException:
            pass


def keep_every_error_unseen(state):
    while True:
        try:
            while True:
                pass
        except BaseException:
            pass


ACTORS = [add, add_and_compute, keep_every_error, keep_every_error_unseen]


@pytest.mark.parametrize("error", [TooLate("now"), TooLateForAnyone("now")], ids=["Exception", "BaseException"])
@pytest.mark.parametrize("actor", ACTORS, ids=lambda actor: actor.__name__)
def test_it_reaches_the_caller(explored, error, actor, request):
    if actor in (keep_every_error, keep_every_error_unseen) and "thread" in request.node.name:
        pytest.skip("no power on earth ends such a thread; the others go on without it")
    with alarm(error), pytest.raises(type(error)) as caught:
        explored(actor, schedules=None, seconds=30, strategy="random")
    assert caught.value is error
    assert explored(add, outcome=lambda state: state.value).status == "holds"


@pytest.mark.parametrize("part", ["check", "outcome", "setup", "teardown"])
def test_it_reaches_the_caller_from_the_parts_that_run_outside_of_actors(explored, part):
    def compute(*state):
        for number in range(20_000):
            number + 1
        return State(value=0) if not state else None

    error = TooLate("now")
    with alarm(error), pytest.raises(TooLate) as caught:
        explored(add, **{"schedules": None, "seconds": 30, "strategy": "random", part: compute})
    assert caught.value is error


def test_it_reaches_the_caller_while_a_failure_is_made_easy_to_read(explored, monkeypatch):
    import lab.shrink

    error = TooLate("now")

    def rings(self, *arguments, **named):
        os.kill(os.getpid(), signal.SIGALRM)
        time.sleep(0.01)

    monkeypatch.setattr(lab.shrink.Shrinking, "_look", rings)
    with alarm(error, 3600), pytest.raises(TooLate) as caught:
        explored(add, outcome=lambda state: state.value, allowed={2}, check=lambda state: state.value == 2)
    assert caught.value is error


def test_it_reaches_the_caller_while_code_is_instrumented(monkeypatch):
    make = lab.discovery.CACHE.make

    def rings(*arguments, **named):
        monkeypatch.undo()
        signal.raise_signal(signal.SIGALRM)
        return make(*arguments, **named)

    def new(state):
        state.value += 1

    monkeypatch.setattr(lab.discovery.CACHE, "make", rings)
    error = TooLate("now")
    with alarm(error, 3600), pytest.raises(TooLate) as caught:
        lab.explore(lambda: State(value=0), [new, new])
    assert caught.value is error


PLACES = {
    "while the carrier is chosen": (lab.engine, "carrier_of"),
    "while operations are redirected": (lab.engine, "operations_redirected"),
    "before an execution": (Discovery, "watch"),
    "when one is tidied up": (Discovery, "unwatch"),
    "while settings are put back": (Exploration, "put_back"),
    "while code is put back": (Discovery, "__exit__"),
    "when the time is over": (lab.surroundings.gc, "enable"),
}


@pytest.mark.parametrize("place", PLACES)
def test_it_reaches_the_caller_wherever_it_strikes_and_leaves_nothing(explored, monkeypatch, place):
    """An engine is put away as a whole."""
    owner, name = PLACES[place]
    real, error = getattr(owner, name), TooLate("now")

    def strikes(*arguments, **named):
        monkeypatch.setattr(owner, name, real)
        os.kill(os.getpid(), signal.SIGALRM)
        time.sleep(0.01)
        return real(*arguments, **named)

    monkeypatch.setattr(owner, name, strikes)
    with alarm(error, 3600), pytest.raises(TooLate) as caught:
        explored(add)
    assert caught.value is error
    assert explored(add, outcome=lambda state: state.value).status == "holds"


@pytest.mark.parametrize("strategy", ["random", "auto"])
def test_it_may_strike_at_any_moment(explored, strategy):
    """Each time a little later: in the middle of an execution, between two, before the first."""
    for number in range(25):
        with suppress(TooLate), alarm(TooLate("now"), 0.0005 * 1.15**number) as armed:
            explored(add, schedules=None, seconds=1, strategy=strategy)
            armed.clear()  # else it might strike while the alarm is put away
    assert explored(add, outcome=lambda state: state.value).status == "holds"


@pytest.mark.parametrize("actor", ACTORS[:2], ids=lambda actor: actor.__name__)
def test_it_reaches_the_caller_of_the_hammer(hammered, actor):
    error = TooLate("now")
    with alarm(error), pytest.raises(TooLate) as caught:
        hammered(actor, rounds=None, seconds=30)
    assert caught.value is error


async def yields(state):
    while True:
        try:
            await asyncio.sleep(0)
            add(state)
            state.value = 0
        except BaseException:
            pass


@pytest.mark.parametrize("door", [lab.explore, lab.hammer])
@pytest.mark.parametrize("error", [TooLate("now"), TooLateForAnyone("now")], ids=["Exception", "BaseException"])
def test_tasks_do_not_keep_it(door, error):
    async def ends(state):
        for number in range(20_000):
            number + 1
        await asyncio.sleep(0)

    with alarm(error), pytest.raises(type(error)) as caught:
        door(lambda: State(value=0), [ends if door is lab.hammer else yields, ends], seconds=30)
    assert caught.value is error


STUBBORN = """\
import os, signal, sys, threading, time, lab
import lab.hooks

class S: v = 0

def rings(s):
    os.kill(os.getpid(), signal.SIGINT)
    while True:
        try:
            while True: s.v = s.v + 1
        except BaseException: pass

try:
    lab.explore(S, [rings, rings], carrier=sys.argv[1], steps=10**9)
except KeyboardInterrupt:
    print("interrupted", lab.hooks.DRIVERS)
before = time.process_time()
time.sleep(0.5)
print("asleep" if time.process_time() - before < 0.25 else "awake")
"""


@pytest.mark.parametrize("carrier", BOTH)
def test_ctrl_c_is_nobodys_to_catch(carrier, tmp_path):
    """On the other carrier a thread is left, but it waits."""
    done = python(tmp_path, STUBBORN, carrier)
    assert done.stdout.splitlines() == ["interrupted {}", "asleep"], done


def test_a_handler_that_raises_nothing_just_runs(explored):
    rung = []
    before = signal.signal(signal.SIGUSR1, lambda number, frame: rung.append(number))
    try:

        def actor(state):
            os.kill(os.getpid(), signal.SIGUSR1)
            add(state)

        assert explored(actor).failure is None
    finally:
        signal.signal(signal.SIGUSR1, before)
    assert set(rung) == {signal.SIGUSR1}


TEST = """\
import lab, pytest

class S: v = 0

def stubborn(s):
    while True:
        try:
            while True: s.v = s.v + 1
        except BaseException: pass

def busy(s):
    while True: pass

@pytest.mark.parametrize("actor", [stubborn, busy])
@pytest.mark.timeout(1)
def test_it(actor):
    lab.explore(S, [actor, actor], steps=10**9, seconds=100)

def test_after():
    assert lab.explore(S, [lambda s: setattr(s, "v", 1)]).status == "holds"
"""


def test_the_time_of_a_test_is_up(tmp_path):
    (tmp_path / "test_it.py").write_text(TEST)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:hypothesispytest"]
    done = subprocess.run(
        [*command, "--timeout-method=signal", "test_it.py"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert done.stdout.count("Failed: Timeout") >= 2, done.stdout
    assert "2 failed, 1 passed" in done.stdout, done.stdout


def test_a_process_in_the_background_can_end_a_blocking_actor(tmp_path):
    """A shell gives it no handler for Ctrl-C, and yet a call that blocks has to be ended somehow."""
    done = python(
        tmp_path,
        "import signal, socket, lab\n"
        "import lab.carriers.watch\n"
        "lab.carriers.watch.BLOCKED = 0.5\n"
        "def blocks(state):\n"
        "    one, other = socket.socketpair()\n"
        "    one.recv(1)\n"
        "signal.signal(signal.SIGINT, signal.SIG_IGN)\n"
        "print(lab.explore(object, [blocks]).reason)\n"
        "assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN\n",
    )
    assert done.stdout.startswith("something escaped control: blocks (program.py:6) blocked outside control"), done
