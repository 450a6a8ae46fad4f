"""Exploration of transactions comes to exactly the outcomes that all orders of their statements have."""

from pathlib import Path

import pytest

import lab
from lab.postgres import server
from tests.files.seats import admin, table, taken  # noqa: F401  # one is a fixture
from tests.processes.statements import NAMES, actor, every_outcome, programs


def outcome(state):
    return (taken(state), *[Path(name).read_text() for name in NAMES])


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.usefixtures("admin")
def test_every_outcome_and_no_other(seed):
    bodies = programs(seed)
    verdict = lab.explore(
        table,
        {name: actor(name, body, server()) for name, body in zip(NAMES, bodies, strict=True)},
        outcome=outcome,
        on="processes",
        strategy="dpor",
        seconds=60,
    )
    assert verdict.failure is None, str(verdict)
    assert verdict.status == "holds" or "waited in the server" in verdict.reason, str(verdict)
    assert set(verdict.outcomes) == every_outcome(bodies, table, taken, server()), str(verdict)
