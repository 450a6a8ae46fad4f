"""Programs of which something outside decides: the first step that differs is shown, both sides of it."""

from __future__ import annotations

import re

import pytest
from controlled import State

from lab import explore


@pytest.fixture
def growing(tmp_path):
    """A file that grows with every look at it, which no execution takes back."""
    path = tmp_path / "looks"
    path.write_bytes(b"")

    def looks():
        with path.open("ab") as file:
            file.write(b".")
        return path.stat().st_size

    return looks


def test_what_differs_is_shown_with_both_sides(growing):
    def actor(state):
        state.first = 1
        if growing() % 2:
            state.odd = 1
        else:
            state.even = 1

    def other(state):
        state.first = state.odd = state.even = 2

    verdict = explore(
        lambda: State(first=0, odd=0, even=0), {"alice": actor, "bob": other}, strategy="dpor", schedules=500
    )
    assert (verdict.status, verdict.failure) == ("unknown", None)
    assert re.fullmatch(
        r"3 classes of schedules covered, but the program is not the same in every execution: step \d was 'alice writes state\.(odd|even) 1' "
        r"\(test_nondeterminism\.py:\d+\) in one execution of a schedule and 'alice writes state\.(?!\1)(odd|even) 1' "
        r"\(test_nondeterminism\.py:\d+\) in another",
        verdict.reason,
    ), verdict.reason


def test_a_failure_that_may_come_of_a_file_is_told_with_that_file(growing):
    def actor(state):
        state.value = 1
        if growing() % 41 == 40:
            state.value = 2
            raise ValueError("now and then")

    verdict = explore(lambda: State(value=0), {"alice": actor, "bob": actor}, strategy="random", schedules=500)
    assert (verdict.status, verdict.failure, verdict.schedules > 1) == ("unknown", None, True)
    assert re.match(
        r"setup does not make everything anew: \S+looks is not as the execution before found it, and so an execution may "
        r"have failed \(exception: ValueError: now and then left (alice|bob)\); "
        r"make it anew in setup, or put it back in teardown(; step |$)",
        verdict.reason,
    ), verdict.reason


def test_what_stays_of_an_execution_is_named_as_the_reason():
    numbers = iter(range(10_000))

    def actor(state):
        state.value = 1
        if next(numbers) % 57 == 56:
            raise ValueError("now and then")

    verdict = explore(lambda: State(value=0), {"alice": actor, "bob": actor}, strategy="random", schedules=500)
    assert verdict.failure.kind == "nondeterminism"
    assert verdict.failure.message.endswith(
        "but not when it was repeated; setup does not make everything anew: a range_iterator changed while it ran "
        "in one execution, and so began the next"
    )


class Once:
    """Fails in one execution of all."""

    def __init__(self, number):
        self.number, self.executions = number, 0

    def check(self, state):
        self.executions += 1
        return self.executions != self.number  # a failing assertion would have pytest run code of its own


@pytest.mark.parametrize("strategy", ["auto", "dpor", "random"])
@pytest.mark.parametrize("number", range(1, 16))
def test_a_failure_of_any_execution_is_told(number, strategy):
    """Some executions repeat others, to learn from them; whether the program failed there as well must not be lost."""
    once = Once(number)

    def act(state):
        state.number += 1
        if state.number > 1:
            state.other = state.number
            state.other += 1

    verdict = explore(
        lambda: State(number=0, other=0), [act, act, act], check=once.check, strategy=strategy, schedules=30, seed=1
    )
    assert once.executions >= number
    assert verdict.status == "fails", str(verdict)
    assert verdict.failure.kind == "nondeterminism"
