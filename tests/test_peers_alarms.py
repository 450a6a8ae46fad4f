"""False alarms and hangs of comparable tools: each is a test named after what must not happen.

12  `threading.current_thread`, logging, Timer, Thread subclasses and `asyncio.run` as the model failing
13  locks of a module and ``from threading import Lock`` as a hang
14  a right ``while`` with a Condition, Barrier, an Event that is never set and a loop that waits as a timeout
15  a lost wakeup as a deadlock, a loop that waits for ever as a hang
16  the order that locks, start and join give as none
17  an exception without its schedule
18  SystemExit as no failure, or a hang
19  threads that stay behind
"""

from __future__ import annotations

import _thread
import asyncio
import logging
import os
import threading
from threading import Condition, Event, Lock, Thread, current_thread

import pytest
from controlled import Buffer, Counter, State, failure, reached, strategies, value

import lab.carriers.watch
from lab import explore
from tests.test_carriers import BOTH

AT_MODULE_LEVEL = threading.Lock()
BY_ITS_NAME = Lock()
LOG = logging.getLogger("controlled program")

# ------------------------------------------------------------ 12, 13: what must not be an alarm


@strategies
def test_12_thread_subclasses_and_their_names_are_not_the_model_failing(strategy):
    class Worker(threading.Thread):
        def run(self):
            assert threading.current_thread() is self

    def act(state):
        assert threading.current_thread().name in ("alice", "bob")
        worker = Worker()
        worker.start()
        worker.join()
        state.ended.append(worker.is_alive())

    actors = {"alice": act, "bob": act}
    assert reached(lambda: State(ended=[]), actors, lambda state: tuple(state.ended), strategy, 40) == {(False, False)}


@strategies
def test_12_a_timer_is_not_the_model_failing(strategy):
    def act(state):
        timers = [threading.Timer(seconds, state.fired.append, [seconds]) for seconds in (1, 2)]
        for timer in timers:
            timer.start()
        timers[1].cancel()
        for timer in timers:
            timer.join()

    outcomes = reached(lambda: State(fired=[]), [act], lambda state: tuple(state.fired), strategy, 60)
    assert outcomes <= {(1,), (1, 2), (2, 1)}
    assert (1,) in outcomes


class Keeping(logging.Handler):
    """Keeps what it is handed in the state of the program."""

    def __init__(self, messages):
        super().__init__()
        self.messages = messages

    def emit(self, record):
        self.messages.append((record.getMessage(), record.threadName))


@strategies
def test_12_logging_is_not_the_model_failing(strategy):
    def setup():
        state = State(messages=[])
        LOG.handlers[:], LOG.propagate = [Keeping(state.messages)], False
        LOG.setLevel(logging.INFO)
        return state

    def say(state):
        LOG.info("here is %s", current_thread().name)
        LOG.debug("nobody hears of it")

    actors = {"alice": say, "bob": say}
    said = [(f"here is {name}", name) for name in actors]
    found = explore(setup, actors, outcome=lambda state: tuple(state.messages), strategy=strategy, schedules=60)
    assert found.failure is None, str(found)
    assert set(found.outcomes) == {tuple(said), tuple(reversed(said))}
    assert all("logging" in told and "runs as one step" in told for told in found.uncontrolled)  # where all is noted


@strategies
def test_12_an_event_loop_in_each_actor_is_not_the_model_failing(strategy):
    async def twice(counter):
        counter.add()
        await asyncio.sleep(1)
        counter.add()

    def act(counter):
        asyncio.run(twice(counter))

    found = explore(Counter, [act, act], outcome=value, strategy=strategy, schedules=30)
    assert found.failure is None, str(found)
    assert found.status == "unknown"
    assert len(found.outcomes) > 1
    assert set(found.outcomes) <= {2, 3, 4}
    assert all("runs as one step" in told for told in found.uncontrolled)  # asyncio's own code, where all is noted


@strategies
@pytest.mark.parametrize("which", ["module", "name", "made by the name"])
def test_13_a_lock_however_it_is_come_by_is_no_hang(which, strategy):
    def setup():
        counter = Counter()
        counter.lock = {"module": AT_MODULE_LEVEL, "name": BY_ITS_NAME}.get(which) or Lock()
        return counter

    def add(counter):
        with counter.lock:
            counter.add()

    def add_by_name(counter):
        BY_ITS_NAME.acquire()
        with AT_MODULE_LEVEL:
            counter.add()
        BY_ITS_NAME.release()

    assert reached(setup, [add, add], value, strategy) == {2}
    assert reached(setup, [add_by_name, add_by_name], value, strategy) == {2}
    assert (AT_MODULE_LEVEL.locked(), BY_ITS_NAME.locked()) == (False, False)


@strategies
def test_13_other_names_that_were_imported_are_no_hang(strategy):
    def act(state):
        with state.condition:
            state.arrived += 1
            state.condition.notify_all()
            while state.arrived < 2:
                state.condition.wait()
        thread = Thread(target=state.done.set)
        thread.start()
        state.done.wait()
        thread.join()

    def setup():
        return State(condition=Condition(Lock()), arrived=0, done=Event())

    assert reached(setup, [act, act], lambda state: state.arrived, strategy, 100) == {2}


