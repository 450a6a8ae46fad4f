"""Programs as services have them: the unsafe one and a popular repair of it fail, each in its own way, the right one holds.

What is expected of each was written down before it was run, and is true by `tests.oracle.sample`, which
switches real threads anywhere.
"""

from __future__ import annotations

import importlib
from pathlib import Path

import pytest

import lab

PROGRAMS = sorted(path.stem for path in Path(__file__).parent.glob("[a-z]*.py") if not path.stem.startswith("test_"))
CASES = [
    pytest.param(name, variant, id=f"{name}-{variant}")
    for name in PROGRAMS
    for variant in importlib.import_module(f"{__package__}.{name}").EXPECTED
]
MOST_STEPS = 30


@pytest.mark.parametrize(("name", "variant"), CASES)
def test_a_program(name, variant):
    program = importlib.import_module(f"{__package__}.{name}")
    make, expected = program.VARIANTS[variant], program.EXPECTED[variant]
    judged = {key: getattr(program, key, None) for key in ("outcome", "check")}
    judged["allowed"] = getattr(program, "ALLOWED", None)
    verdict = lab.explore(make, program.ACTORS, schedules=1_000, **judged)
    kind = f" {verdict.failure.kind}" if verdict.failure is not None else ""
    assert f"{verdict.status}{kind}" == expected, str(verdict)
    if verdict.status == "fails":
        assert len(verdict.witness.trace.steps) <= MOST_STEPS
        assert lab.replay(verdict.witness, make, program.ACTORS, **judged).status == "fails"
