"""The command line: what it prints, and its exit codes."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import plugin_sources as sources
import pytest
from click.testing import CliRunner

from lab import Witness
from lab.cli import main
from lab.program import Failure
from lab.strategies import names
from lab.trace import Trace

FILE = Path(sources.FILE)


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A current folder whose scenario is written with ``project(source)``; gives its path."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "120")
    for name in ("FORCE_COLOR", "PY_COLORS"):
        monkeypatch.delenv(name, raising=False)

    def write(source=sources.SCENARIO, file=FILE):
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / file).write_text(source)
        for module in [name for name in sys.modules if name.startswith("scenarios.")]:
            monkeypatch.delitem(sys.modules, module)
        return tmp_path

    return write


def run(*arguments):
    """Exit code and output; an exception that is not click's fails the test."""
    result = CliRunner().invoke(main, list(arguments), catch_exceptions=False)
    return result.exit_code, result.output


# ------------------------------------------------------------------ list, show, doctor


def test_list_shows_the_others_where_a_file_is_broken(project):
    project()
    project("from lab import Scenario\nSCENARIO = Scenario(\n", "scenarios/atomicity/cut_off.py")
    project("import nothing_there\nfrom lab import Scenario\nSCENARIO = Scenario()\n", "scenarios/atomicity/lacking.py")
    code, output = run("list")
    assert code == 2
    lines = output.splitlines()
    assert any(line.startswith("lost_update ") for line in lines), output
    told = [line for line in lines if line.startswith("Error: ")]
    assert [name in line for name, line in zip(("cut_off.py", "lacking.py"), told, strict=True)] == [True, True]


def test_list_shows_what_there_is_room_for(project, monkeypatch):
    project()
    code, output = run("list")
    assert code == 0
    assert [line.rstrip() for line in output.splitlines()] == [
        "scenario     bug                  CWE      story",
        "lost_update  atomicity violation  366 362  two threads each add one, and the counter says one.",
    ]
    monkeypatch.setenv("COLUMNS", "80")
    code, output = run("list")
    assert [line.rstrip() for line in output.splitlines()] == [
        "scenario     story",
        "lost_update  two threads each add one, and the counter says one.",
    ]


def test_list_finds_the_folder_from_below(project, monkeypatch):
    monkeypatch.chdir(project() / "scenarios" / "atomicity")
    code, output = run("list")
    assert code == 0
    assert "lost_update" in output


def test_list_as_markdown(project):
    project()
    code, output = run("list", "--markdown")
    assert code == 0
    assert output.startswith("# Scenarios\n")
    assert "| [lost_update](atomicity/lost_update.py) | atomicity violation |" in output


def test_show_tells_the_story_before_the_code(project):
    project()
    code, output = run("show", "lost_update")
    assert code == 0
    lines = [line.rstrip() for line in output.splitlines()]
    assert lines[:6] == [
        "Lost update: two threads each add one, and the counter says one.",
        "atomicity/lost_update.py   atomicity violation (CWE 366, 362)",
        "",
        "The story.",
        "",
        "import threading",
    ]
    assert lines[-4:] == [
        "",
        "Hint    What happens between the lines?",
        "Review  Read-then-write on anything shared.",
        "Seen in many a counter",
    ]


def test_doctor_tells_versions_and_limits():
    code, output = run("doctor")
    assert code == 0
    assert re.search(rf"^python +{re.escape(sys.version.split()[0])} ", output, re.MULTILINE)
    assert re.search(r"^hammers beside +\w", output, re.MULTILINE)
    assert "\ncontrolled where stepped or library code calls them:\n" in output
    assert "\nnot controlled yet:\n" in output
    assert re.search(r"^greenlet +\d", output, re.MULTILINE)
    of_processes = output.partition("\ncontrolled in actors that are processes:\n")[2].partition("\n\n")[0]
    for operation in ("flock", "JoinableQueue", "copy_file_range", "monotonic_ns", "connect and what it gives"):
        assert operation in of_processes


def test_every_strategy_is_in_the_help():
    _, output = run("run", "--help")
    *others, last = names()
    assert f"{', '.join(others)} or {last}." in " ".join(output.split())