# ------------------------------------------------------------ 14, 15: waiting


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


@strategies
def test_14_an_event_that_is_never_set_is_no_timeout(strategy):
    assert failure(threading.Event, {"alice": lambda event: event.wait()}, strategy=strategy)[0] == "deadlock"


@strategies
@pytest.mark.parametrize(
    "make",
    [lambda: threading.Barrier(2, timeout=3600), threading.Event, threading.Condition],
    ids=["Barrier", "Event", "Condition"],
)
def test_14_a_long_timeout_takes_no_time(make, strategy):
    """No clock of the real world: an hour is up at once where nobody can do anything else."""

    def act(state):
        try:
            with state.lock:
                state.given.append(state.thing.wait(3600))
        except threading.BrokenBarrierError:
            state.given.append("broken")

    def setup():
        thing = make()
        return State(thing=thing, lock=thing if hasattr(thing, "notify") else Lock(), given=[])

    before = os.times().elapsed
    outcomes = reached(setup, [act], lambda state: tuple(state.given), strategy, 20)
    assert outcomes in ({(False,)}, {("broken",)})
    assert os.times().elapsed - before < 30


@strategies
def test_15_a_lost_wakeup_is_no_deadlock_and_a_spin_loop_no_hang(strategy):
    def wait(buffer):
        with buffer.condition:
            buffer.condition.wait()

    def spin(buffer):
        while not buffer.items:
            pass

    def deadlock(buffer):
        with buffer.condition, AT_MODULE_LEVEL:
            buffer.items.append(1)

    def the_other_way(buffer):
        with AT_MODULE_LEVEL, buffer.condition:
            buffer.items.append(2)

    assert failure(Buffer, {"alice": wait}, strategy=strategy)[0] == "lost wakeup"
    assert failure(Buffer, {"alice": spin}, strategy=strategy, steps=200)[0] == "livelock"
    assert failure(Buffer, [deadlock, the_other_way], strategy=strategy)[0] == "deadlock"


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


@strategies
def test_18_a_system_exit_neither_passes_nor_hangs(strategy):
    def leave(state):
        raise SystemExit(1)

    def wait(state):
        with state.condition:
            state.condition.wait(3600)

    actors = {"alice": wait, "bob": leave}
    for error in (SystemExit(1), KeyboardInterrupt(), GeneratorExit()):

        def leave(state, error=error):
            raise error

        told = "exception", f"{type(error).__name__}{': 1' * isinstance(error, SystemExit)} left bob"
        assert failure(Buffer, {**actors, "bob": leave}, strategy=strategy)[:2] == told


def test_18_a_system_exit_ends_a_child_thread_as_it_does_in_python():
    def leave(counter):
        counter.add()
        raise SystemExit(1)

    def start(counter):
        child = Thread(target=leave, args=(counter,))
        child.start()
        child.join()
        counter.add()

    assert reached(Counter, [start], value, "dpor") == {2}


# ------------------------------------------------------------ 19: nothing stays behind


def _alive():
    return _thread._count(), threading.enumerate()


def _left_of(before):
    """What there is more than then; a thread that has been told to end takes a moment, also one of an earlier test."""
    until = os.times().elapsed + 5
    while True:
        count, threads = _alive()
        left = max(0, count - before[0]), [one for one in threads if one not in before[1]]
        if left == (0, []) or os.times().elapsed > until:
            return left
        os.sched_yield()


def block(state):
    Thread(target=Event().wait).start()
    Event().wait(3600)
    Event().wait()


def fail_beside(state):
    Thread(target=Event().wait, daemon=True).start()
    raise ValueError


@pytest.mark.parametrize("carrier", BOTH)
@pytest.mark.parametrize(("actor", "kind"), [(block, "deadlock"), (fail_beside, "exception")])
def test_19_no_thread_is_left_alive(actor, kind, carrier):
    before = _alive()
    actors = {"alice": actor, "bob": block, "carol": block}
    assert failure(lambda: None, actors, carrier=carrier)[0] == kind
    assert _left_of(before) == (0, [])


@pytest.mark.parametrize("carrier", BOTH)
def test_19_nor_one_that_was_given_up(carrier, monkeypatch):
    """It blocks where nobody can interrupt it, and ends as soon as that call is over."""
    monkeypatch.setattr(lab.carriers.watch, "BLOCKED", 0.3)
    reader, writer = os.pipe()
    before = _alive()

    def stand_still(state):
        os.read(reader, 1)

    try:
        found = explore(lambda: None, {"alice": stand_still}, carrier=carrier, schedules=5)
        assert (found.status, found.failure) == ("unknown", None), str(found)
        assert "blocked outside control" in found.reason
        os.write(writer, b"x")
        assert _left_of(before) == (0, [])
    finally:
        os.close(reader)
        os.close(writer)
