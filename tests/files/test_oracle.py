"""Threads that work on files come to exactly the outcomes that all interleavings of their calls have."""

import pytest

import lab
from tests.files.places import in_new_directory, removed
from tests.processes.generate import actor, every_outcome, outcome, programs, setup


@pytest.mark.parametrize(
    ("carrier", "seed"), [*(("auto", seed) for seed in (*range(12, 20), 295)), ("thread", 12), ("thread", 14)]
)
def test_every_outcome_and_no_other(carrier, seed, tmp_path):
    found = programs(seed)
    verdict = lab.explore(
        in_new_directory(setup),
        {name: actor(index, calls) for index, (name, calls) in enumerate(zip(("alice", "bob"), found, strict=True))},
        outcome=outcome,
        teardown=removed,
        strategy="dpor",
        seconds=60,
        carrier=carrier,
    )
    assert verdict.status == "holds", str(verdict)
    assert set(verdict.outcomes) == every_outcome(found, tmp_path)
