"""Every scenario of the repository reads as the others do, keeps its promises, and stands in the table."""

import ast
import re
from collections import Counter
from pathlib import Path

import plugin_sources as sources
import pytest

import lab
from lab import catalogue, explorer, keeping
from lab.catalogue import chosen_variants, entries, find, load, run_explore, run_hammer, scenario_of_witness
from lab.errors import InvalidValue, LabError
from lab.report.markdown import catalogue_page
from lab.scenario import story
from lab.verdict import Verdict

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "scenarios"
FILES = sorted(path for path in FOLDER.rglob("*.py") if "__pycache__" not in path.parts and path.stem[0] != "_")
EACH = pytest.mark.parametrize("path", [pytest.param(path, id=f"{path.parent.name}/{path.stem}") for path in FILES])


# ------------------------------------------------------------------ the repository's own


def test_every_file_is_found():
    assert [entry.path for entry in entries(FOLDER)] == FILES
    assert len(FILES) >= 10


def test_no_two_scenarios_have_one_name_or_title():
    titles = Counter(entry.title for entry in entries(FOLDER))
    names = Counter(entry.name for entry in entries(FOLDER))
    assert [one for one, count in (titles + names).items() if count > 1] == []


@EACH
def test_the_story_comes_first(path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    assert isinstance(tree.body[0], ast.Expr), "begin with the story, a docstring"
    title, text = story(load(path).module)
    assert re.fullmatch(r"[A-Z][^:]+: \S.*[^.]\.", title), f"{title!r}: write 'Name of the bug: what happens.'"
    assert len(title) <= 100
    assert len(text.splitlines()) >= 8, "tell an example, step by step"
    assert "\n    " in text, "show the bad interleaving, indented"
    assert text.isascii() or "—" not in text


@EACH
def test_the_plain_python_comes_before_the_lab(path):
    source = path.read_text(encoding="utf-8")
    tree = ast.parse(source)
    assert isinstance(tree.body[-1], ast.Assign)
    assert ast.unparse(tree.body[-1].targets[0]) == "SCENARIO"
    imported = {
        alias.name
        for node in tree.body
        if isinstance(node, ast.ImportFrom) and node.module == "lab"
        for alias in node.names
    }
    assert imported == {"Scenario"}
    used = [node.lineno for node in ast.walk(tree) if isinstance(node, ast.Name) and node.id == "Scenario"]
    assert used == [tree.body[-1].lineno]
    assert max(map(len, source.splitlines())) <= 120
    assert len(source.splitlines()) <= 160


@EACH
def test_a_reviewer_is_told_what_to_look_for(path):
    scenario = load(path).scenario
    assert scenario.hint.endswith("?"), "the hint is a question"
    assert scenario.review, "add review=, what a reviewer should look for"
    assert all(line.endswith(".") for line in scenario.review)
    assert scenario.seen_in, "add seen_in=, where this happened"
    assert scenario.cwe, "add cwe="
    assert len(set(scenario.cwe)) == len(scenario.cwe)
    assert scenario.still_unsafe is not None or len(scenario.every_variant()) > 2, "add a popular wrong fix"


@EACH
def test_right_and_wrong_are_described(path):
    scenario = load(path).scenario
    assert scenario.allowed, "describe the outcomes that are right"
    assert scenario.forbidden or scenario.symptoms, "describe how it goes wrong"
    told = [*scenario.allowed.values(), *scenario.forbidden.values(), *scenario.symptoms.values()]
    assert all(text.strip() == text and text and not text.endswith(".") for text in told)
    names = scenario.actors if isinstance(scenario.actors, dict) else {}
    assert list(names)[:2] == ["alice", "bob"] or not names


def test_the_table_is_current():
    page = FOLDER / "README.md"
    expected = catalogue_page(entries(FOLDER))
    assert page.exists(), "write it: lab list --markdown > scenarios/README.md"
    assert page.read_text(encoding="utf-8") == expected, "out of date: lab list --markdown > scenarios/README.md"
    for target in re.findall(r"\]\(([^)]+\.py)\)", expected):
        assert (FOLDER / target).is_file()


# ------------------------------------------------------------------ finding one


@pytest.fixture
def folder(tmp_path):
    for file in ("atomicity/lost_update.py", "atomicity/twin.py", "ordering/twin.py"):
        path = tmp_path / "scenarios" / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(sources.SCENARIO)
    return tmp_path / "scenarios"


def test_a_scenario_is_found_by_name_by_family_and_name_and_by_path(folder):
    path = folder / "atomicity" / "lost_update.py"
    for name in ("lost_update", "atomicity/lost_update", str(path)):
        entry = find(folder, name)
        assert (entry.path, entry.name, entry.family) == (path, "lost_update", "atomicity")
    assert find(folder, "lost_update").title == "Lost update: two threads each add one, and the counter says one."


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("lost_updat", "scenario 'lost_updat': not in {folder}; did you mean lost_update?"),
        ("zzz", "scenario 'zzz': not in {folder}; lab list shows them all"),
        ("twin", "scenario 'twin': there are atomicity/twin and ordering/twin; name the family, too"),
        ("none.py", "scenario 'none.py': not in {folder}; lab list shows them all"),
    ],
)
def test_a_scenario_that_is_not_found(folder, name, message):
    with pytest.raises(InvalidValue) as caught:
        find(folder, name)
    assert str(caught.value) == message.format(folder=folder)


