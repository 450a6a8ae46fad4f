"""Replays and stress runs of comparable tools: each defect is a test named after what must not happen.

20  a witness of code that was edited: *no failure*, and thrown away
21  chance in the program, and replays that differ without a word
22  a stress run in which nothing overlapped passes
23  unlocked increments: never lost on a build with the lock, lost wherever a call stands between read and write
"""

from __future__ import annotations

import os
import random
import re
import sys

import pytest
from controlled import Counter, value

from lab import Witness, explore, hammer, replay
from lab.hammering.pool import Batch

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
        setattr(counter, "value", before + 1)  # noqa: B010  # by a call, as an edit may do it

    again = replay(found.witness, Counter, {"alice": add_otherwise, "bob": add_otherwise}, check=check)
    assert again.status == "fails" or again.reason.startswith("stale: diverged at step"), again.reason

    def set_two(counter):
        counter.value = 2

    again = replay(found.witness, Counter, {"alice": set_two, "bob": set_two}, check=check)
    assert (again.status, again.stale) == ("unknown", True), again.reason
    assert again.reason.startswith("stale: diverged at step"), again.reason
    assert again.reason.endswith("; explore again for a new witness")


def test_20_no_witness_is_thrown_away(tmp_path, monkeypatch):
    """Neither one that is stale nor one of a bug that was repaired: it may be back tomorrow."""
    program = {"setup": Counter, "check": lambda counter: counter.value == 2}
    path = tmp_path / "witness.json"
    explore(**program, actors=[Counter.add] * 2, schedules=100).witness.save(path)
    text = path.read_text()

    def set_two(counter):
        counter.value = 2

    def add_safely(counter):
        with counter.lock:
            counter.add()

    for repaired, status in ((set_two, "unknown"), (add_safely, "unknown"), (Counter.add, "fails")):
        again = replay(Witness.load(path), **program, actors=[repaired] * 2)
        assert again.status == status, again.reason
        assert status == "fails" or again.stale
        assert path.read_text() == text


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


@pytest.mark.parametrize("draw", [random.SystemRandom().random, lambda: os.urandom(1)[0]], ids=["system", "bytes"])
def test_21_randomness_of_the_system_is_repeated_and_told(draw):
    def gamble(counter):
        counter.value = draw()
        counter.add()

    found = [explore(Counter, [gamble, gamble], outcome=value, schedules=40) for _ in range(2)]
    assert found[0].outcomes == found[1].outcomes
    assert len(found[0].outcomes) <= 4  # whose number comes last, and whose addition is lost
    assert re.search(r"classes of schedules covered, but .* os\.urandom\(\)", found[0].reason), found[0].reason


def test_21_randomness_that_goes_on_from_execution_to_execution_is_told():
    going_on = random.Random(3)

    def gamble(counter):
        counter.value = going_on.randrange(1 << 32)
        counter.add()

    found = explore(Counter, [gamble, gamble], schedules=40)
    assert found.status == "unknown"
    assert "the program is not the same in every execution" in found.reason  # of failures: test_nondeterminism.py


# ------------------------------------------------------------ 22, 23: running for real


def test_22_rounds_in_which_nothing_overlapped_are_told():
    quiet = hammer(Counter, [Counter.add], rounds=50, noise=0)
    assert quiet.overlap == 0.0
    assert quiet.status == "unknown"


def test_22_two_actors_that_never_overlapped_have_tested_nothing(monkeypatch):
    monkeypatch.setattr(Batch, "overlaps", lambda *_: 0)
    found = hammer(Counter, [Counter.add] * 2, outcome=value, allowed={1, 2}, rounds=20)
    assert (found.status, found.overlap) == ("unknown", 0.0)
    assert found.reason.startswith("nothing overlapped: in none of 20 rounds"), found.reason


def test_23_an_unlocked_increment_is_lost_though_the_interpreter_hardly_ever_loses_it():
    found = explore(Counter, [Counter.add] * 2, outcome=value, allowed={2}, schedules=100)
    assert str(found.failure) == "outcome: outcome 1 (allowed: 2)"


def known(number):
    return number


def test_23_a_call_between_read_and_write_makes_it_likely():
    def add(counter):
        for _ in range(20):
            current = counter.value
            counter.value = known(current) + 1

    program = {"setup": Counter, "actors": [add, add], "outcome": value, "allowed": {40}}
    found = explore(**program, schedules=100)
    assert found.status == "fails"
    assert found.realizable["this build"].status == "yes"
    assert hammer(**program, noise=0.5, rounds=20_000, seconds=20).status == "fails"


@pytest.mark.skipif(not getattr(sys, "_is_gil_enabled", lambda: True)(), reason="without the lock they are lost")
def test_23_without_a_call_no_build_with_the_lock_can_lose_it():
    found = explore(Counter, [Counter.add] * 2, outcome=value, allowed={2}, schedules=100)
    assert (found.realizable["this build"].status, found.realizable["free-threaded"].status) == ("no", "yes")
    assert hammer(Counter, [Counter.add] * 2, outcome=value, allowed={2}, noise=0, rounds=500).status == "unknown"
