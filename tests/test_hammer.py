"""Real threads: what `hammer` finds, what it never says, and that it leaves nothing behind."""

from __future__ import annotations

import contextvars
import threading
from typing import Any

import pytest
from hammer_programs import (
    ADDERS,
    JUDGED,
    Box,
    Fixed,
    Unsafe,
    add_one,
    final_value,
    leave_by,
    nothing,
    nothing_left_behind,  # noqa: F401 - used by every test
)

from lab import hammer
from lab.hammering.isolation import Isolation, Watched
from lab.hammering.noise import Noise
from lab.hammering.pool import Batch
from lab.hooks import DRIVERS

# ------------------------------------------------------------ findings


def test_noise_brings_out_a_lost_update() -> None:
    verdict = hammer(Unsafe, ADDERS, seconds=0.4, **JUDGED)
    assert verdict.status == "fails"
    assert verdict.method == "hammer"
    assert verdict.failure is not None
    assert str(verdict.failure) == "outcome: outcome 1: one lost (allowed: 2)"
    assert verdict.witness is None
    assert 0 < verdict.rate < 1
    assert verdict.rate_interval[0] < verdict.rate < verdict.rate_interval[1]
    assert 0 < verdict.overlap < 1
    assert verdict.outcomes[1] == round(verdict.rate * verdict.schedules)
    assert sum(verdict.outcomes.values()) == verdict.schedules
    assert verdict.reason == f"{verdict.outcomes[1]:,} of {verdict.schedules:,} rounds failed"
    assert [note.split(":")[0] for note in verdict.notes] == ["quiet", "noisy"]
    assert f": {verdict.outcomes[1]:,} of " in verdict.notes[1]
    assert "forbidden" in str(verdict)


def test_a_fixed_counter_never_fails_and_never_holds() -> None:
    verdict = hammer(Fixed, ADDERS, seconds=0.2, **JUDGED)
    assert verdict.status == "unknown"
    assert verdict.failure is None
    assert verdict.rate == 0
    assert verdict.overlap > 0
    assert verdict.outcomes == {2: verdict.schedules}
    assert verdict.reason == f"0 of {verdict.schedules:,} rounds failed"
    bound = f"bound: 95 % confident that fewer than 1 in {verdict.schedules // 3:,} rounds fails"
    assert verdict.notes[-1] == bound


def test_without_noise_every_round_is_quiet() -> None:
    verdict = hammer(Unsafe, ADDERS, rounds=300, noise=0, **JUDGED)
    assert verdict.schedules == 300
    assert verdict.notes[0].startswith("quiet: ")
    assert " of 300 rounds" in verdict.notes[0]
    assert not any(note.startswith("noisy") for note in verdict.notes)


@pytest.mark.parametrize("rounds", [1, 2, 7, 100])
def test_the_number_of_rounds_is_kept(rounds: int) -> None:
    assert hammer(Unsafe, ADDERS, rounds=rounds, **JUDGED).schedules == rounds


def test_half_of_few_rounds_are_quiet() -> None:
    notes = hammer(Fixed, ADDERS, rounds=160, **JUDGED).notes
    quiet, noisy = (int(note.split()[3]) for note in notes[:2])
    assert quiet + noisy == 160
    assert abs(quiet - noisy) <= 8


def test_noise_reaches_properties_operators_and_callbacks() -> None:
    class Hidden:
        def __init__(self) -> None:
            self._value = 0

        @property
        def value(self) -> int:
            return self._value

        @value.setter
        def value(self, new: int) -> None:
            self._value = new

        def __iadd__(self, number: int) -> Hidden:
            self.value = self.value + number
            return self

    def with_operator(state: Hidden) -> None:
        state += 1

    verdict = hammer(Hidden, [with_operator] * 2, outcome=lambda state: state.value, allowed={2}, seconds=0.3)
    assert verdict.status == "fails"

    def with_callback(state: Hidden) -> None:
        list(map(state.__class__.__iadd__, [state], [1]))

    verdict = hammer(Hidden, [with_callback] * 2, outcome=lambda state: state.value, allowed={2}, seconds=0.3)
    assert verdict.status == "fails"


def test_noise_reaches_threads_that_an_actor_starts() -> None:
    seen = []

    def child() -> None:
        seen.append(isinstance(DRIVERS.get(threading.get_ident()), Noise))

    def parent(state: None) -> None:
        thread = threading.Thread(target=child)
        thread.start()
        thread.join()

    hammer(Box, [parent], rounds=2)
    assert seen == [True, False]  # the first round is noisy, the second is not


# ------------------------------------------------------------ exceptions


def recurse(state: object) -> None:
    recurse(state)


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (KeyError("k"), "KeyError: 'k'"),
        (SystemExit(3), "SystemExit: 3"),
        (KeyboardInterrupt(), "KeyboardInterrupt"),
        (GeneratorExit("x"), "GeneratorExit: x"),
        (AssertionError("no"), "AssertionError: no"),
    ],
)
def test_every_exception_is_kept(error: BaseException, told: str) -> None:
    verdict = hammer(Box, {"alice": leave_by(error), "bob": nothing}, rounds=20)
    assert verdict.status == "fails"
    assert verdict.rate == 1
    assert verdict.outcomes == {told: 20}
    assert str(verdict.failure) == f"exception: {told} left alice"
    assert verdict.failure is not None
    assert len(verdict.failure.detail) == 1
    assert verdict.failure.detail[0].startswith("alice: ")
    assert verdict.failure.detail[0].endswith("in leave_by.<locals>.actor")


