"""`lab hammer`: several interpreters side by side, and what becomes of those that give no figures."""

import json
import re
import subprocess
import sys
from pathlib import Path

import plugin_sources as sources
import pytest
from click.testing import CliRunner
from fake_interpreters import put, really

from lab.cli import main

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the interpreters of these tests are shell scripts")

FILE = Path(sources.FILE)
FEW = ("--rounds", "40")


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A current folder with one scenario and no interpreter but those that a test puts there."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "120")
    monkeypatch.setenv("PATH", "/bin:/usr/bin")
    monkeypatch.setenv("PYENV_ROOT", str(tmp_path / "none"))
    monkeypatch.setattr("lab.interpreters._NAME", re.compile("never"))
    for name in ("FORCE_COLOR", "PY_COLORS"):
        monkeypatch.delenv(name, raising=False)

    def write(source=sources.SCENARIO):
        FILE.parent.mkdir(parents=True, exist_ok=True)
        FILE.write_text(source)
        for module in [name for name in sys.modules if name.startswith("scenarios.")]:
            monkeypatch.delitem(sys.modules, module)
        return tmp_path

    write()
    return write


def hammer(*arguments):
    """Exit code and output; an exception that is not click's fails the test."""
    result = CliRunner().invoke(main, ["hammer", "lost_update", *arguments], catch_exceptions=False)
    return result.exit_code, result.output


def cells(output, label):
    """Each row that begins with ``label``, as its cells."""
    lines = [line.split("   ") for line in output.splitlines() if line.strip().startswith(f"{label} ")]
    return [[cell.strip() for cell in line if cell.strip()][1:] for line in lines]


# ------------------------------------------------------------------ side by side


def test_this_interpreter_alone(project):
    put(".tox/other/bin/python", runs="exit 9")
    code, output = hammer(*FEW, "--alone")
    assert code == 0
    assert cells(output, "rounds") == [["40"], ["40"]]
    assert "left out" not in output


def test_those_that_are_found_stand_beside_it(project):
    put(".tox/other/bin/python", runs=really())
    code, output = hammer(*FEW)
    assert code == 0
    assert cells(output, "rounds") == [["40", "40"], ["40", "40"]]
    versions = next(line.split() for line in output.splitlines() if line.startswith("   ") and "3." in line)
    assert versions == [sys.version.split()[0]] * 2  # the child's own words, not those of the script
    assert re.search(rf"^(FAILS|UNKNOWN)  {FILE}::unsafe      ", output, re.MULTILINE)
    assert re.search(rf"^UNKNOWN  {FILE}::fixed      no round failed on any build$", output, re.MULTILINE)


def test_those_that_are_named_and_no_others(project):
    put(".tox/other/bin/python", runs="exit 9")
    put("mine", runs=really())
    code, output = hammer(*FEW, "--variant", "fixed", "--python", "./mine")
    assert code == 0
    assert cells(output, "rounds") == [["40", "40"]]
    assert "left out" not in output


def test_the_other_one_is_asked_for_the_same(project, tmp_path):
    put("mine", runs=f'echo "$@" > {tmp_path}/asked; exit 9')
    hammer("--rounds=7", "--seconds=2.5", "--noise=0", "--seed=-3", "--variant=fixed", "--python", "./mine")
    words = (tmp_path / "asked").read_text().split()
    assert words[:6] == ["-P", "-m", "lab", "hammer", str(tmp_path / FILE), "--alone"]
    assert words[6].startswith("--json=")
    assert words[7:] == ["--variant=fixed", "--rounds=7", "--seconds=2.5", "--noise=0.0", "--seed=-3"]


def test_what_the_scenario_prints_on_another_interpreter_goes_nowhere(project):
    project(sources.SCENARIO.replace("current = self.value", "print('}{'); current = self.value"))
    put("mine", runs=really())
    words = [sys.executable, "-m", "lab", "hammer", "lost_update", "--rounds=4", "--python", "./mine"]
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    assert (done.stdout + done.stderr).count("}{") == 16  # of two variants and two actors here
    assert cells(done.stdout, "rounds") == [["4", "4"], ["4", "4"]]