def test_version_and_help():
    assert run("--version")[1].startswith("lab, version ")
    code, output = run("--help")
    assert code == 0
    assert "Find, show, replay and hammer race conditions in plain Python." in output
    for command in ("doctor", "hammer", "list", "replay", "run", "show"):
        assert re.search(rf"^  {command} +\w", output, re.MULTILINE)


# ------------------------------------------------------------------ run


def test_run_explores_every_variant_and_keeps_witnesses(project):
    folder = project()
    code, output = run("run", "lost_update", "--no-hammer", "--schedules", "40")
    assert code == 0
    unsafe, _, fixed = output.partition("\n\nHOLDS")
    assert unsafe.startswith(f"FAILS  {FILE}::unsafe      outcome 1: one lost (allowed: 2)\n\n      alice ")
    command = unsafe.splitlines()[-1].removeprefix("    replay     ")
    assert command.startswith(f'pytest "{FILE}::unsafe" --lab-replay .lab/lost_update-unsafe-')
    assert Path(command.rpartition(" ")[2]).is_file()
    assert fixed.startswith(f"  {FILE}::fixed      all 2 classes of schedules\n")
    assert (folder / ".lab" / ".gitignore").read_text() == "*\n"


def test_run_hammers_too(project):
    project()
    code, output = run("run", "lost_update", "--variant", "fixed", "--schedules", "10")
    assert code == 0
    assert re.fullmatch(
        r"    hammer     0 of [\d,]+ rounds failed \(rate below [\d.]+ % with 95 % confidence\); "
        r"actors overlapped in [\d.]+ %",
        output.splitlines()[-1],
    )


def test_run_ends_with_1_when_a_promise_is_broken(project):
    project(sources.BROKEN)
    code, output = run("run", "lost_update", "--variant", "fixed", "--no-hammer")
    assert code == 1
    assert output.startswith(f"fixed: it must not fail\n\nFAILS  {FILE}::fixed      outcome 1: one lost (allowed: 2)\n")
    project(sources.HARMLESS)
    code, output = run("run", "lost_update", "--variant", "unsafe", "--no-hammer", "--schedules", "20")
    assert code == 1
    assert output.startswith(
        "unsafe: it must fail, but every schedule was covered and none fails: the variant is not unsafe\n\n"
    )


def test_the_same_seed_gives_the_same_schedule(project):
    project()

    def found(*options):
        _, output = run("run", "lost_update", "--variant", "unsafe", "--no-hammer", *options)
        return re.search(r"found +(schedule .*; \d+ switch(es)?);", output)[1]

    assert found("--seed", "5", "--strategy", "random") == found("--seed", "5", "--strategy", "random")
    assert ", random, seed 5; " in found("--seed", "5", "--strategy", "random")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["lost_updat"], "scenario 'lost_updat': not in {folder}/scenarios; did you mean lost_update?"),
        (["lost_update", "--variant", "unsaf"], "variant 'unsaf': not in lost_update; did you mean unsafe?"),
        (["lost_update", "--schedules", "0"], "--schedules=0: nothing would be run; give a whole number of at least 1"),
        (["lost_update", "--schedules", "x"], "--schedules=x: give a whole number of at least 1"),
        (["lost_update", "--seconds", "-1"], "--seconds=-1: nothing would be run; give a number of seconds above 0"),
        (["lost_update", "--seed", "1.5"], "--seed=1.5: give a whole number"),
        (["lost_update", "--scenarios", "none"], "none: no such folder; give the one that holds the scenarios with "
         "--scenarios"),
    ],
)  # fmt: skip
def test_what_cannot_be_run_is_told_in_one_line(project, options, message):
    folder = project()
    assert run("run", *options) == (2, f"Error: {message.format(folder=folder)}\n")


def test_an_unknown_strategy(project):
    project()
    code, output = run("run", "lost_update", "--strategy", "best")
    assert code == 2
    assert output.startswith("Error: --strategy=best: unknown; choose one of auto, ")
    assert output.count("\n") == 1