def test_endless_recursion_is_kept() -> None:
    verdict = hammer(Box, {"alice": recurse, "bob": nothing}, rounds=4)
    assert sum(verdict.outcomes.values()) == 4
    assert all(outcome.startswith("RecursionError: ") for outcome in verdict.outcomes)


def test_check_is_not_asked_about_a_round_that_an_exception_ended() -> None:
    asked: list[Any] = []
    hammer(Box, {"alice": leave_by(KeyError("k")), "bob": nothing}, rounds=5, check=asked.append)
    assert asked == []


def test_a_failed_check_counts() -> None:
    def both_counted(counter: Unsafe) -> None:
        assert counter.value == 3, "not three"

    verdict = hammer(Fixed, ADDERS, check=both_counted, rounds=10)
    assert str(verdict.failure) == "check: not three"
    assert verdict.rate == 1


# ------------------------------------------------------------ what rounds share


total = 0


def reset_total() -> None:
    global total
    total = 0


def add_to_total(state: None) -> None:
    global total
    total = total + 1


def test_module_level_state_is_hammered_one_round_at_a_time() -> None:
    verdict = hammer(reset_total, [add_to_total] * 2, outcome=lambda state: total, allowed={1, 2}, seconds=0.2)
    assert verdict.status == "unknown"
    assert verdict.notes[-1] == "singly: the actors touch more than setup returns, so each round ran alone"


def test_a_file_is_hammered_one_round_at_a_time(tmp_path: Any) -> None:
    path = tmp_path / "count"

    def setup() -> Box:
        path.write_text("")
        return Box()

    def append(state: Box) -> None:
        with open(path, "a") as file:
            file.write("x")

    verdict = hammer(setup, [append] * 2, outcome=lambda state: path.read_text(), allowed={"xx"}, seconds=0.2)
    assert verdict.status == "unknown"
    assert verdict.notes[-1].startswith("singly: ")


_LOCAL = threading.local()
_VARIABLE: contextvars.ContextVar[int] = contextvars.ContextVar("_VARIABLE", default=0)


def count_in_local(state: list[int]) -> None:
    _LOCAL.turns = getattr(_LOCAL, "turns", 0) + 1
    state.append(_LOCAL.turns)


def count_in_context(state: list[int]) -> None:
    _VARIABLE.set(_VARIABLE.get() + 1)
    state.append(_VARIABLE.get())


@pytest.mark.parametrize("actor", [count_in_local, count_in_context])
def test_threads_are_new_where_they_keep_something(actor: Any) -> None:
    verdict = hammer(list, [actor] * 2, outcome=tuple, allowed={(1, 1)}, seconds=0.2)
    assert verdict.status == "unknown"
    assert verdict.schedules > 4


def test_isolation_is_judged_from_what_two_rounds_touched() -> None:
    def watched(written: bool, **flags: Any) -> Watched:
        return Watched({(1, "x"): written, (2, "y"): False}, **flags)

    assert Isolation.between(watched(False), watched(False)) == Isolation(batches=True)
    assert Isolation.between(watched(True), watched(False)) == Isolation(batches=False)
    assert Isolation.between(watched(False), watched(True)) == Isolation(batches=False)
    assert Isolation.between(watched(False), watched(False, outside=True)) == Isolation(batches=False)
    assert Isolation.between(watched(False, of_thread=True), watched(False)) == Isolation(False, fresh_threads=True)
    assert Isolation.between(Watched({(1, "x"): True}), Watched({(3, "x"): True})) == Isolation(batches=True)


# ------------------------------------------------------------ overlap


def test_overlap_is_counted_from_the_times() -> None:
    batch = Batch([None] * 3, False, 2)
    batch.begins = [[0, 10, 20], [5, 15, 20]]
    batch.ends = [[5, 16, 30], [9, 20, 21]]  # one after the other, overlapping, inside
    assert batch.overlaps(3) == 2
    assert [batch.overlapped(number) for number in range(3)] == [False, True, True]
    batch = Batch([None], False, 3)
    batch.begins = [[0], [3], [6]]
    batch.ends = [[2], [7], [9]]
    assert batch.overlaps(1) == 1


def test_nothing_overlapped_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Batch, "overlaps", lambda *_: 0)
    verdict = hammer(Fixed, ADDERS, rounds=20, **JUDGED)
    assert verdict.overlap == 0.0
    assert verdict.status == "unknown"
    assert verdict.reason == (
        "nothing overlapped: in none of 20 rounds did two actors run at the same time, so nothing was "
        "tested; raise noise, rounds or seconds, or let each actor do more"
    )
    failing = hammer(Fixed, ADDERS, rounds=20, outcome=final_value, allowed={3})
    assert failing.reason == "20 of 20 rounds failed"
    alone = hammer(Fixed, [add_one], rounds=20)
    assert alone.reason == "0 of 20 rounds failed"
