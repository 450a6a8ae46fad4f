"""What is said of a witness on a build with the lock is true of every schedule that such a build can come to.

Each outcome of generated programs is forbidden in turn: a witness that can happen has to be of an outcome that comes of
switches at switch points, and where no schedule is said to fail so, none of these does, nor any on real threads.
"""

from __future__ import annotations

import itertools
import os
from collections import Counter
from collections.abc import Iterator

import pytest

import lab
from lab.strategies.at_points import Passed
from lab.witness import build_name

from .brute import Answer, TooMany, every
from .generate import from_seed
from .language import Program
from .model import DEADLOCK, EXCEPTION
from .points import is_for, outcomes_at_points
from .running import module_of
from .source import text_of

PROGRAMS = int(os.environ.get("LAB_ORACLE_PROGRAMS", "70")) // 7
SHAPES = ("places", "containers", "locks")
RAW = 300
ROUNDS = 50

pytestmark = pytest.mark.skipif(build_name() != "gil", reason="elsewhere threads are switched anywhere")


def suitable(shape: str, count: int) -> Iterator[tuple[int, Program, Answer]]:
    """Generated programs whose switch points are known, each with its seed."""
    for seed in itertools.count():
        program = from_seed(seed, shape)
        if not is_for(program):
            continue
        try:
            answer = every(program, RAW)
        except TooMany:
            continue
        if EXCEPTION in answer.outcomes:
            continue
        yield seed, program, answer
        count -= 1
        if not count:
            return


def graded(shape: str, count: int) -> tuple[Counter, list[str]]:
    """How often each was said, with whether the outcome is possible; and what was wrong, as text."""
    given, wrong = Counter(), []
    for seed, program, answer in suitable(shape, count):
        at_points = outcomes_at_points(program)
        assert at_points <= answer.outcomes, text_of(program)
        for outcome in [DEADLOCK] if answer.fails else sorted(answer.outcomes, key=str):
            forbidden = None if outcome == DEADLOCK else [outcome]
            with module_of(program) as module:
                about = module["setup"], module["ACTORS"]
                verdict = lab.explore(*about, outcome=module["outcome"], forbidden=forbidden, seed=seed)
                grade = verdict.realizable["this build"]
                true = outcome in at_points
                if grade.every and outcome != DEADLOCK:
                    hammered = lab.hammer(
                        *about, outcome=module["outcome"], forbidden=forbidden, rounds=ROUNDS, noise=0
                    )
                    true = true or hammered.rate > 0
            given[grade.status, grade.every, true] += 1
            said = grade.status == "yes" or grade.every
            if grade.status == "unknown" or (said and (grade.status == "yes") != true):
                wrong.append(
                    f"{text_of(program)}\n# seed {seed}, {outcome} is{'' if true else ' not'} possible: {verdict}"
                )
    return given, wrong


@pytest.mark.parametrize("shape", SHAPES)
def test_what_is_said_of_this_build_is_true(shape):
    given, wrong = graded(shape, PROGRAMS)
    assert not wrong, "\n\n".join(wrong)
    assert given["yes", False, True] > PROGRAMS
    assert given["no", True, False] > 0
    assert 10 * given["no", False, True] <= given.total()


def test_a_switch_point_that_is_overlooked_is_noticed(monkeypatch):
    monkeypatch.setattr(Passed, "passes", lambda *arguments: None)
    assert graded("containers", PROGRAMS)[1]
