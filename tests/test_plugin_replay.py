"""The command at the end of a failing report, typed as it stands; and witnesses that do not fit."""

import json
import os
import shlex
import subprocess
import sys
from pathlib import Path

import plugin_sources as sources
import pytest
from plugin_sources import FAST, FILE, failing, inprocess, replay_command, section

pytestmark = pytest.mark.usefixtures("quiet_environment")


def type_in(command, folder):
    """Run a command line in a shell; the exit code and the lines it prints."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = {name: value for name, value in os.environ.items() if name != "PYTEST_CURRENT_TEST"}
    done = subprocess.run(
        command, shell=True, cwd=folder, env={**environment, "PATH": path}, capture_output=True, text=True, timeout=60
    )
    return done.returncode, (done.stdout + done.stderr).splitlines()


def broken(project):
    """A project whose fixed variant has failed, and the command that replays that."""
    pytester = project(sources.BROKEN)
    result = pytester.runpytest_inprocess("-k", "explore and fixed", *FAST)
    return pytester, replay_command(section(result, "fixed[explore]"))


# ------------------------------------------------------------------ scenarios


def test_the_command_typed_as_it_stands_fails_again(project):
    pytester, command = broken(project)
    code, lines = type_in(command, pytester.path)
    assert code == pytest.ExitCode.TESTS_FAILED
    assert "fixed: it must not fail" in lines
    assert f"FAILS  {FILE}::fixed      outcome 1: one lost (allowed: 2)" in lines
    assert "    replay     fails again: outcome 1: one lost (allowed: 2)" in lines
    assert " 1 failed in " in lines[-1]


def test_an_edit_elsewhere_does_not_matter(project):
    pytester, command = broken(project)
    project("# moved down\n" * 5 + sources.BROKEN.replace("def add_one", "def unrelated():\n    pass\n\n\ndef add_one"))
    result = inprocess(pytester, command)
    result.assert_outcomes(failed=1)
    assert "    replay     fails again: outcome 1: one lost (allowed: 2)" in section(result, "fixed[explore]")


def test_after_a_repair_it_no_longer_fails(project):
    pytester, command = broken(project)
    project(sources.REPAIRED)
    result = inprocess(pytester, command)
    result.assert_outcomes(passed=1)
    assert section(result, "race-lab replay")[:2] == [
        f"UNKNOWN  {FILE}::fixed",
        "         no longer fails: all 4 steps were taken without the failure (changed since: Unsafe.increment)",
    ]


@pytest.mark.parametrize(
    ("source", "saw"),
    [
        (
            sources.BROKEN.replace("self.value", "self.count").replace("counter.value", "counter.count"),
            "the end of the execution (changed since: Unsafe.increment)",
        ),
        (sources.SCENARIO, "alice: acquires counter.lock (lost_update.py:26)"),
    ],
    ids=["renamed", "locked"],
)
def test_after_a_change_of_the_steps_it_is_stale_and_no_pass(project, source, saw):
    pytester, command = broken(project)
    project(source)
    result = inprocess(pytester, command)
    result.assert_outcomes(failed=1)
    report = section(result, "fixed[explore]")
    assert report[:3] == ["fixed: the witness is stale, so its replay tells nothing", "", f"UNKNOWN  {FILE}::fixed"]
    told = " ".join(line.strip() for line in report[3 : report.index("", 3)])
    told = told.replace("bob", "alice")  # whichever the strategy let go first
    assert told == (
        f"stale: diverged at step 1, expected alice: reads counter.value (lost_update.py:16), saw {saw}; "
        "explore again for a new witness"
    )


def test_the_witness_of_an_unsafe_variant_fails_again_as_promised(project):
    pytester = project()
    pytester.runpytest_inprocess("-k", "explore", *FAST)
    (file,) = (pytester.path / ".lab").glob("lost_update-unsafe-*.json")
    result = pytester.runpytest_inprocess(f"{FILE}::unsafe", "--lab-replay", f".lab/{file.name}")
    result.assert_outcomes(passed=1)
    report = section(result, "race-lab replay")
    assert report[0] == f"FAILS  {FILE}::unsafe      outcome 1: one lost (allowed: 2)"
    assert report[-1] == "    replay     fails again: outcome 1: one lost (allowed: 2)"
    project(sources.HARMLESS.replace("unsafe=Fixed", "unsafe=Unsafe").replace("current + 1", "2"))
    result = pytester.runpytest_inprocess(f"{FILE}::unsafe", "--lab-replay", f".lab/{file.name}")
    result.assert_outcomes(failed=1)
    assert section(result, "unsafe[explore]")[0] == (
        "unsafe: it must fail, but under the schedule of the witness it does not"
    )


def test_from_another_folder_the_command_has_whole_paths(project):
    pytester = project(sources.BROKEN)
    elsewhere = pytester.mkdir("elsewhere")
    code, lines = type_in(f"pytest ../{FILE} -k 'fixed and explore' --lab-schedules 30", elsewhere)
    assert code == pytest.ExitCode.TESTS_FAILED
    command = replay_command([line for line in lines if line.startswith("    replay ")])
    assert command.startswith(f'pytest "{pytester.path}/{FILE}::fixed" --lab-replay {pytester.path}/.lab/lost_update-')
    code, lines = type_in(command, elsewhere)
    assert "    replay     fails again: outcome 1: one lost (allowed: 2)" in lines


def test_only_the_test_of_the_witness_is_run(project):
    pytester, command = broken(project)
    project(sources.SCENARIO, "scenarios/other/fine.py")
    pytester.makepyfile(test_it=sources.TEST)
    file = shlex.split(command)[-1]
    result = pytester.runpytest_inprocess("--lab-replay", file)
    result.assert_outcomes(failed=1, deselected=9)
    assert "    replay     fails again: outcome 1: one lost (allowed: 2)" in section(result, "fixed[explore]")


def test_another_variant_may_be_asked_of_the_same_schedule(project):
    pytester, command = broken(project)
    result = pytester.runpytest_inprocess(f"{FILE}::unsafe", *shlex.split(command)[2:])
    result.assert_outcomes(passed=1)
    assert section(result, "race-lab replay")[-1] == "    replay     fails again: outcome 1: one lost (allowed: 2)"


def test_two_workers_replay(project):
    pytester, command = broken(project)
    result = pytester.runpytest_subprocess("-n", "2", *shlex.split(command)[1:], timeout=60)
    result.assert_outcomes(failed=1)
    assert "    replay     fails again: outcome 1: one lost (allowed: 2)" in section(result, "fixed[explore]")


# ------------------------------------------------------------------ tests


@pytest.mark.parametrize(
    "name", ["test_no_failure", "test_holds", "test_parametrized[a b]", "TestInAClass::test_method"]
)
def test_a_failing_test_ends_with_the_command_that_replays_it(pytester, name):
    pytester.makepyfile(test_x=sources.TEST)
    report, lines = failing(pytester, f"test_x.py::{name}")
    assert report[0] == f"E       FAILS  test_x.py::{name}      outcome 1 (allowed: 2)"
    assert "E       AssertionError: fails: outcome 1, by schedule " in "\n".join(lines)
    assert not [line for line in lines if "verdict.py" in line]  # the lab's own frames are of no interest
    command = replay_command(report)
    base = name.replace("::", "-").replace("[a b]", "-a-b")
    assert command.startswith(f'pytest "test_x.py::{name}" --lab-replay .lab/test_x-{base}-')
    result = inprocess(pytester, command)
    result.assert_outcomes(failed=1)
    assert "E           replay     fails again: outcome 1 (allowed: 2)" in result.outlines


def test_the_command_of_a_test_typed_as_it_stands(pytester):
    pytester.makepyfile(test_x=sources.TEST)
    report, _ = failing(pytester, "test_x.py::test_parametrized[$HOME]")
    command = replay_command(report)
    assert command.startswith("pytest 'test_x.py::test_parametrized[$HOME]' --lab-replay ")  # no shell may touch that
    code, lines = type_in(command, pytester.path)
    assert code == pytest.ExitCode.TESTS_FAILED
    assert "E           replay     fails again: outcome 1 (allowed: 2)" in lines
    assert " 1 failed in " in lines[-1]


@pytest.mark.parametrize("name", ["test_no_failure", "test_holds"])
def test_a_repaired_test_passes_and_says_so(pytester, name):
    pytester.makepyfile(test_x=sources.TEST)
    command = replay_command(failing(pytester, f"test_x.py::{name}")[0])
    pytester.makepyfile(test_x=sources.REPAIRED_TEST)
    result = inprocess(pytester, command)
    result.assert_outcomes(passed=1)
    assert section(result, "race-lab replay")[:2] == [
        f"UNKNOWN  test_x.py::{name}",
        "         no longer fails: all 4 steps were taken without the failure (changed since: increment)",
    ]


@pytest.mark.parametrize("name", ["test_no_failure", "test_holds", "test_by_hand"])
def test_a_stale_replay_fails_the_test(pytester, name):
    pytester.makepyfile(test_x=sources.TEST)
    command = replay_command(failing(pytester, "test_x.py::test_no_failure")[0])
    pytester.makepyfile(
        test_x=sources.TEST.replace("counter.value", "counter.count").replace("self.value", "self.count")
    )
    result = inprocess(pytester, command.replace("test_no_failure", name, 1))
    result.assert_outcomes(failed=1)
    report = section(result, name)
    assert report[:3] == [
        "the witness is stale, so its replay tells nothing",
        "",
        "UNKNOWN  test_x.py::test_no_failure",  # what the witness was recorded for
    ]
    assert report[3].startswith("         stale: diverged at step 1, expected ")
    assert report[-1] == "    outcomes   2   1 schedule"


def test_a_test_that_does_not_look_at_its_replay_passes_but_not_in_silence(pytester):
    pytester.makepyfile(test_x=sources.TEST)
    command = replay_command(failing(pytester, "test_x.py::test_no_failure")[0])
    command = command.replace("test_no_failure", "test_by_hand", 1)
    result = inprocess(pytester, command)
    result.assert_outcomes(passed=1)
    assert section(result, "race-lab replay")[-1] == "    replay     fails again: outcome 1 (allowed: 2)"


def test_a_witness_that_no_exploration_takes_up(pytester):
    pytester.makepyfile(test_x=sources.TEST)
    command = replay_command(failing(pytester, "test_x.py::test_no_failure")[0])
    pytester.makepyfile(test_x="def test_no_failure():\n    pass\n")
    result = inprocess(pytester, command)
    result.assert_outcomes(passed=1)
    assert section(result, "race-lab replay") == [
        f"witness {shlex.split(command)[-1]}: was replayed by none of these tests; "
        "it was recorded for test_x.py::test_no_failure"
    ]


def test_a_test_that_changes_the_folder(pytester):
    source = sources.TEST.replace(
        "test_no_failure():", "test_no_failure(tmp_path, monkeypatch):\n    monkeypatch.chdir(tmp_path)"
    )
    pytester.makepyfile(test_x=source)
    command = replay_command(failing(pytester, "test_x.py::test_no_failure")[0])
    assert command.startswith('pytest "test_x.py::test_no_failure" --lab-replay .lab/test_x-test_no_failure-')
    inprocess(pytester, command).assert_outcomes(failed=1)


# ------------------------------------------------------------------ witnesses that do not fit


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "not JSON (Expecting value, line 1); it may be cut off; record a new one"),
        ("{", None),
        ("[" * 100_000, "nested too deeply; give a file that Witness.save() wrote"),
        ("{}", "not a witness; give a file that Witness.save() wrote"),
        (
            '{"race-lab witness": 99}',
            "has format 99, this version reads format 1; record a new one with this version",
        ),
        ("x" * (17 << 20), "larger than 16 MiB; a witness never is; record a new one"),
        ("\x00", "not JSON (Expecting value, line 1); it may be cut off; record a new one"),
    ],
    ids=["empty", "truncated", "nested", "other", "version", "huge", "binary"],
)
def test_a_file_that_is_no_witness_is_told_in_one_line(project, content, message):
    pytester = project()
    (pytester.path / "w.json").write_text(content)
    result = pytester.runpytest_inprocess("--lab-replay", "w.json")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    if message is None:
        assert result.errlines[0].startswith("ERROR: witness w.json: not JSON (")
    else:
        assert result.errlines[0] == f"ERROR: witness w.json: {message}"
    assert result.errlines[1:] == [""]


@pytest.mark.parametrize("path", ["../../../../etc/passwd", "/dev/zero", ".", "a\0b", ""])
def test_a_path_that_is_no_witness(project, path):
    result = project().runpytest_inprocess("--lab-replay", path)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert len(result.errlines) == 2
    assert result.errlines[0].startswith("ERROR: witness ")


def test_the_witness_of_another_scenario(project):
    pytester, command = broken(project)
    project(sources.SCENARIO, "scenarios/other/fine.py")
    file = shlex.split(command)[-1]
    result = pytester.runpytest_inprocess("scenarios/other", "--lab-replay", file)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert result.errlines[0] == (
        f"ERROR: witness {file}: was recorded for {FILE}::fixed, which is not among these tests; run {command}"
    )
    assert result.errlines[1:] == [""]


def test_the_witness_of_another_scenario_with_two_workers(project):
    pytester, command = broken(project)
    project(sources.SCENARIO, "scenarios/other/fine.py")
    file = shlex.split(command)[-1]
    result = pytester.runpytest_subprocess("-n", "2", "scenarios/other", "--lab-replay", file, timeout=60)
    assert result.ret == pytest.ExitCode.NO_TESTS_COLLECTED
    assert section(result, "race-lab replay") == [
        f"witness {file}: was replayed by none of these tests; it was recorded for {FILE}::fixed"
    ]


@pytest.mark.parametrize(
    "target",
    ["../../etc/passwd::x", "-p evil", "--help", f"{FILE}::nothing", "/etc/passwd", "scenarios/atomicity::x", "::"],
)
def test_a_witness_whose_target_leads_astray(project, target):
    pytester, command = broken(project)
    file = pytester.path / shlex.split(command)[-1]
    data = json.loads(file.read_text())
    project(sources.SCENARIO, "scenarios/other/fine.py")
    file.write_text(json.dumps({**data, "target": target}))
    result = pytester.runpytest_inprocess("scenarios/other", "--lab-replay", str(file))
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert len(result.errlines) == 2
    assert result.errlines[0].startswith(f"ERROR: witness {file}: was recorded for ")


def test_a_witness_with_other_actors(pytester):
    pytester.makepyfile(test_x=sources.TEST)
    command = replay_command(failing(pytester, "test_x.py::test_no_failure")[0])
    pytester.makepyfile(test_x=sources.TEST.replace("[increment, increment]", "{'eve': increment, 'bob': increment}"))
    result = inprocess(pytester, command)
    result.assert_outcomes(failed=1)
    assert [line.partition(": ")[2] for line in result.outlines if line.startswith("E  ")] == [
        "witness: it has the actors alice, bob, this program has eve, bob; it belongs to another scenario, test or "
        "exploration (it was recorded at test_x.py:17)"
    ]