def test_a_promise_that_is_broken_elsewhere(project):
    """The fixed variant has no lock on the other interpreter."""
    project(sources.SCENARIO.replace("with self.lock:", "with self.lock if self.safe() else self:") + BROKEN)
    put("mine", runs=really("import os; os.environ['LAB_TEST_BROKEN'] = '1'"))
    code, output = hammer("--rounds=400", "--variant=fixed", "--python", "./mine")
    assert code == 1
    told = [line for line in output.splitlines() if line.startswith("    promise    it must not fail (")]
    assert len(told) == 1
    assert hammer("--rounds=400", "--variant=fixed", "--alone")[0] == 0


BROKEN = """

import os
import time


def _safe(self):
    return "LAB_TEST_BROKEN" not in os.environ


Fixed.safe = _safe
Fixed.__enter__ = lambda self: None
Fixed.__exit__ = lambda self, *_: None
"""


def test_a_scenario_that_cannot_run_is_skipped(project):
    project(sources.SCENARIO.replace("SCENARIO = Scenario(", NEEDS))
    assert hammer("--alone") == (0, "SKIPPED  lost_update: no server\n")


NEEDS = """
from lab.errors import LabError


def needs():
    raise LabError("no server")


SCENARIO = Scenario(
    needs=needs,"""


# ------------------------------------------------------------------ no figures


def broken(runs, **answer):
    """What is told of a named interpreter that gives none, after its name; the exit code is 2."""
    path = put("mine", runs=runs, **answer)
    code, output = hammer(*FEW, "--variant=fixed", "--python", "./mine")
    assert code == 2
    assert cells(output, "rounds") == [["40"]]  # what was found here is told all the same
    last = output.splitlines()[-1]
    assert last.startswith(f"Error: Python 3.99.1, free-threaded ({path}): ")
    return last.partition("): ")[2]


@pytest.mark.parametrize(
    ("runs", "message"),
    [
        ("kill -KILL $$", "was killed by SIGKILL while it hammered"),
        ("kill -SEGV $$", "was killed by SIGSEGV while it hammered"),
        ("exit 3", "ended with exit code 3 and no results"),
        ("exit 0", "ended with exit code 0 and no results"),
        ("echo; echo Traceback >&2; echo ImportError: no  such >&2; exit 1", "ImportError: no such"),
        ("echo \"Error: No such command 'hammer'.\" >&2; exit 2", "No such command 'hammer'."),
        ("echo '[1' > ${7#--json=}", "ended with exit code 0 and no results"),
        ("echo '[1]' > ${7#--json=}", "gives results that cannot be read"),
        ('echo \'{"format": 1, "skipped": "", "builds": []}\' > ${7#--json=}', "gives results that cannot be read"),
        ('echo \'{"format": 1, "skipped": "", "builds": [{}]}\' > ${7#--json=}', "gives results that cannot be read"),
        ("echo '{\"format\": 2}' > ${7#--json=}", "gives its results in format 2, and this lab reads 1"),
        (
            'echo \'{"format": 1, "skipped": "no server", "builds": []}\' > ${7#--json=}',
            "skipped: no server",
        ),
    ],
)
def test_an_interpreter_that_gives_no_figures_is_told_in_one_line(project, runs, message):
    assert broken(runs) == message


def test_one_that_is_gone_when_its_turn_comes(project, monkeypatch):
    path = put("mine")
    monkeypatch.setattr("lab.beside.run_hammer", gone(path, monkeypatch))
    code, output = hammer(*FEW, "--variant=fixed", "--python", "./mine")
    assert code == 2
    assert output.splitlines()[-1].endswith("/mine): cannot be run (No such file or directory)")


