"""The pytest plugin, from outside: collection, mistakes, what the terminal shows, start-up."""

import subprocess
import sys

import plugin_sources as sources
import pytest
from plugin_sources import FAST, FILE, section

pytestmark = pytest.mark.usefixtures("quiet_environment")


def items(result):
    """The node ids that ``--collect-only -q`` shows."""
    return [line for line in result.outlines if "::" in line]


BOTH = [f"{FILE}::{variant}[{method}]" for variant in ("unsafe", "fixed") for method in ("explore", "hammer")]


# ------------------------------------------------------------------ collection


def test_each_variant_is_two_items(project):
    result = project().runpytest_inprocess("--collect-only", "-q", "scenarios")
    assert items(result) == BOTH
    assert result.ret == 0


@pytest.mark.parametrize(
    ("selection", "expected"),
    [
        ((FILE,), BOTH),
        ((f"{FILE}::unsafe",), BOTH[:2]),
        ((f"{FILE}::fixed[explore]",), [BOTH[2]]),
        (("scenarios", "-k", "explore"), [BOTH[0], BOTH[2]]),
        (("scenarios", "-k", "hammer and unsafe"), [BOTH[1]]),
        (("scenarios", "-k", "lost_update and fixed"), BOTH[2:]),
        ((), BOTH),
    ],
)
def test_items_are_selected_as_tests_are(project, selection, expected):
    result = project().runpytest_inprocess("--collect-only", "-q", *selection)
    assert items(result) == expected


@pytest.mark.parametrize(
    ("file", "source", "expected"),
    [
        ("scenarios/deep/er/x.py", sources.SCENARIO, 4),
        ("mine/scenarios/x.py", sources.SCENARIO, 4),
        ("elsewhere/x.py", sources.SCENARIO, 0),
        ("scenarios/_helper.py", sources.SCENARIO, 0),
        ("scenarios/helper.py", "'''Speaks of a SCENARIO = Scenario().'''\n", 0),
        ("scenarios/test_x.py", "from x import SCENARIO\ndef test_it(): pass\n", 0),
        ("scenarios/x.txt", sources.SCENARIO, 0),
    ],
)
def test_a_scenario_file_defines_one_below_a_folder_named_scenarios(project, file, source, expected):
    from lab.files import is_scenario_file

    pytester = project(source, file)
    assert is_scenario_file(pytester.path / file, pytester.path) is bool(expected)
    if expected:
        assert len(items(pytester.runpytest_inprocess("--collect-only", "-q"))) == expected


def test_tests_beside_scenarios_stay_tests(project):
    pytester = project()
    project("def test_it():\n    pass\n", "scenarios/test_it.py")
    assert items(pytester.runpytest_inprocess("--collect-only", "-q")) == [*BOTH, "scenarios/test_it.py::test_it"]


TESTED = (
    sources.SCENARIO
    + """

def test_by_itself():
    counter = Fixed()
    counter.increment()
    assert counter.value == 2


class TestSeveral:
    def test_and_another(self):
        assert SCENARIO.fixed is Fixed
"""
)


@pytest.mark.parametrize("imports", ["prepend", "importlib"])
def test_tests_in_a_scenario_file_that_is_named_as_tests_are_stay_tests(project, imports):
    pytester = project(TESTED, file := "scenarios/atomicity/test_lost_update.py")
    both = [one.replace("/lost_update", "/test_lost_update") for one in BOTH]
    tests = [f"{file}::test_by_itself", f"{file}::TestSeveral::test_and_another"]
    options = ("-q", f"--import-mode={imports}", "-p", "no:cacheprovider")
    for selection, expected in (
        ((), [*both, *tests]),
        ((file,), [*both, *tests]),
        ((tests[0],), tests[:1]),
        ((f"{file}::TestSeveral",), tests[1:]),
        ((both[0],), both[:1]),
    ):
        collected = items(pytester.runpytest_inprocess("--collect-only", *options, *selection))
        assert sorted(collected) == sorted(expected)
    result = pytester.runpytest_inprocess(*options, *FAST, "-k", "fixed and explore or test_", file)
    result.assert_outcomes(passed=5, failed=1)
    if imports != "importlib":  # which takes the module that is there already
        assert "E       assert 1 == 2" in result.outlines  # rewritten as any test's