def test_a_broken_scenario_is_told_in_one_line(project):
    project(sources.SCENARIO.replace("allowed=", "alowed="))
    message = f"Error: {FILE}:45: Scenario: unknown field 'alowed'; did you mean allowed?\n"
    for command in (["list"], ["show", "lost_update"], ["run", "lost_update"], ["list", "--markdown"]):
        assert run(*command) == (2, message)


@pytest.mark.parametrize(
    ("typed", "meant"),
    [("shw", "show"), ("lst", "list"), ("replya", "replay"), ("hamer", "hammer"), ("quux", ""), ("", "")],
)
def test_a_command_that_is_nearly_right(typed, meant):
    code, output = run(typed)
    assert code == 2
    assert output.splitlines()[-1].startswith(f"Error: No such command {typed!r}.")
    assert output.splitlines()[-1].endswith(f" Did you mean {meant}?") or not meant


# ------------------------------------------------------------------ replay


@pytest.fixture
def witness(project):
    """The path of a witness for the unsafe variant."""
    folder = project()
    run("run", "lost_update", "--variant", "unsafe", "--no-hammer")
    (path,) = (folder / ".lab").glob("*.json")
    return str(path.relative_to(folder))


def test_replay_ends_with_1_if_it_fails_again(witness):
    code, output = run("replay", witness)
    assert code == 1
    assert output.startswith(f"FAILS  {FILE}::unsafe      outcome 1: one lost (allowed: 2)\n\n      alice ")
    assert output.endswith("\n    replay     fails again: outcome 1: one lost (allowed: 2)\n")


def test_replay_on_real_threads(witness):
    code, output = run("replay", witness, "--force")
    assert code == 1
    assert output.endswith(
        "\n    replay     fails again: outcome 1: one lost (allowed: 2)\n    forced     fails alike on real threads\n"
    )


def test_replay_ends_with_0_if_it_no_longer_fails(witness, project):
    project(sources.REPAIRED)
    code, output = run("replay", witness)
    assert code == 0
    assert " no longer fails: all 4 steps were taken without the failure " in " ".join(output.split())


def test_replay_ends_with_2_if_it_is_stale(witness, project):
    project(sources.SCENARIO.replace("unsafe=Unsafe", "unsafe=Fixed"))
    code, output = run("replay", witness)
    assert code == 2
    assert "stale: diverged at step 1, expected " in output


def test_replay_from_another_folder(witness, project, monkeypatch):
    elsewhere = project() / "else" / "where"
    elsewhere.mkdir(parents=True)
    monkeypatch.chdir(elsewhere)
    code, output = run("replay", f"../../{witness}")
    assert code == 1
    assert output.endswith("\n    replay     fails again: outcome 1: one lost (allowed: 2)\n")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "cannot be read (No such file or directory); give the path of a saved witness"),
        ("", "not JSON (Expecting value, line 1); it may be cut off; record a new one"),
        ("[]", "not a witness; give a file that Witness.save() wrote"),
        ("[" * 100_000, "nested too deeply; give a file that Witness.save() wrote"),
    ],
)
def test_replay_of_what_is_no_witness(project, content, message):
    folder = project()
    if content is not None:
        (folder / "w.json").write_text(content)
    assert run("replay", "w.json") == (2, f"Error: witness w.json: {message}\n")


@pytest.mark.parametrize("target", ["", "/etc/passwd", "../x.py::y", "--help", "-p evil", "scenarios", "::", "x.py"])
def test_replay_never_runs_what_lies_elsewhere(project, target):
    project()
    Witness(("alice",), Trace(()), Failure("check", "no"), "", target=target).save("w.json")
    Path("..", "x.py").write_text("raise AssertionError('was run')")
    code, output = run("replay", "w.json")
    assert code == 2
    told = (
        "does not say what was run; call lab.replay(lab.Witness.load('w.json'), setup, actors)",
        f"was recorded for x.py, and there is no {Path.cwd() / 'x.py'}",
    )
    assert output in [f"Error: witness w.json: {one}\n" for one in told]


