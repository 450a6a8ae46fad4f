"""The plugin's options and the settings of the same names: what they do, and what they say when they cannot."""

import re

import plugin_sources as sources
import pytest
from plugin_sources import FILE

from lab.strategies import names

pytestmark = pytest.mark.usefixtures("quiet_environment")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--lab-strategy", "best"), "--lab-strategy=best: unknown; choose one of "),
        (("--lab-schedules", "many"), "--lab-schedules=many: give a whole number of at least 1"),
        (("--lab-schedules", "1.5"), "--lab-schedules=1.5: give a whole number of at least 1"),
        (
            ("--lab-schedules", "0"),
            "--lab-schedules=0: nothing would be run; give a whole number of at least 1",
        ),
        (("--lab-schedules="), "--lab-schedules=: give a whole number of at least 1"),
        (("--lab-seconds", "soon"), "--lab-seconds=soon: give a number of seconds above 0"),
        (
            ("--lab-seconds", "-1"),
            "--lab-seconds=-1: nothing would be run; give a number of seconds above 0",
        ),
        (
            ("--lab-seconds", "nan"),
            "--lab-seconds=nan: nothing would be run; give a number of seconds above 0",
        ),
        (("--lab-seed", "x"), "--lab-seed=x: give a whole number"),
        *(
            (
                ("--lab-interleave", number),
                f"--lab-interleave={number}: nothing would run at once; give a whole number of at least 2",
            )
            for number in ("1", "0", "-1")
        ),
        (("--lab-interleave", "x"), "--lab-interleave=x: give a whole number of at least 2"),
        (("--lab-interleave", "2.5"), "--lab-interleave=2.5: give a whole number of at least 2"),
        (
            ("--lab-report", "file.txt"),
            "--lab-report=file.txt: cannot be made (File exists); give a folder to write to",
        ),
        (
            ("--lab-replay", "none.json"),
            "witness none.json: cannot be read (No such file or directory); give the path of a saved witness",
        ),
    ],
)
def test_an_option_that_cannot_work_is_told_in_one_line(project, options, message):
    pytester = project()
    (pytester.path / "file.txt").write_text("")
    result = pytester.runpytest_inprocess(*([options] if isinstance(options, str) else options))
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert len(result.errlines) == 2
    assert result.errlines[0].startswith(f"ERROR: {message}")
    assert result.errlines[0] == f"ERROR: {message}" or message.endswith("choose one of ")
    assert result.errlines[1] == ""


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("lab_strategy = best", "lab_strategy=best: unknown; choose one of "),
        ("lab_schedules = many", "lab_schedules=many: give a whole number of at least 1"),
        ("lab_seconds = 0", "lab_seconds=0: nothing would be run; give a number of seconds above 0"),
        ("lab_seed = x", "lab_seed=x: give a whole number"),
        ("lab_interleave = 1", "lab_interleave=1: nothing would run at once; give a whole number of at least 2"),
        ("lab_report = tox.ini", "lab_report=tox.ini: cannot be made (File exists); give a folder to write to"),
    ],
)
def test_a_setting_that_cannot_work_names_its_file(project, line, message):
    pytester = project()
    pytester.makeini(f"[pytest]\n{line}\n")
    result = pytester.runpytest_inprocess()
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert result.errlines[0].startswith(f"ERROR: {pytester.path / 'tox.ini'}: {message}")
    assert result.errlines[1:] == [""]


def test_a_setting_given_with_o_is_not_blamed_on_the_file(project):
    result = project().runpytest_inprocess("-o", "lab_seed=x")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert result.errlines == ["ERROR: -o lab_seed=x: give a whole number", ""]


def test_settings_stand_in_the_ini_file_and_options_override_them(project):
    pytester = project()
    pytester.makeini("[pytest]\nlab_schedules = 7\nlab_strategy = pct\nlab_seed = 3\nlab_report = reports\n")
    select = f"{FILE}::fixed[explore]"
    result = pytester.runpytest_inprocess("-v", select)
    result.stdout.fnmatch_lines(["*PASSED  unknown: no failure in 7 schedules, *"])
    report = pytester.path / "reports" / "atomicity-lost_update-fixed-explore.txt"
    assert report.read_text().startswith(f"UNKNOWN  {FILE}::fixed      no failure in 7 schedules\n")
    result = pytester.runpytest_inprocess("-v", "--lab-schedules", "9", "--lab-report", "mine", select)
    result.stdout.fnmatch_lines(["*PASSED  unknown: no failure in 9 schedules, *"])
    assert (pytester.path / "mine" / report.name).exists()


def test_options_override_the_arguments_of_a_call(project):
    pytester = project()
    call = "explore(Counter, [increment] * 2, schedules=11, strategy='pct', seed=2, outcome=lambda c: c.value, **kw)"
    told = (
        f"def test_it():\n    for kw in ({{}}, {{'allowed': {{2}}}}):\n        verdict = lab.{call}\n"
        "        print(verdict.reason, verdict.witness and (verdict.witness.strategy, verdict.witness.seed))\n"
    )
    pytester.makepyfile(test_it=sources.TEST.partition("def explored")[0] + told)

    def printed(*options):
        lines = pytester.runpytest_inprocess("-q", "-s", "test_it.py", *options).outlines
        return lines[0], lines[1].rpartition("schedule ")[2].partition(" ")[2].rstrip(".")

    assert printed() == ("no failure in 11 schedules None", "('pct', 2)")
    options = ("--lab-schedules", "50", "--lab-seed", "8", "--lab-strategy", "random")
    assert printed(*options) == ("no failure in 50 schedules None", "('random', 8)")
    by_time, _ = printed("--lab-seconds", "0.05")  # replaces the number of schedules too, not only adds to it
    assert re.fullmatch(r"no failure in [\d,]+ schedules? when the time was up None", by_time)


def test_options_are_in_the_help(pytester):
    lines = pytester.runpytest_inprocess("--help").outlines
    for name in ("strategy=NAME", "schedules=N", "seconds=S", "seed=N", "interleave=N", "replay=WITNESS", "report=DIR"):
        assert [line for line in lines if line.startswith(f"  --lab-{name}")]
        assert [line for line in lines if line.startswith(f"  lab_{name.partition('=')[0]} (string):")]


def test_every_strategy_is_in_the_help(pytester):
    text = " ".join(" ".join(pytester.runpytest_inprocess("--help").outlines).split())
    *others, last = names()
    assert f"who steps next: {', '.join(others)} or {last}" in text