def test_a_scenario_file_of_another_name_has_no_tests_unless_they_are_asked_for(project):
    pytester = project(TESTED)
    for selection in ((), (FILE,)):
        assert items(pytester.runpytest_inprocess("--collect-only", "-q", *selection)) == BOTH
    pytester.makeini("[pytest]\npython_files = *_update.py\n")
    assert len(items(pytester.runpytest_inprocess("--collect-only", "-q"))) == len(BOTH) + 2


def test_two_scenarios_of_one_name_in_two_families(project):
    pytester = project()
    project(sources.SCENARIO, "scenarios/other/lost_update.py")
    assert len(items(pytester.runpytest_inprocess("--collect-only", "-q"))) == 8


# ------------------------------------------------------------------ mistakes


ADD_ONE, CALL, CWE, ACTORS, ALLOWED, REVIEW = 30, 38, 40, 43, 45, 49  # lines of the scenario


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("allowed=", "alowed=", f":{ALLOWED}: Scenario: unknown field 'alowed'; did you mean allowed?"),
        (
            '    bug_class="atomicity violation",\n',
            "",
            f":{CALL}: Scenario: field 'bug_class' is missing; add bug_class=",
        ),
        (
            "cwe=(366, 362)",
            "cwe=366",
            f":{CWE}: Scenario: cwe=366: give a tuple of CWE numbers, such as (366, 362)",
        ),
        (
            '("Read-then-write on anything shared.",)',
            '("Read-then-write on anything shared.")',
            f":{REVIEW}: Scenario: review='Read-then-write on anything shared.': give a tuple of strings; "
            "one string needs a comma behind it",
        ),
        (
            '"bob": add_one',
            '"bob": 3',
            f":{ACTORS}: Scenario: actors['bob']=3 cannot be called; give a function that takes the state",
        ),
        (
            "allowed={2:",
            "allowed={1:",
            f":{ALLOWED + 1}: Scenario: forbidden: outcome 1 is also in allowed; keep one",
        ),
        ("SCENARIO = Scenario(", "SCENARIO = dict(", f":{CALL}: SCENARIO is dict, not a Scenario; "
         "write SCENARIO = Scenario(...)"),
        ("SCENARIO = Scenario(", "LOST = Scenario(", f":{CALL}: the scenario is called LOST; "
         "write SCENARIO = Scenario(...)"),
        (
            "import threading",
            "import threadin",
            ":6: cannot be imported: ModuleNotFoundError: No module named 'threadin'",
        ),
        (
            "def add_one(counter):",
            "def add_one(counter:",
            f":{ADD_ONE}: cannot be imported: SyntaxError: '(' was never closed",
        ),
        (
            "def add_one(counter):",
            "raise SystemExit(3)\ndef f():",
            f":{ADD_ONE}: cannot be imported: SystemExit: 3",
        ),
        (
            "def add_one(counter):",
            "1 / 0\ndef f():",
            f":{ADD_ONE}: cannot be imported: ZeroDivisionError: division by zero",
        ),
        (
            "def add_one(counter):",
            "raise ValueError('two\\n lines')\ndef f():",
            f":{ADD_ONE}: cannot be imported: ValueError: two lines",
        ),
    ],
)  # fmt: skip
def test_a_mistake_is_one_clear_collection_error(project, old, new, message):
    assert sources.SCENARIO.count(old) == 1
    result = project(sources.SCENARIO.replace(old, new)).runpytest_inprocess("scenarios", "-q")
    assert result.ret == pytest.ExitCode.INTERRUPTED
    start = next(number for number, line in enumerate(result.outlines) if "ERROR collecting" in line)
    assert result.outlines[start + 1] == f"{FILE}{message}"
    assert result.outlines[start + 2].startswith("====")  # and no traceback
    assert result.outlines[-2].startswith("!!!!")