def test_replay_of_a_variant_that_is_gone(witness):
    data = json.loads(Path(witness).read_text())
    Path(witness).write_text(json.dumps({**data, "target": f"{FILE}::fixed_b"}))
    assert run("replay", witness) == (2, "Error: variant 'fixed_b': not in lost_update; did you mean fixed?\n")


# ------------------------------------------------------------------ as a program of its own


LAB = [sys.executable, "-c", "from lab.cli import main; main()"]


def typed(*words, cwd, **environment):
    plain = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "COLUMNS", "LAB_"))}
    environment = {**plain, "PYTEST_ADDOPTS": "-p no:hypothesispytest", **environment}
    command = LAB if words[0] == "lab" else [sys.executable, "-m", words[0]]
    return subprocess.run([*command, *words[1:]], cwd=cwd, env=environment, capture_output=True, text=True, timeout=60)


def test_the_witness_of_a_test_is_replayed_by_pytest(tmp_path):
    (tmp_path / "test_x.py").write_text(sources.TEST)
    typed("pytest", "-q", "test_x.py::test_no_failure", cwd=tmp_path)
    (path,) = (tmp_path / ".lab").glob("*.json")
    done = typed("lab", "replay", f".lab/{path.name}", cwd=tmp_path)
    assert done.returncode == 1
    assert "E           replay     fails again: outcome 1 (allowed: 2)" in done.stdout.splitlines()
    done = typed("lab", "replay", "--force", f".lab/{path.name}", cwd=tmp_path)
    assert done.returncode == 1
    assert "E           forced     fails alike on real threads" in done.stdout.splitlines()
    done = typed("pytest", "-q", "--lab-force", "test_x.py", cwd=tmp_path)
    assert done.returncode == pytest.ExitCode.USAGE_ERROR
    assert done.stderr == "ERROR: --lab-force: there is nothing to force; give --lab-replay WITNESS as well\n\n"
    (tmp_path / "test_x.py").write_text(sources.REPAIRED_TEST)
    done = typed("lab", "replay", f".lab/{path.name}", cwd=tmp_path)
    assert done.returncode == 0
    assert "no longer fails: all 4 steps were taken without the failure (changed since: increment)" in done.stdout


@pytest.mark.skipif(not hasattr(os, "openpty"), reason="needs pseudo-terminals")
def test_colours_on_a_terminal_and_nowhere_else(project):
    folder = project()
    words = ["run", "lost_update", "--variant", "unsafe", "--no-hammer"]
    plain = typed("lab", *words, cwd=folder).stdout
    assert "\x1b" not in plain
    main_end, other_end = os.openpty()
    environment = {**os.environ, "TERM": "xterm-256color", "COLUMNS": "120"}
    environment.pop("NO_COLOR", None)
    process = subprocess.Popen([*LAB, *words], cwd=folder, env=environment, stdout=other_end)
    os.close(other_end)
    shown = b""
    while True:
        try:
            chunk = os.read(main_end, 65536)
        except OSError:  # its way of saying that the other end is closed
            break
        if not chunk:
            break
        shown += chunk
    os.close(main_end)
    assert process.wait() == 0
    text = shown.decode().replace("\r\n", "\n")
    assert "\x1b[1;31mFAILS\x1b[0m" in text
    bare = re.sub(r"\x1b\[[0-9;]*m", "", text)
    assert re.sub(r"\d+ ms|\d\.\d s", "", bare) == re.sub(r"\d+ ms|\d\.\d s", "", plain)


# ------------------------------------------------------------------ a passing execution


def test_an_execution_that_passes_can_be_looked_at(project, golden):
    project()
    code, output = run("run", "lost_update", "--show", "pass", "--variant", "unsafe")
    assert code == 0
    golden("passing", output.rstrip())


def test_nothing_to_show_where_every_schedule_fails(project):
    project(sources.SCENARIO.replace("self.value = current + 1", "raise ValueError(current)"))
    code, output = run("run", "lost_update", "--show", "pass", "--variant", "unsafe")
    assert (code, output) == (2, "Error: none of 30 schedules passes, so there is no passing one to show\n")
