"""Exploring actors that start processes comes to exactly the outcomes that all orders of their steps have."""

from random import Random

import pytest

import lab
from lab.engine import engine
from lab.program import Program
from lab.strategies.walk import Walk
from tests.processes import families

DRAWN = 14


def check_outcomes(seed):
    parent, children = families.draw(Random(seed))
    verdict = lab.explore(
        dict,
        {"alice": families.actor(parent, children)},
        outcome=families.outcome,
        on="processes",
        strategy="dpor",
        seconds=100,
    )
    assert verdict.status == "holds", f"{parent} {children}\n{verdict}"
    assert set(verdict.outcomes) == families.outcomes(parent, children), (parent, children)


@pytest.mark.parametrize("seed", range(DRAWN))
def test_every_outcome_of_a_model_and_no_other(seed):
    check_outcomes(seed)


@pytest.mark.parametrize("seed", [2, 8, 19])
def test_every_outcome_of_a_walk_through_all_schedules(seed):
    parent, children = families.draw(Random(seed))
    program = Program.of(dict, {"alice": families.actor(parent, children)}, None, families.outcome).on("processes")
    found, walk = set(), Walk()
    with engine(program, 20_000, (), "auto") as exploration:
        assert exploration.profile() is None
        while walk.begin(exploration.control):
            outcome, failure = exploration.execute(walk.choose)
            assert failure is None
            found.add(outcome)
            walk.end(exploration.control)
    assert walk.diverged == ""
    assert found == families.outcomes(parent, children), (parent, children)