def test_one_mistake_does_not_hide_the_other_scenarios(project):
    pytester = project("SCENARIO = 3\n")
    project(sources.SCENARIO, "scenarios/other/fine.py")
    result = pytester.runpytest_inprocess("--continue-on-collection-errors", "-q", "-k", "explore", *FAST)
    result.assert_outcomes(passed=2, errors=1)


# ------------------------------------------------------------------ promises


def test_promises_kept_are_one_line_each(project):
    result = project().runpytest_inprocess("-v", "-k", "explore", *FAST)
    result.assert_outcomes(passed=2, deselected=2)
    result.stdout.re_match_lines(
        [
            rf"{FILE}::unsafe\[explore\] PASSED  fails: outcome 1: one lost, by schedule \d+ with \d+ switch(es)?.*",
            rf"{FILE}::fixed\[explore\] PASSED  holds: all 2 classes of schedules, \d+ ms .*",
        ]
    )
    assert "race-lab" not in [line.strip("= ") for line in result.outlines]  # nothing twice


def test_without_v_there_is_a_summary(project):
    pytester = project()
    lines = section(pytester.runpytest_inprocess("-k", "explore", *FAST), "race-lab")
    assert [line.split("  explore  ")[0] for line in lines if line] == [
        "atomicity/lost_update unsafe",
        "atomicity/lost_update fixed ",
    ]
    quiet = pytester.runpytest_inprocess("-q", "-k", "explore", *FAST)
    assert "race-lab" not in [line.strip("= ") for line in quiet.outlines]


def test_hammer_items_report_a_rate(project):
    result = project().runpytest_inprocess("-v", "-k", "hammer")
    result.assert_outcomes(passed=2, deselected=2)
    result.stdout.re_match_lines(
        [
            rf"{FILE}::unsafe\[hammer\] PASSED  [\d,]+ of [\d,]+ rounds? failed.*; actors overlapped in [\d.]+ % .*",
            rf"{FILE}::fixed\[hammer\] PASSED  0 of [\d,]+ rounds failed \(rate below .* % with 95 % confidence\);.*",
        ]
    )


def test_an_unsafe_variant_that_does_not_fail(project):
    result = project(sources.HARMLESS).runpytest_inprocess("-k", "explore", *FAST)
    result.assert_outcomes(passed=1, failed=1, deselected=2)
    report = section(result, "unsafe[explore]")
    assert report[0] == (
        "unsafe: it must fail, but every schedule was covered and none fails: the variant is not unsafe"
    )
    assert report[2] == f"HOLDS  {FILE}::unsafe      all 2 classes of schedules"


def test_an_unsafe_variant_that_fails_in_another_way(project):
    source = sources.SCENARIO.replace("self.value = current + 1", "self.valu += current")
    result = project(source).runpytest_inprocess(f"{FILE}::unsafe[explore]")
    assert section(result, "unsafe[explore]")[0] == (
        "unsafe: it must fail by outcome, not by exception; mend it, or describe 'exception' in symptoms="
    )


def test_a_fixed_variant_that_fails(project):
    result = project(sources.BROKEN).runpytest_inprocess("-k", "explore and fixed")
    result.assert_outcomes(failed=1, deselected=3)
    report = section(result, "fixed[explore]")
    assert report[:3] == [
        "fixed: it must not fail",
        "",
        f"FAILS  {FILE}::fixed      outcome 1: one lost (allowed: 2)",
    ]
    assert report[-1].startswith(f'    replay     pytest "{FILE}::fixed" --lab-replay .lab/lost_update-fixed-')


def test_x_stops_at_the_first_failure(project):
    source = sources.HARMLESS.replace("fixed=Fixed", "fixed=Unsafe")
    result = project(source).runpytest_inprocess("-x", "-k", "explore", *FAST)
    result.assert_outcomes(failed=1, deselected=2)
    assert "!!!!!!!!!!!!!!!!!!!! stopping after 1 failures" in result.stdout.str()


def test_without_the_cache_provider(project):
    project().runpytest_inprocess("-p", "no:cacheprovider", "-k", "explore", *FAST).assert_outcomes(
        passed=2, deselected=2
    )