def test_a_broken_scenario_is_in_the_way_of_itself_only(folder):
    (folder / "atomicity" / "twin.py").write_text("SCENARIO = 1 / 0\n")
    assert find(folder, "lost_update")
    with pytest.raises(LabError) as caught:
        find(folder, "atomicity/twin")
    assert str(caught.value) == (
        f"{folder}/atomicity/twin.py:1: cannot be imported: ZeroDivisionError: division by zero"
    )


def test_folders_that_cannot_be_used(tmp_path):
    with pytest.raises(InvalidValue) as caught:
        find(tmp_path / "scenarios", "x")
    assert str(caught.value) == (
        f"{tmp_path}/scenarios: no such folder; give the one that holds the scenarios with --scenarios"
    )
    (tmp_path / "bugs").mkdir()
    with pytest.raises(InvalidValue) as caught:
        list(entries(tmp_path / "bugs"))
    assert str(caught.value) == (
        f"{tmp_path}/bugs: pytest finds scenarios only below a folder named scenarios; rename it"
    )


def test_a_file_without_a_scenario(tmp_path):
    path = tmp_path / "empty.py"
    path.write_text("")
    with pytest.raises(InvalidValue) as caught:
        load(path)
    assert str(caught.value) == f"{path}: no scenario; write SCENARIO = Scenario(...)"


def test_an_error_in_an_imported_module_is_told_at_the_import(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "helper_with_a_mistake.py").write_text("\n\n\nx = (\n")
    path = tmp_path / "scenarios" / "x.py"
    path.parent.mkdir()
    path.write_text("\nimport helper_with_a_mistake\nSCENARIO = 1\n")
    with pytest.raises(LabError) as caught:
        load(path)
    assert str(caught.value) == f"{path}:2: cannot be imported: SyntaxError: '(' was never closed"


def test_a_ctrl_c_during_an_import_is_passed_on(tmp_path):
    path = tmp_path / "scenarios" / "x.py"
    path.parent.mkdir()
    path.write_text("raise KeyboardInterrupt\n")
    with pytest.raises(KeyboardInterrupt):
        load(path)


def test_a_variant_that_is_not_found(folder):
    entry = find(folder, "lost_update")
    assert [variant.name for variant in chosen_variants(entry, None)] == ["unsafe", "fixed"]
    assert [variant.name for variant in chosen_variants(entry, "fixed")] == ["fixed"]
    with pytest.raises(InvalidValue) as caught:
        chosen_variants(entry, "fixd")
    assert str(caught.value) == "variant 'fixd': not in lost_update; did you mean fixed?"
    with pytest.raises(InvalidValue) as caught:
        chosen_variants(entry, "other")
    assert str(caught.value) == "variant 'other': not in lost_update; choose one of unsafe, fixed"


# ------------------------------------------------------------------ promises


@pytest.fixture
def session(folder):
    session = keeping.Session(root=folder.parent, home=folder.parent, schedules=40)
    keeping.begin(session)
    yield session
    keeping.end(session)


def complaint(monkeypatch, entry, name, verdict, method="explore"):
    """What is wrong with ``verdict`` for the variant of that name."""
    owner = explorer if method == "explore" else lab
    monkeypatch.setattr(owner, method, lambda *_, **__: verdict)
    run = run_explore if method == "explore" else run_hammer
    result = run(entry, chosen_variants(entry, name)[0])
    assert result.verdict is verdict
    assert result.report.endswith(str(verdict))
    first = result.report.partition("\n")[0]
    return "" if result.passed else first


