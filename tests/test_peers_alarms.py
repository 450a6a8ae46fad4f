"""False alarms, hangs, replays and stress of comparable tools: each is a test named after what must not happen."""

from __future__ import annotations

import logging
import random
import threading

import pytest
from controlled import Counter, State, failure, value

from lab import explore, hammer, replay

AT_MODULE_LEVEL = threading.Lock()
DRAWING = ("random", "pct", "pos", "surw")
strategies = pytest.mark.parametrize("strategy", [*DRAWING, "dpor", "auto"])


def reached(setup, actors, outcome, strategy, schedules=300, **options):
    """Every outcome that the strategy comes to; it must find no failure."""
    found = explore(setup, actors, outcome=outcome, strategy=strategy, schedules=schedules, **options)
    assert found.failure is None, str(found)
    assert found.status == "unknown" if strategy in DRAWING else found.status != "fails"
    assert found.uncontrolled == ()
    return set(found.outcomes)


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


# ------------------------------------------------------------ 20: a witness of other code


def test_20_a_witness_of_code_that_was_edited_does_not_pass_for_fixed():
    """The edits leave the bug where it is."""

    def add_twice(counter):
        counter.value = counter.value
        counter.add()

    def check(counter):
        return counter.value >= 2

    found = explore(Counter, {"alice": Counter.add, "bob": Counter.add}, check=check, schedules=100)
    again = replay(found.witness, Counter, {"alice": add_twice, "bob": add_twice}, check=check)
    assert (again.status, again.failure.kind) == ("fails", "check")

    def add_otherwise(counter):
        before = counter.value
        setattr(counter, "value", before + 1)  # noqa: B010

    again = replay(found.witness, Counter, {"alice": add_otherwise, "bob": add_otherwise}, check=check)
    assert again.status == "fails" or again.reason.startswith("stale: diverged at step"), again.reason

    def set_two(counter):
        counter.value = 2

    again = replay(found.witness, Counter, {"alice": set_two, "bob": set_two}, check=check)
    assert (again.status, again.stale) == ("unknown", True), again.reason
    assert again.reason.startswith("stale: diverged at step"), again.reason
    assert again.reason.endswith("; explore again for a new witness")


# ------------------------------------------------------------ 21: randomness in the program


def test_21_randomness_of_the_program_does_not_spoil_a_replay():
    def gamble(counter):
        for _ in range(4):
            if random.random() < 0.5:
                counter.add()

    def in_turn(counter):
        gamble(counter)
        gamble(counter)

    (wins,) = explore(Counter, [in_turn], outcome=value, schedules=50, strategy="random").outcomes
    program = {"setup": Counter, "actors": [gamble, gamble], "outcome": value, "allowed": {wins}}
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
