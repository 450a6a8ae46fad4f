"""What a verdict says, what its assertions raise, and the interval of a rate."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab import keeping
from lab.program import Failure
from lab.verdict import Verdict, wilson


def verdict(status, reason="no failure in 100 schedules", **fields):
    return Verdict(status, reason, seconds=0.012, **fields)


FAILS = verdict(
    "fails",
    "failed in schedule 3",
    failure=Failure("outcome", "outcome 1 (allowed: 2)"),
    schedules=3,
    outcomes=Counter({2: 2, 1: 1}),
    allowed=frozenset({2}),
)
FAILS_REPORT = """\
FAILS  outcome 1 (allowed: 2)

    outcomes   2   2 schedules
               1    1 schedule   forbidden
    found      schedule 3; 12 ms"""


def raised(method):
    with pytest.raises(AssertionError) as caught:
        method()
    return str(caught.value)


def test_fails_passes_only_assert_fails():
    FAILS.assert_fails()
    told = "fails: outcome 1\n\n" + FAILS_REPORT  # first what a summary has room for
    assert raised(FAILS.assert_holds) == told
    assert raised(FAILS.assert_no_failure) == told
    assert str(FAILS) == FAILS_REPORT
    assert repr(FAILS) == "<Verdict fails: failed in schedule 3>"


def test_unknown_passes_only_assert_no_failure():
    unknown = verdict("unknown")
    unknown.assert_no_failure()
    assert raised(unknown.assert_holds) == (
        "unknown: no failure in 100 schedules, 12 ms\n"
        "\n"
        "UNKNOWN  no failure in 100 schedules\n"
        "\n"
        "    covered    not every schedule at operation granularity; 12 ms\n"
        "    asserted   holds, which takes every schedule to be covered without a failure"
    )
    assert raised(unknown.assert_fails) == (
        "unknown: no failure in 100 schedules, 12 ms\n"
        "\n"
        "UNKNOWN  no failure in 100 schedules\n"
        "\n"
        "    covered    not every schedule at operation granularity; 12 ms\n"
        "    asserted   fails"
    )


def test_holds_passes_all_but_assert_fails():
    holds = verdict("holds", "2 of 2 classes", bound="at most 2 preemptions")
    holds.assert_holds()
    holds.assert_no_failure()
    assert raised(holds.assert_fails) == (
        "holds: 2 of 2 classes, 12 ms\n"
        "\n"
        "HOLDS  2 of 2 classes\n"
        "\n"
        "    covered    every schedule at operation granularity (limit: at most 2 preemptions); 12 ms\n"
        "    asserted   fails"
    )


STALE = "stale: diverged at step 1, expected alice: reads x (a.py:1), saw the end"


def test_a_stale_replay_passes_nothing():
    stale = verdict("unknown", STALE, method="replay")
    assert stale.stale
    report = f"{STALE}\n\nUNKNOWN  {STALE}\n\n    asserted   "
    assert raised(stale.assert_no_failure) == report + "no failure"
    assert raised(stale.assert_fails) == report + "fails"
    assert raised(stale.assert_holds) == report + "holds, which takes every schedule to be covered without a failure"


def test_only_a_replay_can_be_stale():
    assert not verdict("unknown", STALE).stale
    assert not verdict("fails", STALE, method="replay").stale


def test_a_replay_that_no_longer_fails_does_not_hold_but_where_it_is_all_that_was_asked():
    reason = "no longer fails: all 4 steps were taken without the failure"
    alone = verdict("unknown", reason, method="replay")
    alone.assert_no_failure()
    assert raised(alone.assert_holds).startswith(f"{reason}\n\nUNKNOWN  {reason}\n")
    session = keeping.Session(replay=object())
    keeping.begin(session)
    try:
        asked = verdict("unknown", reason, method="replay")
        asked.assert_holds()
        assert session.replayed == [asked]
        stale = verdict("unknown", STALE, method="replay")  # may belong to another exploration of the test
        stale.assert_holds()
        stale.assert_fails()
        stale.assert_no_failure()
        assert raised(asked.assert_fails).startswith(f"{reason}\n\nUNKNOWN  {reason}\n")
        assert raised(verdict("unknown").assert_holds)
        assert raised(verdict("fails", method="replay").assert_holds)
    finally:
        keeping.end(session)


# ------------------------------------------------------------------ Wilson's interval


@pytest.mark.parametrize(
    ("hits", "rounds", "low", "high"),
    [
        # R. G. Newcombe, "Two-sided confidence intervals for the single proportion: comparison of seven methods",
        # Statistics in Medicine 1998, table I, method 3.
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0000, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_wilson_agrees_with_published_figures(hits, rounds, low, high):
    assert wilson(hits, rounds) == (pytest.approx(low, abs=5e-5), pytest.approx(high, abs=5e-5))


def test_no_rounds_tell_nothing():
    assert wilson(0, 0) == (0.0, 1.0)


@given(st.integers(1, 10**9).flatmap(lambda rounds: st.tuples(st.integers(0, rounds), st.just(rounds))))
def test_wilson_is_an_interval_around_the_rate_and_symmetric(pair):
    hits, rounds = pair
    low, high = wilson(hits, rounds)
    assert 0.0 <= low <= hits / rounds + 1e-12
    assert hits / rounds - 1e-12 <= high <= 1.0
    assert low < high
    other_low, other_high = wilson(rounds - hits, rounds)
    assert (low, high) == (pytest.approx(1 - other_high, abs=1e-9), pytest.approx(1 - other_low, abs=1e-9))


@pytest.mark.parametrize("rounds", [1, 7, 2_000, 1_000_000])
def test_an_interval_reaches_the_end_that_was_seen(rounds):
    assert wilson(0, rounds)[0] == 0.0
    assert wilson(rounds, rounds)[1] == 1.0
