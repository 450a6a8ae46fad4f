"""What fails while code runs uninstrumented is not lost: it is looked at again, or stands against a proof."""

from __future__ import annotations

import functools
import operator
import types

import lab
from lab.discovery import Discovery
from lab.exploration import Exploration


class Unseen:
    """Whose property is called by C code, so that its start is only reported."""

    def __init__(self):
        self.value = 0
        self.failed = 0

    @property
    def grown(self):
        self.value = self.value + 1
        return self.value


class Grown:
    """Compared by C code, and only where another actor is in the middle of its work."""

    def __init__(self, state):
        self.state = state

    def __eq__(self, other):
        seen = self.state.value
        self.state.value = seen + 1
        return False

    __hash__ = None


def test_code_that_starts_in_some_schedules_only_is_stepped_in_before_anything_holds():
    def setup():
        state = types.SimpleNamespace(turn=0, value=0)
        state.grown = Grown(state)
        return state

    def first(state):
        state.turn = 1
        state.value = 5
        state.turn = 2

    def second(state):
        one = state.grown if state.turn == 1 else 1
        functools.reduce(operator.eq, [one, 1])

    verdict = lab.explore(setup, [first, second], outcome=lambda state: state.value, strategy="dpor", schedules=5_000)
    assert verdict.status == "holds", str(verdict)
    assert verdict.outcomes == {5: 3, 6: 1, 1: 1}


def test_a_failure_of_a_repetition_in_which_code_starts_uninstrumented_is_not_lost(monkeypatch):
    """As on 3.11, where only noted executions report what starts: there it starts in the one that fails."""
    reported = []
    take_found = Discovery.take_found

    def late(self):
        found = take_found(self)
        if self.exploring and not reported:
            reported.append(1)
            return True
        return found

    monkeypatch.setattr(Discovery, "exploring", False, raising=False)
    monkeypatch.setattr(Discovery, "take_found", late)
    learn = Exploration.learn

    def learning(self, choices):
        self.discovery.exploring = True
        return learn(self, choices)

    monkeypatch.setattr(Exploration, "learn", learning)
    executed = []

    def count(state):
        executed.append(1)
        return len(executed) < 4 or state.value != 2

    found = lab.explore(Unseen, [lambda state: state.grown] * 2, check=count, strategy="random", schedules=50)
    assert reported
    assert found.failure is not None, str(found)
    assert found.failure.kind == "check"


def test_a_failure_that_only_code_had_that_ran_uninstrumented_is_a_doubt(monkeypatch):
    failing = [False, True]
    take_found = Discovery.take_found
    monkeypatch.setattr(Discovery, "take_found", lambda self: take_found(self) or len(failing) == 1)

    def check(state):
        return failing.pop(0) if failing else True

    failing.insert(0, True)
    found = lab.explore(Unseen, [lambda state: state.grown], check=check)
    assert (found.status, found.failure) == ("unknown", None), str(found)
    assert (
        "an execution failed (check: check() returned False) in which code ran uninstrumented, "
        "and did not when it was repeated"
    ) in found.reason
