"""Processes that an actor starts with an interpreter of their own: the same programs, with the same answers."""

import multiprocessing
import os
import pickle
import subprocess
import sys
import time
from pathlib import Path
from random import Random

import pytest

import lab
from lab.child.operations import Operations
from lab.filesystem.twin import Twin
from tests.processes import families, spawning, starting
from tests.processes.programs import left_directories
from tests.processes.test_births import (
    FAIL,
    HOLD,
    LOSE,
    MOMENTS,
    check_moments,
    check_that_it_fails,
    check_that_it_holds,
    check_that_updates_are_lost,
    nothing_is_left,
)
from tests.processes.test_births_oracle import check_outcomes
from tests.processes.test_kills import Killer, children

__all__ = ["nothing_is_left"]
_OF_LIBRARY = ("Lock", "Pipe", "Process", "Queue", "SimpleQueue", "Value")


@pytest.fixture(params=["spawn", "forkserver"])
def method(request, monkeypatch):
    """The start method by which the programs start processes."""
    context = multiprocessing.get_context(request.param)
    for name in _OF_LIBRARY:
        monkeypatch.setattr(starting, name, getattr(context, name))
    monkeypatch.setattr(families, "Process", context.Process)
    monkeypatch.setattr(spawning, "METHOD", request.param)
    return {"spawn": "SpawnProcess", "forkserver": "ForkServerProcess"}[request.param]


@pytest.mark.parametrize(("actor", "outcomes"), HOLD)
def test_what_holds(method, actor, outcomes):
    check_that_it_holds(actor, outcomes)


@pytest.mark.parametrize(("actor", "outcomes"), LOSE)
def test_lost_updates_among_them(method, actor, outcomes):
    check_that_updates_are_lost(actor, outcomes)


@pytest.mark.parametrize(("actor", "kind", "message"), FAIL)
def test_what_fails(method, actor, kind, message):
    check_that_it_fails(actor, kind, message.replace("Process", method))


@pytest.mark.parametrize(("actor", "outcomes"), MOMENTS)
def test_every_moment_of_an_end_is_tried(method, actor, outcomes):
    check_moments(actor, outcomes)


@pytest.mark.parametrize("seed", range(6))
def test_every_outcome_of_a_model_and_no_other(method, seed):
    check_outcomes(seed)


def explore_with_state(actor, **options):
    return lab.explore(
        spawning.State,
        {"alice": actor},
        outcome=spawning.number,
        on="processes",
        **{"strategy": "dpor", "seconds": 100, **options},
    )


@pytest.mark.parametrize(
    ("actor", "outcomes"),
    [
        (spawning.adds_beside, {1, 2}),
        (spawning.adds_locked_beside, {2}),
        (spawning.adds_to_array_beside, {1, 2}),
        (spawning.adds_locked_to_array_beside, {2}),
        (spawning.adds_to_segment, {1, 2}),
        (spawning.takes_from_queue, {2}),
        (spawning.sets_before_it_adds, {1, 2}),
        (spawning.sets_after_it_added, {2}),
        (spawning.meets, {2}),
        (spawning.notifies, {2}),
        (spawning.asks, {2}),
        (spawning.forgets_its_lock, {0, 1}),
        (spawning.keeps_its_lock, {0}),
        (spawning.has_surroundings, {31}),
        (spawning.starts_its_own_class, {2}),
        (spawning.has_a_pool, {2}),
        (spawning.has_a_pool_that_removes, {0}),
        (spawning.has_an_executor, {2}),
        (spawning.starts_who_sleeps, {2}),
    ],
)
def test_every_outcome_of_what_setup_has_made(method, actor, outcomes):
    verdict = explore_with_state(actor)
    assert verdict.status == "holds", str(verdict)
    assert verdict.outcomes.keys() == outcomes
    assert verdict.uncontrolled == ()


def test_that_a_fork_server_is_not_used_is_said(method):
    verdict = explore_with_state(spawning.keeps_its_lock)
    told = "forkserver: its processes were started as those of spawn are" in verdict.notes
    assert told is (method == "ForkServerProcess")


