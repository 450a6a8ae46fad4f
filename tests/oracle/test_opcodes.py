"""What real threads come to, switched between any two instructions, is what the lab says of the same program.

The programs of ``threads/`` are as people write them.  ``LAB_OPCODE_EXECUTIONS`` is how
many schedules are drawn for each.
"""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from lab import explore

HERE = Path(__file__).parent
PROGRAMS = sorted((HERE / "threads").glob("*.py"))
EXECUTIONS = int(os.environ.get("LAB_OPCODE_EXECUTIONS", "300"))
STANDSTILL = ("deadlock", "lost wakeup", "leak")


def drawn(path: Path) -> set[str]:
    """The outcomes of schedules that are drawn, as they are printed."""
    command = [sys.executable, "-m", "tests.oracle.sample", str(path), "--executions", str(EXECUTIONS)]
    ran = subprocess.run(
        [*command, "--seconds", "600"], cwd=HERE.parent.parent, capture_output=True, text=True, check=True
    )
    found = json.loads(ran.stdout)
    assert found["error"] is None, found
    assert sum(found["outcomes"].values()) == EXECUTIONS
    return set(found["outcomes"])


@pytest.mark.timeout(120 + EXECUTIONS // 10)
@pytest.mark.parametrize("path", PROGRAMS, ids=lambda path: path.stem)
def test_what_can_happen_is_known(path):
    spec = importlib.util.spec_from_file_location(f"threads_{path.stem}", path)
    program = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = program
    try:
        spec.loader.exec_module(program)
        verdict = explore(program.setup, program.ACTORS, outcome=program.outcome, seconds=60)
    finally:
        del sys.modules[spec.name]
    seen = drawn(path)
    if verdict.failure is None:
        assert verdict.status == "holds", str(verdict)
        assert seen <= set(map(repr, verdict.outcomes))
    elif verdict.failure.kind in STANDSTILL:
        assert "deadlock" in seen
    else:
        assert verdict.failure.kind == "exception", str(verdict)
        assert any(verdict.failure.message.startswith(name) for name in seen)


RARE = """
from types import SimpleNamespace as State
from threading import Lock

def setup():
    return State(count=0, first=Lock(), second=Lock())

def one(state):
    with state.first, state.second:
        state.count += 1

def two(state):
    with state.second, state.first:
        state.count += 1

def bare(state):
    state.count += 1

ACTORS = [{actors}]

def outcome(state):
    return state.count
"""


@pytest.mark.parametrize(
    ("actors", "expected"),
    [("one, one", {"2"}), ("one, two", {"2", "deadlock"}), ("one, bare", {"1", "2"}), ("bare, None", {"TypeError"})],
)
def test_the_oracle_finds_what_is_known(actors, expected, tmp_path):
    path = tmp_path / "program.py"
    path.write_text(RARE.format(actors=actors))
    assert drawn(path) == expected
