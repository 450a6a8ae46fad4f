"""Every strategy finds what it is known to find, within its order of magnitude of schedules."""

from __future__ import annotations

import pytest

from .measure import median, schedules_to_bug
from .programs import PROGRAMS

SEEDS = 5


@pytest.mark.parametrize(
    ("program", "strategy", "most"),
    [
        pytest.param(program, strategy, most, id=f"{program.name}-{strategy}")
        for program in PROGRAMS
        for strategy, most in program.enough.items()
    ],
)
def test_the_bug_is_found(program, strategy, most):
    assert median(schedules_to_bug(program, strategy, SEEDS)) <= most
