"""Leaving out the rounds of loops that merely wait leaves out no outcome."""

from __future__ import annotations

import linecache
from random import Random

import pytest

from lab.engine import engine
from lab.exhaustion import Exhaustion
from lab.program import Program

from . import spins
from .covering import come_to_the_same_outcomes

DRAWN = 24
MOST = 120  # classes: larger programs say little more


def covered(name: str, text: str, waits: bool, most: int) -> Exhaustion:
    """All schedules of a program, without the proof."""
    file = f"<{name}>"
    linecache.cache[file] = (len(text), None, text.splitlines(keepends=True), file)
    module: dict = {"__name__": "program"}
    exec(compile(text, file, "exec", dont_inherit=True), module)
    program = Program.of(module["setup"], module["ACTORS"], outcome=module["outcome"])
    with engine(program, 20_000, (), "auto") as exploration:
        exploration.profile()
        found = Exhaustion(exploration, waits=waits)
        found.go_on(most, None)
    linecache.cache.pop(file)
    return found


PROGRAMS = [*spins.single(), *(spins.looping(Random(seed)) for seed in range(DRAWN))]


@pytest.mark.parametrize("program", [pytest.param(one, id=one[0]) for one in PROGRAMS])
def test_bounded_loops_come_to_the_same_outcomes(program):
    come_to_the_same_outcomes(covered, program, MOST)
