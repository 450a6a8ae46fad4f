"""A loop that waits for somebody who could go on is no livelock, however long a schedule lets it spin."""

from __future__ import annotations

import time
from types import SimpleNamespace as State

import pytest

from lab import explore


def peterson(me, first, pause):
    other = 1 - me

    def run(state):
        if first == "flag":
            state.flag[me] = True
            state.turn = other
        else:  # a well known mistake, which breaks the exclusion
            state.turn = other
            state.flag[me] = True
        while state.flag[other] and state.turn == other:
            pause()
        count = state.count
        state.count = count + 1
        state.flag[me] = False

    return run


def setup():
    return State(flag=[False, False], turn=0, count=0)


@pytest.mark.parametrize("strategy", ["dpor", "surw", "pos", "pct", "random"])
@pytest.mark.parametrize("first", ["flag", "turn"])
@pytest.mark.parametrize("pause", [lambda: None, lambda: time.sleep(0)], ids=["spins", "sleeps"])
def test_petersons_algorithm_is_no_livelock(strategy, first, pause):
    actors = [peterson(0, first, pause), peterson(1, first, pause)]
    verdict = explore(
        setup, actors, outcome=lambda s: s.count, strategy=strategy, schedules=400, seconds=5, steps=1_000
    )
    assert verdict.failure is None, str(verdict)
    assert set(verdict.outcomes) <= {1, 2} if first == "turn" else {2}


def test_sleeping_often_is_not_told_as_a_long_timeout():
    actors = [peterson(0, "flag", lambda: time.sleep(0)), peterson(1, "flag", lambda: time.sleep(0))]
    verdict = explore(setup, actors, strategy="dpor", schedules=400, seconds=5, steps=1_000)
    assert "ten seconds" not in verdict.reason
