"""What belongs to an OS thread belongs to an actor on the thread carrier."""

from __future__ import annotations

import cProfile
import os
import sqlite3
import sys
import threading

import pytest

import lab
from tests.carrier_programs import add, carrier, explored, impatient, nothing_is_left
from tests.controlled import State

pytestmark = [pytest.mark.filterwarnings("error"), pytest.mark.timeout(60, method="thread")]
__all__ = ["carrier", "impatient", "nothing_is_left"]  # fixtures


def test_a_connection_knows_its_thread():
    """C code that looks at the thread it really runs on."""

    def queries(state):
        add(state)
        state.database.execute("select 1")

    def setup():
        return State(value=0, database=sqlite3.connect(":memory:"))

    found = explored(queries, add, setup=setup, teardown=lambda state: state.database.close())
    assert found.failure.kind == "exception"
    assert "SQLite objects created in a thread" in found.failure.message


def test_trace_and_profile_functions_stay_with_the_actor():
    seen = []

    def curious(state):
        seen.append((sys.gettrace(), sys.getprofile() is watcher))
        add(state)
        sys.settrace(tracer)
        sys.setprofile(watcher)
        add(state)

    def tracer(frame, event, argument):
        return None

    def watcher(frame, event, argument):
        return None

    coverage = sys.gettrace(), sys.getprofile()
    verdict = explored(curious, curious)
    assert verdict.failure is None
    assert {profiled for _, profiled in seen} == {False}
    assert tracer not in {trace for trace, _ in seen}
    assert (sys.gettrace(), sys.getprofile()) == coverage


def test_a_profile_made_by_c_code_goes_on_afterwards(carrier):
    profile = cProfile.Profile()
    profile.enable()
    try:
        verdict = explored(add, add, carrier=carrier, outcome=lambda state: state.value)
        marker()
    finally:
        profile.disable()
    assert set(verdict.outcomes) == {1, 2}
    assert any(entry.code is marker.__code__ for entry in profile.getstats())


def marker():
    """Called where the profile must see it."""


def test_functions_set_for_every_thread_are_called():
    called = set()

    def profiler(frame, event, argument):
        if event == "call":
            called.add(frame.f_code.co_name)

    threading.setprofile(profiler)
    try:
        verdict = explored(add, add, outcome=lambda state: state.value, schedules=100)
    finally:
        threading.setprofile(None)
    assert "add" in called
    assert set(verdict.outcomes) == {1, 2}


def test_code_that_only_c_code_calls_is_found(carrier):
    """The interpreter reports it, from whichever thread."""

    class Amount:
        def __init__(self):
            self.amount = 0

        def __lt__(self, other):
            self.amount = self.amount + 1
            return False

    def sorts(state):
        sorted([state.one, state.other])

    verdict = lab.explore(
        lambda: State(one=Amount(), other=Amount()),
        [sorts, sorts],
        outcome=lambda state: state.other.amount,
        carrier=carrier,
        schedules=200,
    )
    assert set(verdict.outcomes) == {1, 2}
    assert verdict.uncontrolled == ()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork")
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*:DeprecationWarning")
def test_the_child_of_a_fork_ends_with_its_actor():
    def forks(state):
        add(state)
        child = os.fork()
        if child:
            state.status = os.waitpid(child, 0)[1]
        add(state)

    verdict = explored(forks, add, schedules=3, setup=lambda: State(value=0, status=None), outcome=lambda s: s.status)
    assert set(verdict.outcomes) == {0}