def test_two_workers(project):
    result = project(sources.BROKEN).runpytest_subprocess("-n", "2", "-k", "explore", *FAST, timeout=60)
    result.assert_outcomes(passed=1, failed=1)
    assert any(line.startswith('    replay     pytest "') for line in section(result, "fixed[explore]"))
    lines = section(result, "race-lab")
    assert [line.split("  explore  fails: outcome 1: one lost")[0] for line in sorted(filter(None, lines))] == [
        "atomicity/lost_update fixed ",
        "atomicity/lost_update unsafe",
    ]


def test_witnesses_lie_in_a_folder_that_git_ignores(project):
    pytester = project(sources.BROKEN)
    pytester.runpytest_inprocess("-k", "explore", *FAST)
    names = sorted(path.name for path in (pytester.path / ".lab").iterdir())
    assert [name[:-14] for name in names] == ["", "lost_update-fixed", "lost_update-unsafe"]
    assert names[0] == ".gitignore"
    assert (pytester.path / ".lab" / ".gitignore").read_text() == "*\n"


def test_a_witness_that_cannot_be_saved_does_not_hide_the_failure(project):
    pytester = project(sources.BROKEN)
    (pytester.path / ".lab").write_text("in the way")
    report = section(pytester.runpytest_inprocess(f"{FILE}::fixed[explore]"), "fixed[explore]")
    assert report[2] == f"FAILS  {FILE}::fixed      outcome 1: one lost (allowed: 2)"
    assert [line for line in report if line.startswith("    not saved  File exists")]
    assert report[-1] == "    replay     lab.replay(verdict.witness, setup, actors, ...)"


# ------------------------------------------------------------------ start-up


def test_the_plugin_loads_without_the_engine():
    program = (
        "import sys, lab.pytest_plugin; "
        "print(*sorted(name for name in sys.modules if name.split('.')[0] in "
        "('bytecode', 'click', 'greenlet', 'hypothesis', 'lab', 'rich')))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["lab", "lab.files", "lab.keeping", "lab.pytest_plugin"]


def test_a_test_run_without_scenarios_never_loads_the_engine(pytester):
    pytester.makepyfile(
        """
        import sys
        def test_it():
            loaded = [name for name in sys.modules if name.split(".")[0] in ("bytecode", "greenlet", "lab")]
            assert sorted(loaded) == ["lab", "lab.files", "lab.keeping", "lab.pytest_plugin"]
        """
    )
    pytester.runpytest_subprocess(timeout=60).assert_outcomes(passed=1)


# ------------------------------------------------------------------ mistakes that show when it runs


def failure_of(result):
    """What pytest prints of the only test that failed, without its heading."""
    headings = [number for number, line in enumerate(result.outlines) if line.startswith("===")]
    first = next(number for number in headings if " FAILURES " in result.outlines[number])
    return result.outlines[first + 2 : next(number for number in headings if number > first)]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            "return counter.value",
            "return [counter.value]",
            "lost_update.py: fixed: outcome: final_value() returned [2], a list, which cannot be tallied; "
            "return a hashable value, such as a tuple",
        ),
        (
            "fixed=Fixed",
            "fixed=lambda same=Fixed(): same",
            "lost_update.py: fixed: setup: state (Fixed) is the same object as in the execution before and still holds its "
            "changes (state.value=2); make a new one in setup, or put it back in teardown",
        ),
    ],
)
def test_a_mistake_that_shows_when_it_runs_is_one_line(project, old, new, message):
    assert sources.SCENARIO.count(old) == 1
    pytester = project(sources.SCENARIO.replace(old, new))
    result = pytester.runpytest_inprocess(f"{FILE}::fixed[explore]", "-p", "no:cacheprovider")
    assert failure_of(result) == [message]


def test_what_setup_raises_is_shown_in_the_scenarios_own_lines(project):
    pytester = project(sources.SCENARIO.replace("super().__init__()", "super().__init__(3)"))
    result = pytester.runpytest_inprocess(f"{FILE}::fixed[explore]", "-p", "no:cacheprovider")
    assert failure_of(result) == [
        f"{FILE}:22: in __init__",
        "    super().__init__(3)",
        "E   TypeError: Unsafe.__init__() takes 1 positional argument but 2 were given",
    ]