def gone(path, monkeypatch):
    from lab.beside import run_hammer

    def run(*arguments, **options):
        path.unlink()
        return run_hammer(*arguments, **options)

    return run


def test_a_scenario_that_is_too_new_for_it(project):
    """An older lab does not know a field of the scenario."""
    older = "from lab import Scenario; fields = dict(Scenario.__dataclass_fields__); del fields['hint']; "
    told = broken(really(f"{older}Scenario.__dataclass_fields__ = fields"), lab="0.0.9")
    assert re.fullmatch(
        rf"{FILE}:\d+: Scenario: unknown field 'hint'; the fields are .* \(race-lab 0\.0\.9 there, 0\.1\.0 here\)", told
    )


def test_what_a_scenario_imports_is_missing_there(project):
    project(sources.SCENARIO.replace("import threading", "import threading, wave"))
    assert broken(really("sys.modules['wave'] = None")) == (
        f"{FILE}:6: cannot be imported: ModuleNotFoundError: import of wave halted; None in sys.modules"
    )


def test_one_that_was_only_found_does_not_fail_the_run(project):
    path = put(".tox/other/bin/python", runs="kill -KILL $$")
    code, output = hammer(*FEW, "--variant=fixed")
    assert code == 0
    assert output.splitlines()[-1] == (
        f"left out: Python 3.99.1, free-threaded ({path}): was killed by SIGKILL while it hammered"
    )


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--alone", "--python", "3.99t"], "--alone: --python 3.99t names another interpreter; leave one of them out"),
        (["--python", "snake"], "--python snake: no such command; give one on PATH, a path, or a version such as "
         "3.13t"),
        (["--rounds", "0"], "--rounds=0: nothing would be run; give a whole number of at least 1"),
        (["--rounds", "x"], "--rounds=x: give a whole number of at least 1"),
        (["--seconds", "0"], "--seconds=0: nothing would be run; give a number of seconds above 0"),
        (["--noise", "2"], "--noise=2: give a probability, a number from 0 to 1"),
        (["--noise", "loud"], "--noise=loud: give a probability, a number from 0 to 1"),
        (["--noise", "nan"], "--noise=nan: give a probability, a number from 0 to 1"),
        (["--seed", "x"], "--seed=x: give a whole number"),
        (["--variant", "unsaf"], "variant 'unsaf': not in lost_update; did you mean unsafe?"),
        (["--html", "."], "--html .: is a folder; give a file in it"),
        (["--json", "no/x.json"], "--json no/x.json: there is no folder no; make it first"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_told_in_one_line(project, options, message):
    assert hammer(*FEW, *options) == (2, f"Error: {message}\n")


@pytest.mark.parametrize("option", ["--html", "--json"])
def test_a_file_that_cannot_be_written(project, tmp_path, option):
    (tmp_path / "full").symlink_to("/dev/full/x")
    code, output = hammer(*FEW, "--alone", option, "/proc/x")
    assert code == 2
    assert re.fullmatch(
        rf"Error: {option} /proc/x: cannot be written \([^)]+\); give a file to write to", output.splitlines()[-1]
    )


# ------------------------------------------------------------------ what is written


def test_a_page_markdown_and_figures(project, tmp_path):
    put("mine", runs=really())
    code, output = hammer(*FEW, "--markdown", "--html", "x.html", "--json", "x.json", "--python", "./mine")
    assert code == 0
    assert output.startswith(f"## {FILE}::unsafe".replace("_", "\\_"))
    assert output.count("| rounds | 40 | 40 |") == 2
    page = Path("x.html").read_text()
    assert page.count("<td>40</td><td>40</td>") >= 2
    document = json.loads(Path("x.json").read_text())
    assert [len(build["figures"]) for build in document["builds"]] == [2, 2]
    assert document["builds"][1]["interpreter"]["lab"] == "0.1.0"


def test_it_can_be_run_as_a_module(project):
    done = subprocess.run([sys.executable, "-m", "lab", "--help"], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("Usage: lab [OPTIONS] COMMAND")
