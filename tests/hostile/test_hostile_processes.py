"""Programs that double or end the process they run in."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from controlled import State

from tests.hostile.conftest import add

ROOT = Path(__file__).parents[2]
pytestmark = [
    pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here"),
    pytest.mark.filterwarnings("ignore:.*use of fork:DeprecationWarning"),  # there are threads, as in any program
]


def fork_and_wait(state):
    add(state)
    child = os.fork()
    if child == 0:
        os._exit(0)
    state.status = os.waitpid(child, 0)[1]


def fork_and_both_go_on(state):
    child = os.fork()
    add(state)
    if child:
        state.status = os.waitpid(child, 0)[1]


def fork_and_raise_in_the_child(state):
    child = os.fork()
    if child == 0:
        os.close(2)  # what a thread's end prints
        raise ValueError("in the child")
    state.status = os.waitpid(child, 0)[1]


@pytest.mark.parametrize("actor", [fork_and_wait, fork_and_both_go_on, fork_and_raise_in_the_child])
def test_the_child_ends_where_its_thread_ends(explored, hammered, actor):
    verdict = explored(actor, outcome=lambda state: state.status, schedules=15)
    assert (verdict.status, verdict.failure) == ("unknown", None), str(verdict)
    assert set(verdict.outcomes) == {0}
    assert any("forks a process, of which nothing is seen" in one for one in verdict.uncontrolled)
    assert set(hammered(actor, outcome=lambda state: state.status, rounds=4).outcomes) == {0}


def test_a_setup_that_forks_and_lets_both_go_on(explored):
    def setup():
        if (child := os.fork()) != 0:
            os.waitpid(child, 0)
        return State(value=0)

    verdict = explored(add, setup=setup, schedules=5)
    assert verdict.failure is None
    assert verdict.schedules


@pytest.mark.parametrize("carrier", ["greenlet", "thread"])
def test_the_test_runner_tears_down_once(tmp_path, carrier):
    (tmp_path / "test_it.py").write_text(
        "import os, lab, pytest\n"
        "class S: v = 0\n"
        "@pytest.fixture\n"
        "def torn():\n"
        "    yield\n"
        "    os.write(2, b'TORN DOWN\\n')\n"
        "def fork(s):\n"
        "    child = os.fork()\n"
        "    s.v = s.v + 1\n"
        "    if child: os.waitpid(child, 0)\n"
        "def test(torn):\n"
        f"    lab.explore(S, [fork, fork], schedules=5, carrier={carrier!r})\n"
    )
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-m", "pytest", "-q", "-s", "-p", "no:cacheprovider", "test_it.py"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.stderr.count("TORN DOWN") == 1, done.stderr
    assert done.stdout.count("passed") == 1, done.stdout


def end_the_process(state):
    add(state)
    os._exit(3)  # the end


def test_the_end_of_the_process_is_a_finding(explored):
    verdict = explored(end_the_process)
    assert str(verdict.failure) == "exception: alice called os._exit(3), which ends the process"
    line = end_the_process.__code__.co_firstlineno + 2
    assert verdict.failure.detail == (f"alice: tests/hostile/test_hostile_processes.py:{line} in end_the_process",)
    assert verdict.witness is not None


def test_who_asks_for_the_end_with_no_status_is_told_so(explored):
    def actor(state):
        os._exit("three")

    assert str(explored(actor).failure).startswith("exception: TypeError: ")
