"""What a process that an actor starts with an interpreter of its own has from its parent by the system."""

import resource
import subprocess
import sys
from pathlib import Path

import pytest

import lab
from lab.carriers import nursery
from lab.errors import LabError
from tests.processes import surrounding
from tests.processes.test_births import nothing_is_left
from tests.processes.test_spawned import GUARDED, MAIN, run_main

__all__ = ["nothing_is_left"]


def went_on(_):
    return Path("went on").exists() and Path("went on").read_text() == "True"


def explore(actor, **options):
    return lab.explore(
        dict, {"alice": actor}, on="processes", **{"outcome": went_on, "strategy": "dpor", "seconds": 60, **options}
    )


def test_limits_and_niceness():
    verdict = explore(surrounding.has_limits)
    assert verdict.status == "holds", str(verdict)


def test_a_session_of_its_own_is_out_of_control_and_no_failure():
    verdict = explore(surrounding.starts_in_a_session)
    assert (verdict.status, verdict.failure) == ("unknown", None), str(verdict)
    assert [what for what in verdict.uncontrolled if "os.setsid" in what] == list(verdict.uncontrolled)


def test_the_state_of_a_process_that_has_ended():
    verdict = explore(surrounding.asks_for_a_state)
    assert (verdict.status, set(verdict.outcomes)) == ("holds", {True, False}), str(verdict)
    verdict = explore(surrounding.asks_for_the_state_of_who_was_killed)
    assert verdict.status == "holds", str(verdict)


def test_who_waits_in_a_way_that_is_not_under_control_finds_the_process():
    verdict = explore(surrounding.waits_for_those_that_stop_too)
    assert (verdict.status, verdict.failure) == ("unknown", None), str(verdict)
    assert "waits for processes in a way that is not under control" in verdict.uncontrolled[0]


def test_who_reaches_memory_before_the_program_begins_is_at_no_line_of_it():
    verdict = explore(surrounding.hands_over_a_list)
    assert (verdict.status, verdict.failure) == ("unknown", None), str(verdict)
    assert verdict.uncontrolled == (
        "SpawnProcess-1:1: reaches memory that processes share, which is not under control",
    )


@pytest.mark.parametrize("most", [100, 256])
def test_few_file_descriptors_are_enough(tmp_path, most):
    path = tmp_path / "main.py"
    path.write_text(MAIN.format(at_import="", code=0, guard=GUARDED))

    def limit():
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))

    done = subprocess.run([sys.executable, path], capture_output=True, text=True, timeout=100, preexec_fn=limit)
    assert done.stdout.startswith("HOLDS  the only class of schedules\n"), done.stdout + done.stderr


def test_what_the_lab_cannot_do_there_is_no_failure_of_the_program(monkeypatch):
    breaks = "from lab.child.births import nursery; del nursery.live; serve("
    monkeypatch.setattr(nursery, "_COMMAND", nursery._COMMAND.replace("serve(", breaks))
    with pytest.raises(LabError) as caught:
        explore(surrounding.has_limits)
    first, *_, last = str(caught.value).splitlines()
    assert first == "the lab itself failed in the process of SpawnProcess-1:1; please report this:"
    assert last == "NameError: name 'live' is not defined"


@pytest.mark.parametrize(
    ("at_import", "missed"),
    [
        ('open("settings").close()', "settings"),
        ('sys.path.insert(0, "code"); import of_the_program', "code/of_the_program.py"),
    ],
)
def test_a_main_module_that_looks_where_the_program_was_started(tmp_path, at_import, missed):
    (tmp_path / "settings").touch()
    (tmp_path / "code").mkdir()
    (tmp_path / "code" / "of_the_program.py").touch()
    done = run_main(tmp_path / "main.py", at_import=at_import)
    assert done.stderr.splitlines()[-1] == (
        "lab.errors.LabError: main.py is imported once more by the process that an actor has started, and does not "
        f"find {missed} in the private directory of an actor; let it go by the path of its own file: "
        "os.path.dirname(os.path.abspath(__file__))"
    ), done.stdout


def test_a_main_module_that_finds_nothing_anywhere(tmp_path):
    done = run_main(tmp_path / "main.py", at_import='__name__ == "__main__" or open("settings").close()', code=1)
    assert done.stdout.startswith("HOLDS  the only class of schedules\n"), done.stdout + done.stderr