def test_a_lock_that_is_forgotten_is_shown(method):
    verdict = explore_with_state(spawning.forgets_its_lock, allowed={0})
    assert str(verdict.failure) == "outcome: outcome 1 (allowed: 0)"
    words = [(step.actor, step.what) for step in verdict.witness.trace.steps]
    assert words.index(("alice", "removes the name of lock")) < words.index((f"{method}-1:1", "takes what it is given"))


def test_a_signal_to_nobody_is_a_lost_wakeup(method):
    verdict = explore_with_state(spawning.notifies_too_early)
    assert verdict.failure.kind == "lost wakeup"


def test_what_cannot_be_sent_is_said_as_the_library_says_it(method):
    verdict = explore_with_state(spawning.starts_what_cannot_be_sent)
    assert verdict.failure.kind == "exception"
    assert "starts_what_cannot_be_sent.<locals>.<lambda>" in verdict.failure.message


def test_each_operation_can_be_sent():
    operations = Operations()
    with operations.in_place():
        for real, twin in operations.instead.items():
            if type(twin) is Twin:
                found = pickle.loads(pickle.dumps(twin))
                assert found in (twin, real) or type(found.__self__) is Random


def nursed():
    """The process of this one that others are forked from, and those; also where their parent is no more."""
    found = []
    for pid in map(int, filter(str.isdigit, os.listdir("/proc"))):
        try:
            if b"births.nursery" in Path(f"/proc/{pid}/cmdline").read_bytes() and os.getpid() in ancestors(pid):
                found.append(pid)
        except OSError:
            continue
    return found


def ancestors(pid):
    while pid:
        pid = int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
        yield pid


@pytest.mark.skipif(not os.path.isdir("/proc/self"), reason="no /proc here")
@pytest.mark.parametrize("actor", [spawning.adds_beside, spawning.keeps_its_lock])
def test_nothing_is_left_of_processes_that_somebody_kills(actor, monkeypatch):
    mine = f"/mp{os.getpid()}"
    monkeypatch.setitem(multiprocessing.current_process()._config, "semprefix", mine)
    killer = Killer(seed="nursery", find=nursed)
    killer.start()
    until = time.monotonic() + 40
    try:
        while killer.kills < 12 and time.monotonic() < until:
            explore_with_state(actor, seconds=3)
            assert children() == left_directories() == []
    finally:
        killer.ended = True
        killer.join()
    assert killer.kills >= 12
    assert nursed() == []
    assert [name for name in os.listdir("/dev/shm") if f"sem.{mine[1:]}-" in name] == []


MAIN = """\
import multiprocessing
import sys

import lab

{at_import}


def work():
    open("made", "w").close()


def start(state):
    process = multiprocessing.get_context("spawn").Process(target=work)
    process.start()
    process.join()
    assert process.exitcode == {code}


{guard}
"""
EXPLORES = 'print(lab.explore(lambda: None, {"alice": start}, on="processes", seconds=60))'
GUARDED = f'if __name__ == "__main__":\n    {EXPLORES}'


def run_main(path, **parts):
    path.write_text(MAIN.format(**{"at_import": "", "code": 0, "guard": GUARDED, **parts}))
    return subprocess.run([sys.executable, path], capture_output=True, text=True, timeout=100, cwd=path.parent)


@pytest.mark.parametrize(
    ("at_import", "code"),
    [
        ('assert __name__ in ("__main__", "__mp_main__")', 0),
        ('assert __name__ == "__main__"', 1),
        ('__name__ == "__main__" or sys.exit(3)', 3),
    ],
)
def test_the_main_module_is_imported_once_more(tmp_path, at_import, code):
    done = run_main(tmp_path / "main.py", at_import=at_import, code=code)
    assert done.stdout.startswith("HOLDS  the only class of schedules\n"), done.stdout + done.stderr


def test_the_main_module_that_explores_when_it_is_imported(tmp_path):
    done = run_main(tmp_path / "main.py", guard=EXPLORES)
    assert done.stderr.splitlines()[-1] == (
        "lab.errors.LabError: main.py is imported once more by the process that an actor has started, and explores "
        'when it is imported; put the call below `if __name__ == "__main__":`'
    )
