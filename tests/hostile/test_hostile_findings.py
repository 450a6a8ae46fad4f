"""Findings are kept apart: none is ever told as another, and what the program decides by chance is none."""

from __future__ import annotations

import itertools
import os
import random
import threading
import time

import pytest
from controlled import State

import lab
from tests.hostile.conftest import add


def setup():
    return State(value=0, lock=threading.Lock(), event=threading.Event(), condition=threading.Condition(), log=[])


def assert_too_much(state):
    add(state)
    assert state.value == 99, "mine"


def keep_the_lock(state):
    state.lock.acquire()


def want_the_lock(state):
    with state.lock:
        pass


def wait_for_nobody(state):
    with state.condition:
        state.condition.wait()


def notify(state):
    with state.condition:
        state.condition.notify()


def leave_a_thread(state):
    threading.Thread(target=state.event.wait).start()


def sleep_in_a_loop(state):
    while state.value < 100:
        time.sleep(0.01)


def poll_in_a_loop(state):
    while not state.event.wait(0.1):
        pass


def spin(state):
    while not state.event.is_set():
        pass


FINDINGS = [
    ("check", [add, add], {"check": lambda state: state.value == 2}),
    ("outcome", [add, add], {"outcome": lambda state: state.value, "allowed": {2}}),
    ("exception", [assert_too_much, add], {}),
    ("exception", [add, add], {"check": lambda state: state.missing}),
    ("exception", [add, add], {"check": lambda state: exit(2)}),
    ("exception", [add, add], {"outcome": lambda state: exit(2)}),
    ("deadlock", [keep_the_lock, want_the_lock], {}),
    ("deadlock", [keep_the_lock, add], {"check": want_the_lock}),
    ("deadlock", [add, add], {"outcome": lambda state: state.event.wait()}),
    ("deadlock", [add, add], {"teardown": lambda state: state.event.wait()}),
    ("lost wakeup", [wait_for_nobody, notify], {}),
    ("leak", [leave_a_thread, add], {}),
    ("livelock", [sleep_in_a_loop, add], {"steps": 300}),
    ("livelock", [poll_in_a_loop, add], {"steps": 300}),
    ("livelock", [spin, add], {"steps": 300}),
]


@pytest.mark.parametrize("carrier", ["auto", "thread"])
@pytest.mark.parametrize(("kind", "actors", "options"), FINDINGS, ids=lambda value: value if type(value) is str else "")
def test_each_finding_has_its_own_name(kind, actors, options, carrier):
    found = lab.explore(setup, actors, carrier=carrier, schedules=200, **options)
    assert (found.status, found.failure and found.failure.kind) == ("fails", kind), str(found)
    assert found.witness is not None


def test_a_tool_error_is_no_finding():
    def nested(state):
        lab.explore(setup, [add])

    with pytest.raises(lab.errors.LabError, match=r"^explore\(\) was called inside an exploration; "):
        lab.explore(setup, [nested])


# ------------------------------------------------------------------ what chance decides

COUNT = itertools.count()


def by_a_count(state):
    if next(COUNT) % 2:
        add(state)


def by_the_environment(state):
    os.environ["HOSTILE"] = str(int(os.environ.get("HOSTILE", "0")) + 1)
    if int(os.environ["HOSTILE"]) % 2:
        add(state)


def by_random_bytes(state):
    if os.urandom(1)[0] % 2:
        add(state)


def by_random_numbers(state):
    if random.SystemRandom().random() < 0.5:
        add(state)


def by_ids(state):
    if id(state) == 1:
        add(state)


def by_the_time(state):
    if time.time() % 2 < 1:
        add(state)


@pytest.fixture
def environment(monkeypatch):
    monkeypatch.setenv("HOSTILE", "0")


@pytest.mark.parametrize(
    ("actor", "told"),
    [
        (by_a_count, "the program is not the same in every execution: step "),
        (by_the_environment, "the program is not the same in every execution: step "),
        (by_random_bytes, " calls os.urandom(), and random numbers were the same in every execution"),
        (by_random_numbers, " has os.urandom() called, and random numbers were the same in every execution"),
        (by_ids, "asks for an id, and objects lay at the same places in every execution"),
        (by_the_time, " calls time.time(), and the clock showed only times that pass while nothing is slow"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_what_chance_decides_is_never_a_proof(explored, environment, actor, told):
    verdict = explored(actor, setup=setup)
    assert (verdict.status, verdict.failure) == ("unknown", None), str(verdict)
    assert told in verdict.reason


def test_a_failure_that_chance_decides_is_nondeterminism(explored):
    turns = itertools.count()

    def once(state):
        add(state)
        if next(turns) == 8:
            state.log.append("failed")

    verdict = explored(once, setup=setup, check=lambda state: not state.log)
    assert verdict.failure.kind == "nondeterminism", str(verdict)
    assert "(check: <lambda>() returned False)" in verdict.failure.message


def test_the_hammer_tells_of_threads_that_are_left_behind():
    release = threading.Event()
    verdict = lab.hammer(setup, [lambda state: threading.Thread(target=release.wait).start(), add], rounds=3)
    release.set()
    (told,) = [note for note in verdict.notes if note.startswith("left behind: ")]
    assert told.startswith("left behind: 3 threads that were started meanwhile and did not end, such as Thread-")
