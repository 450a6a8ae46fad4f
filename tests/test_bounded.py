"""A bound on preemptions: what it leaves out, and that the verdict says so."""

from __future__ import annotations

import threading

import pytest
from controlled import Counter, State, value

from lab import explore


def three(counter):
    for _ in range(3):
        counter.add()


LEAST = {0: {6}, 1: {3, 6}, 2: {3, 4, 5, 6}, 3: {3, 4, 5, 6}, 4: {2, 3, 4, 5, 6}}
"""How often two actors that each add one three times can have lost one, by preemptions."""


@pytest.mark.parametrize("strategy", ["dpor", "auto"])
@pytest.mark.parametrize("most", LEAST)
def test_schedules_with_more_preemptions_are_left_out(most, strategy):
    verdict = explore(Counter, [three, three], outcome=value, strategy=strategy, schedules=2_000, preemptions=most)
    assert set(verdict.outcomes) == LEAST[most]
    assert verdict.status == "unknown"
    bound = f"at most {most} preemption{'' if most == 1 else 's'}"
    assert verdict.bound == bound
    assert verdict.reason == f"no failure in any schedule with {bound}, and none with more was tried"


@pytest.mark.parametrize("strategy", ["random", "pct", "pos", "surw"])
def test_drawn_schedules_keep_to_the_bound(strategy):
    verdict = explore(Counter, [three, three], outcome=value, strategy=strategy, schedules=500, preemptions=1)
    assert set(verdict.outcomes) == {3, 6}
    assert (verdict.status, verdict.bound) == ("unknown", "at most 1 preemption")


def test_what_the_bound_does_not_touch_holds():
    verdict = explore(Counter, [Counter.add] * 2, outcome=value, preemptions=5)
    assert (verdict.status, verdict.reason, verdict.bound) == ("holds", "all 4 classes of schedules", None)


def test_who_waits_is_not_preempted():
    def first(state):
        with state.lock, state.other:
            pass

    def second(state):
        with state.other, state.lock:
            pass

    def setup():
        return State(lock=threading.Lock(), other=threading.Lock())

    assert explore(setup, [first, second], preemptions=0).status == "unknown"
    assert explore(setup, [first, second], preemptions=1).failure.kind == "deadlock"