@pytest.mark.usefixtures("session")
def test_what_each_variant_promises(folder, monkeypatch):
    entry = find(folder, "lost_update")
    unknown = Verdict("unknown", "no failure in 40 schedules")
    assert complaint(monkeypatch, entry, "fixed", unknown) == ""
    assert complaint(monkeypatch, entry, "fixed", Verdict("holds", "2 of 2 classes")) == ""
    assert complaint(monkeypatch, entry, "unsafe", Verdict("holds", "2 of 2 classes")) == (
        "unsafe: it must fail, but every schedule was covered and none fails: the variant is not unsafe"
    )
    escaped = Verdict("unknown", "no failure in 40 schedules", uncontrolled=("os.fork() in child.py:3",))
    assert complaint(monkeypatch, entry, "fixed", escaped) == (
        "fixed: something escaped control, so it may fail in a way that was not tried"
    )


@pytest.mark.usefixtures("session")
def test_what_hammering_promises(folder, monkeypatch):
    entry = find(folder, "lost_update")

    def hammered(status, overlap):
        return Verdict(status, "some rounds", method="hammer", schedules=10, overlap=overlap)

    for name, status, overlap, wrong in (
        ("unsafe", "unknown", 0.0, ""),  # a rate of 0 is reported, not held against it
        ("unsafe", "fails", 0.5, ""),
        ("fixed", "unknown", 0.5, ""),
        ("fixed", "fails", 0.5, "fixed: it must not fail"),
        ("fixed", "unknown", 0.0, "fixed: nothing overlapped, so nothing was tested"),
    ):
        verdict = hammered(status, overlap)
        assert complaint(monkeypatch, entry, name, verdict, "hammer") == wrong


@pytest.mark.usefixtures("session")
def test_on_a_slow_machine_a_variant_is_hammered_for_longer(folder, monkeypatch):
    entry = find(folder, "lost_update")
    variant = chosen_variants(entry, "fixed")[0]
    asked = []

    def hammered(*_, seconds, **__):
        asked.append(seconds)
        return Verdict("unknown", "a round", method="hammer", schedules=1, overlap=float(len(asked) > 1))

    monkeypatch.setattr(lab, "hammer", hammered)
    assert run_hammer(entry, variant).passed
    assert asked == [catalogue.HAMMER_SECONDS, 3.0]
    asked.clear()
    assert not run_hammer(entry, variant, seconds=0.2).passed  # who says how long is not asked for patience
    assert asked == [0.2]


@pytest.mark.usefixtures("session")
def test_a_witness_has_to_fail_again(folder, monkeypatch):
    entry = find(folder, "lost_update")
    stale = Verdict("unknown", "stale: diverged at step 1")
    monkeypatch.setattr(catalogue, "replay_scenario", lambda *_: stale)
    result = run_explore(entry, chosen_variants(entry, "unsafe")[0])
    assert not result.passed
    assert result.report.startswith(
        "unsafe: its witness does not fail again when it is replayed: stale: diverged at step 1\n\nFAILS  scenarios/"
    )


def test_the_scenario_of_a_witness(folder, session):
    entry = find(folder, "lost_update")
    witness = run_explore(entry, chosen_variants(entry, "unsafe")[0]).verdict.witness
    assert scenario_of_witness(witness, folder.parent) is None  # it has no target: no session said where to keep it
    session.folder = folder.parent / ".lab"
    witness = run_explore(entry, chosen_variants(entry, "unsafe")[0]).verdict.witness
    assert witness.target == "scenarios/atomicity/lost_update.py::unsafe"
    again, variant = scenario_of_witness(witness, folder.parent)
    assert (again.path, variant.name) == (entry.path, "unsafe")
    assert scenario_of_witness(witness, folder) is None


# ------------------------------------------------------------------ the page


def test_the_page_has_a_table_for_each_family(folder):
    (folder / "ordering" / "twin.py").write_text(sources.SCENARIO.replace('"atomicity violation"', '"a | b"'))
    page = catalogue_page(entries(folder))
    assert page.startswith("# Scenarios\n")
    assert [line for line in page.splitlines() if line.startswith("## ")] == ["## atomicity", "## ordering"]
    assert page.splitlines()[-1] == (
        "| [twin](ordering/twin.py) | a \\| b | [366](https://cwe.mitre.org/data/definitions/366.html), "
        "[362](https://cwe.mitre.org/data/definitions/362.html) | unsafe, fixed | "
        "Lost update: two threads each add one, and the counter says one. |"
    )
