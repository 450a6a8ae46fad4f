"""Exploration of file operations comes to exactly the outcomes that all interleavings have."""

import pytest

import lab
from tests.processes.generate import actor, every_outcome, outcome, programs, setup


@pytest.mark.parametrize("seed", [*range(12), 295])
def test_every_outcome_and_no_other(seed, tmp_path):
    found = programs(seed)
    verdict = lab.explore(
        setup,
        {name: actor(index, calls) for index, (name, calls) in enumerate(zip(("alice", "bob"), found, strict=True))},
        outcome=outcome,
        on="processes",
        strategy="dpor",
        seconds=60,
    )
    assert verdict.status == "holds", str(verdict)
    assert set(verdict.outcomes) == every_outcome(found, tmp_path)
