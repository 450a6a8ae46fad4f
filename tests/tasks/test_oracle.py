"""Generated programs have the same outcomes, in the same numbers of schedules, as on asyncio's own loop."""

import os

import pytest

from tests.tasks.covering import covered
from tests.tasks.generate import State, outcome, program
from tests.tasks.stock import every_outcome

CHUNK = 8
PROGRAMS = int(os.environ.get("LAB_TASK_PROGRAMS", "96"))
MOST = 80
"""Executions of one program; larger ones are left out."""


def compare(seed):
    """Compare one program with the oracle; what came of it, in a word."""
    text, actors = program(seed)
    cancel = () if seed % 3 else (next(iter(actors)),)
    expected = every_outcome(State, actors, outcome, cancel, MOST)
    if expected is None:
        return "too large"
    told = f"seed {seed}, cancel={cancel}\n{text}"
    failure, found = covered(State, actors, outcome, cancel or False, most=10 * MOST)
    if "stuck" in expected:
        assert failure.kind in ("deadlock", "lost wakeup"), told
        return "stuck"
    assert failure is None, told
    assert dict(found.outcomes) == expected, told
    return "doubted" if found.doubts else "covered"


@pytest.mark.parametrize("first", range(0, PROGRAMS, CHUNK))
def test_a_generated_program_has_the_outcomes_it_has_on_the_stock_loop(first):
    for seed in range(first, first + CHUNK):
        compare(seed)


def test_the_generated_programs_are_of_every_kind():
    kinds = [compare(seed) for seed in range(200, 216)]
    assert {"stuck", "covered"} <= set(kinds)
    assert kinds.count("too large") < len(kinds) // 2


async def double(s):
    s.value = 2 * s.value


async def add(s):
    s.value += 1


def test_the_oracle_knows_the_orders_of_two_steps():
    assert every_outcome(State, {"alice": double, "bob": add}, lambda s: s.value) == {1: 2, 2: 2}
