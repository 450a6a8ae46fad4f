"""Leaving out the rounds of loops of processes that merely wait leaves out no outcome."""

from __future__ import annotations

import linecache
import sys
from random import Random
from types import ModuleType

import pytest

from lab.engine import engine
from lab.exhaustion import Exhaustion
from lab.program import NOTHING, Program
from tests.oracle.covering import come_to_the_same_outcomes
from tests.processes import loops, waiting

DRAWN = 8
WALKED = 14
MOST = 60  # classes: larger programs say little more


def covered(name, text, waits, most):
    """All schedules of a program, without the proof."""
    file = f"<{name}>"
    linecache.cache[file] = (len(text), None, text.splitlines(keepends=True), file)
    module = ModuleType("waiting_program")
    sys.modules[module.__name__] = module
    exec(compile(text, file, "exec", dont_inherit=True), vars(module))
    program = Program.of(module.setup, module.ACTORS, outcome=module.outcome).on("processes")
    with engine(program, 20_000, (), "auto") as exploration:
        exploration.control.waits = waits
        exploration.profile()
        found = Exhaustion(exploration, waits=waits)
        found.go_on(most, None)
    linecache.cache.pop(file)
    return found


@pytest.mark.parametrize("seed", range(DRAWN))
def test_bounded_loops_of_processes_come_to_the_same_outcomes(seed):
    come_to_the_same_outcomes(covered, waiting.looping(Random(seed)), MOST)


@pytest.mark.parametrize("seed", range(WALKED))
def test_loops_come_to_the_outcomes_of_a_model(seed):
    actors = loops.draw(Random(seed))
    outcomes, stuck = loops.outcomes(actors)
    found = covered(f"walked {seed}", loops.text_of(actors), waits=True, most=300)
    if stuck:
        assert found.failure is not None
        assert found.failure.kind == "livelock"
        assert set(found.outcomes) <= {*outcomes, NOTHING}
    else:
        assert found.failure is None, str(found.failure)
        assert (found.complete, found.doubts) == (True, {})
        assert set(found.outcomes) == outcomes
