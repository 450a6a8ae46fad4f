"""What the lab finds in generated programs is what the oracle knows of them.

``LAB_ORACLE_PROGRAMS`` is how many programs each test looks at, over all shapes
together: 2,000 or fewer are the same in every run, more are drawn anew.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, assume, given, note, settings
from hypothesis import strategies as st

import lab.strategies
from lab.program import NOTHING

from .brute import Answer, TooMany, chances, every
from .exhaustive import EverySchedule
from .families import FAMILIES
from .generate import SHAPES, programs
from .language import Program, waiting_for_time
from .model import DEADLOCK, EXCEPTION
from .running import explore
from .show import page

PROGRAMS = int(os.environ.get("LAB_ORACLE_PROGRAMS", "70"))
SCHEDULES = 300
RAW = 400  # raw interleavings of a program whose every schedule the lab takes
CERTAIN = 25  # expected visits after which an outcome that was never seen cannot be bad luck: chance e^-25

SEVERAL_TIMES = "of several actors that wait until a moment not each came to its wait early and late"

FAILURES = {"exception": EXCEPTION, "deadlock": DEADLOCK, "lost wakeup": DEADLOCK, "leak": DEADLOCK}
"""The kind of a failure -> what the oracle calls it."""

each_shape = pytest.mark.parametrize("shape", SHAPES)
enough_time = pytest.mark.timeout(120 + PROGRAMS)


def with_programs(test: Callable[[Program, Answer], None]) -> Callable[[str], None]:
    """Run ``test`` on generated programs of a shape; the same ones every time unless very many are wanted."""

    @settings(
        max_examples=max(1, PROGRAMS // len(SHAPES)),
        deadline=None,
        derandomize=PROGRAMS <= 2_000,
        database=None,
        print_blob=True,
        suppress_health_check=list(HealthCheck),
    )
    @given(data=st.data())
    def on_one(shape: str, data: st.DataObject) -> None:
        program = data.draw(programs(shape))
        try:
            answer = every(program)
        except TooMany:
            assume(False)
        note(page(program))
        test(program, answer)

    def on_many(shape: str) -> None:
        on_one(shape)

    on_many.__name__ = test.__name__
    on_many.__doc__ = test.__doc__
    return on_many


def outcomes_of(verdict: lab.Verdict) -> set:
    """What was seen, a failure by the oracle's name."""
    seen = set(verdict.outcomes) - {NOTHING}
    if verdict.failure is None:
        return seen
    assert verdict.failure.kind in FAILURES, str(verdict)
    if FAILURES[verdict.failure.kind] == DEADLOCK:  # the actors have ended and a child waits: a standstill here
        seen = {outcome for outcome in seen if None not in outcome[0]}
    return seen | {FAILURES[verdict.failure.kind]}


@each_shape
@enough_time
@with_programs
def test_random_schedules_come_to_what_is_possible_and_to_all_that_is_likely(program, answer):
    verdict = explore(program, strategy="random", schedules=SCHEDULES)
    assert verdict.uncontrolled == ()
    seen = outcomes_of(verdict)
    assert seen <= answer.outcomes, f"impossible: {seen - answer.outcomes}"
    assert (verdict.status == "fails") == (not seen.isdisjoint((DEADLOCK, EXCEPTION)))
    likely = {outcome for outcome, chance in chances(program).items() if chance * SCHEDULES > CERTAIN}
    if waiting_for_time(program) > 1:
        return  # not every time that may be up is a choice at every moment
    if not answer.fails:
        assert likely <= seen, f"missed: {likely - seen}"
    elif not likely.isdisjoint((DEADLOCK, EXCEPTION)):
        assert verdict.status == "fails", str(verdict)


@each_shape
@enough_time
@with_programs
def test_all_schedules_together_come_to_exactly_what_is_possible(program, answer):
    assume(answer.raw <= RAW)
    strategy = EverySchedule()
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(lab.strategies.STRATEGIES, "every", lambda seed, counts: strategy)
        verdict = explore(program, strategy="every", schedules=100 * RAW)
    assert verdict.uncontrolled == ()
    if verdict.status == "fails" or waiting_for_time(program) < 2:
        assert (verdict.status == "fails") == answer.fails, str(verdict)
    if answer.fails:
        assert outcomes_of(verdict) <= answer.outcomes
        return
    assert strategy.finished, str(verdict)
    if waiting_for_time(program) > 1:
        assert outcomes_of(verdict) <= answer.outcomes
        return
    assert outcomes_of(verdict) == answer.outcomes
    assert answer.classes <= strategy.schedules <= answer.raw


def covered(program: Program, answer: Answer) -> None:
    """Every schedule is covered, each class once."""
    verdict = explore(program, strategy="dpor", schedules=10 * answer.raw + 10)
    assert verdict.uncontrolled == ()
    if verdict.status == "unknown" and waiting_for_time(program) > 1:
        assert SEVERAL_TIMES in verdict.reason
        assert outcomes_of(verdict) <= answer.outcomes
        return
    if answer.fails:
        assert verdict.status == "fails", str(verdict)
        assert outcomes_of(verdict) <= answer.outcomes
        return
    assert verdict.status == "holds", str(verdict)
    assert set(verdict.outcomes) == answer.outcomes
    assert verdict.schedules == answer.classes


@each_shape
@enough_time
@with_programs
def test_every_schedule_is_covered_each_class_once(program, answer):
    covered(program, answer)


@each_shape
@enough_time
@with_programs
def test_every_schedule_with_few_preemptions_is_covered(program, answer):
    assume(answer.raw <= RAW)
    assume(waiting_for_time(program) < 2)
    for most in (0, 1, 2):
        strategy = EverySchedule(most)
        with pytest.MonkeyPatch.context() as patch:
            patch.setitem(lab.strategies.STRATEGIES, "every", lambda seed, counts, all_of_them=strategy: all_of_them)
            known = explore(program, strategy="every", schedules=100 * RAW)
        verdict = explore(program, strategy="dpor", schedules=100 * RAW, preemptions=most)
        assert verdict.uncontrolled == ()
        assert (verdict.status == "fails") == (known.status == "fails"), str(verdict)
        if known.status == "fails":
            continue
        assert strategy.finished, str(known)
        assert set(verdict.outcomes) >= set(known.outcomes), most
        if verdict.status == "unknown":
            assert verdict.reason.startswith("no failure in any schedule with at most")
            assert set(verdict.outcomes) == set(known.outcomes), most
        else:
            assert set(verdict.outcomes) == answer.outcomes


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)
def test_known_programs_are_covered_each_class_once(family):
    covered(family.program, every(family.program, limit=40_000))


def test_schedules_suffice_for_what_is_called_likely():
    assert math.exp(-CERTAIN) * PROGRAMS < 1e-6
