"""The catalogue as a site: what is built, what is kept, what is refused, and that nothing in it can run."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from types import SimpleNamespace

import pytest
from click.testing import CliRunner

from lab.charting import chart
from lab.cli import main
from lab.errors import InvalidValue
from lab.graph import Ending, Graph, Move, Node, Standing, State
from lab.program import Program
from lab.sampling import UNENDED
from lab.site import exploring
from lab.site.building import MARKER, build
from lab.site.glossary import WORDS, Linking, words_in
from lab.site.pages import difficulty, side_by_side
from lab.site.playing import document_of, lines_of
from lab.trace import Place, Step

SCENARIOS = Path(__file__).resolve().parent.parent / "scenarios"

HOSTILE = '''
"""Trap: a title with </script><img src=x onerror=alert(1)> & "quotes".

Words such as deadlock & <b>lock</b> stand here.
"""
from lab import Scenario


class Unsafe:
    def __init__(self):
        self.value = "</script><script>alert(1)</script>"

    def add(self):
        value = self.value  # </code></pre><script>alert(2)</script>
        self.value = value + "<b>"


class Fixed(Unsafe):
    def add(self):
        self.value = "<s>"


SCENARIO = Scenario(
    bug_class="<u>atomicity</u>",
    unsafe=Unsafe,
    fixed=Fixed,
    actors={"al<ice>": lambda state: state.add(), "bob": lambda state: state.add()},
    outcome=lambda state: state.value.count("<b>"),
    allowed={2: "<em>good</em>", 0: "fixed"},
    seen_in=("<script>alert(3)</script>",),
)
'''


@pytest.fixture(scope="module")
def catalogue(tmp_path_factory):
    folder = tmp_path_factory.mktemp("catalogue") / "scenarios"
    (folder / "atomicity").mkdir(parents=True)
    shutil.copy(SCENARIOS / "atomicity" / "lost_update.py", folder / "atomicity")
    (folder / "atomicity" / "trap.py").write_text(HOSTILE, encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def site(catalogue, tmp_path_factory):
    folder = tmp_path_factory.mktemp("site") / "out"
    built = build(folder, catalogue)
    assert (built.scenarios, built.gathered, built.broken) == (2, 2, [])
    return folder


def test_every_scenario_has_a_page(site):
    names = {"index.html", "glossary.html", "atomicity-lost_update.html", "atomicity-trap.html"}
    assert {file.name for file in site.iterdir()} == {*names, MARKER}


def test_the_page_tells_what_was_found(site):
    text = (site / "atomicity-lost_update.html").read_text(encoding="utf-8")
    for told in (
        "outcome 1: one increment lost (allowed: 2)",
        "all 2 classes of schedules",
        "par is 4 steps with 2 switches",
        'href="glossary.html#lock"',
        "https://cwe.mitre.org/data/definitions/366.html",
        "A lock around the write only.",
        "alice read counter.value 0",
    ):
        assert told in text


def test_each_failure_has_an_order_beside_it_that_passes(site):
    record = json.loads((site / MARKER / "atomicity-lost_update.json").read_text(encoding="utf-8"))["record"]
    runs = {
        variant["name"]: [
            (run["kind"], run["title"], run["end"]) for run in variant["verdict"]["player"]["document"]["runs"]
        ]
        for variant in record["variants"]
        if variant["verdict"]["player"]
    }
    passes = "outcome 2"
    assert runs == {
        name: [
            ("fails", f"The order that fails ({name})", "outcome 1: one increment lost (allowed: 2)"),
            ("passes", f"An order that passes ({name})", passes),
        ]
        for name in ("unsafe", "still_unsafe")
    }


def test_nothing_that_a_scenario_says_becomes_markup(site):
    for file in site.glob("*.html"):
        text = file.read_text(encoding="utf-8")
        for trap in ("<script>alert", "onerror=alert(1)>", "<b>lock", "<u>atom", "<em>good", "al<ice>", "<s>"):
            assert trap not in text, (file.name, trap)
        assert text.count("<script") == text.count("</script>")


def test_what_has_not_changed_is_kept(site, catalogue):
    before = {file: file.stat().st_mtime_ns for file in site.glob("*.html")}
    built = build(site, catalogue)
    assert (built.scenarios, built.gathered, built.written, built.removed) == (2, 0, 0, 0)
    assert {file: file.stat().st_mtime_ns for file in site.glob("*.html")} == before


def test_what_is_no_more_is_removed_and_what_is_not_the_sites_is_left(site, tmp_path):
    copy = tmp_path / "site"
    shutil.copytree(site, copy)
    (copy / "mine.html").write_text("mine", encoding="utf-8")
    folder = tmp_path / "scenarios" / "atomicity"
    folder.mkdir(parents=True)
    shutil.copy(SCENARIOS / "atomicity" / "lost_update.py", folder)
    # The record is known by the path as well, so this one is gathered anew.
    built = build(copy, folder.parent)
    assert (built.scenarios, built.removed) == (1, 1)
    assert not (copy / "atomicity-trap.html").exists()
    assert (copy / "mine.html").read_text(encoding="utf-8") == "mine"
    assert {file.name for file in (copy / MARKER).iterdir()} == {"atomicity-lost_update.json", "pages.json"}


def test_a_broken_scenario_is_named_and_the_others_are_built(tmp_path, catalogue, site):
    folder, copy = tmp_path / "scenarios", tmp_path / "site"
    (folder / "ordering").mkdir(parents=True)
    (folder / "ordering" / "ends.py").write_text("import os\nos._exit(3)\nSCENARIO = None\n", encoding="utf-8")
    (folder / "ordering" / "raises.py").write_text("SCENARIO = 1 / 0\n", encoding="utf-8")
    result = CliRunner().invoke(main, ["site", str(copy), "--scenarios", str(folder)])
    assert result.exit_code == 2
    errors = [line for line in result.stderr.splitlines() if line.startswith("Error: ")]
    assert sorted(errors) == sorted(
        [
            f"Error: {folder}/ordering/ends.py: the process that explored it ended, or took longer than 120 s",
            f"Error: {folder}/ordering/raises.py:1: cannot be imported: ZeroDivisionError: division by zero",
        ]
    )
    assert result.stdout == f"{copy}/index.html: 2 scenarios, 0 kept as known; 2 pages written, 0 removed\n"
    assert (copy / "index.html").is_file()


def test_a_scenario_that_cannot_run_here_has_a_page_that_says_so(tmp_path):
    folder, made = tmp_path / "scenarios", tmp_path / "site"
    (folder / "atomicity").mkdir(parents=True)
    text = (SCENARIOS / "atomicity" / "lost_update.py").read_text(encoding="utf-8")
    text = text.replace(
        "SCENARIO = Scenario(",
        "def server():\n    raise LabError('no <server>')\n\n\nSCENARIO = Scenario(\n    needs=server,",
    )
    text = text.replace("from lab import Scenario", "from lab import Scenario\nfrom lab.errors import LabError")
    (folder / "atomicity" / "needy.py").write_text(text, encoding="utf-8")
    assert build(made, folder).broken == []
    page = (made / "atomicity-needy.html").read_text(encoding="utf-8")
    assert "This one cannot be played: no &lt;server&gt;." in page
    assert "not run: no &lt;server&gt;" in page
    assert build(made, folder).gathered == 1  # it is tried again


def refused(*arguments):
    result = CliRunner().invoke(main, ["site", *map(str, arguments)])
    assert result.exit_code == 2
    return result.stderr


def test_a_folder_with_something_else_in_it_is_refused(tmp_path, catalogue):
    (tmp_path / "letter.txt").write_text("dear", encoding="utf-8")
    assert refused(tmp_path, "--scenarios", catalogue) == (
        f"Error: {tmp_path}: is not empty and holds no site; give a folder that is new, or empty\n"
    )


def test_a_file_is_refused(tmp_path, catalogue):
    file = tmp_path / "letter.txt"
    file.write_text("dear", encoding="utf-8")
    assert refused(file, "--scenarios", catalogue) == f"Error: {file}: is a file; give a folder for the site\n"


@pytest.mark.skipif(os.geteuid() == 0, reason="root writes anywhere")
def test_a_folder_that_cannot_be_written_is_refused(tmp_path, catalogue):
    tmp_path.chmod(0o500)
    assert refused(tmp_path / "site", "--scenarios", catalogue) == (
        f"Error: {tmp_path / 'site'}: cannot be written (Permission denied); give a folder that can be written to\n"
    )


def test_what_cannot_be_written_below_a_file_is_refused(tmp_path, catalogue):
    (tmp_path / "file").touch()
    place = tmp_path / "file" / "site"
    with pytest.raises(InvalidValue) as caught:
        build(place, catalogue)
    assert str(caught.value) == f"{place}: cannot be written (Not a directory); give a folder that can be written to"


def test_an_unknown_folder_of_scenarios_is_refused_before_anything_is_made(tmp_path):
    nowhere = tmp_path / "none" / "scenarios"
    assert refused(tmp_path / "site", "--scenarios", nowhere) == (
        f"Error: {nowhere}: no such folder; give the one that holds the scenarios with --scenarios\n"
    )
    assert not (tmp_path / "site").exists()


# ------------------------------------------------------------------ its parts


class Box:
    def __init__(self):
        self.value = 0


def add(box):
    box.value += 1


def test_the_document_of_a_graph_says_the_same_as_the_graph():
    graph = chart(Program.of(Box, {"alice": add, "bob": add}, outcome=lambda box: box.value, allowed={2}))
    document = json.loads(json.dumps(document_of(graph, __file__)))
    assert len(document["nodes"]) == len(graph.nodes)
    assert document["actors"] == ["alice", "bob"]
    for (_, moves, ending), node in zip(document["nodes"], graph.nodes, strict=True):
        told = {(document["actors"][document["labels"][label][0]], to) for label, _, to in moves}
        assert told == {(move.actor, move.to) for move in node.moves}
        assert (ending is None) == (node.ending is None)
    assert lines_of(document) == [add.__code__.co_firstlineno + 1]


def test_what_cannot_be_printed_is_spelt_out_in_a_document():
    place = Place("other.py", "f", 1, "item", 7)
    step = Step("al\u202eice", place, "writes", "x\x1b[31m", "y" * 400)
    nodes = [
        Node(State((Standing("al\u202eice", "ready"),)), [Move("al\u202eice", "", (step,), 1)]),
        Node(State((Standing("al\u202eice", "ended"),)), ending=Ending("check", "bad\nline")),
    ]
    document = document_of(Graph(nodes), "here.py")
    assert document["actors"] == ["al\\u202eice"]
    (row,) = document["steps"]
    assert row[1] == 0
    assert row[2].startswith("writes x\\x1b[31m yyy")
    assert len(row[2]) == 200
    assert document["nodes"][1][2] == ["check", "bad\\nline"]


def test_words_are_linked_once_a_page_and_not_inside_code():
    link = Linking()
    assert str(link("A deadlock <is> a deadlock; `lock` is code, unblocked is none.")) == (
        'A <a class="word" href="glossary.html#deadlock">deadlock</a> &lt;is&gt; a deadlock; '
        "<code>lock</code> is code, unblocked is none."
    )
    assert str(link("Another deadlock, and a `")) == "Another deadlock, and a `"
    assert words_in("Locks, notify_all and lost updates") == {"lock", "notification", "lost update"}


def test_words_are_told_once_and_in_order():
    names = [word.name for word in WORDS]
    assert names == sorted(set(names))


@pytest.mark.parametrize(
    ("must_fail", "worked", "reason", "budgets"),
    [
        (False, 3.0, "no failure in 9 schedules when the time was up", [3.0]),
        (False, 3.0, UNENDED, [3.0]),
        (False, 1.0, "no failure in 9 schedules when the time was up", [3.0, 9.0]),
        (False, 0.1, "no failure in 9 schedules when the time was up", [3.0, 12.0]),
        (False, 0.1, "no failure in 1,500 schedules", [3.0]),
        (True, 3.0, "no failure in 9 schedules when the time was up", [3.0, 12.0]),
    ],
)
def test_a_busy_machine_explores_longer(monkeypatch, must_fail, worked, reason, budgets):
    """The processor had ``worked`` seconds of 3 real ones; and where a failure is promised it is looked for longer."""
    asked, real, processor = [], [0.0], [0.0]
    verdict = SimpleNamespace(status="unknown", reason=reason, witness=None)

    def explored(entry, variant, seconds):
        asked.append(seconds)
        real[0] += seconds
        processor[0] += worked * seconds / 3.0
        return verdict

    monkeypatch.setattr(exploring, "_explored", explored)
    monkeypatch.setattr(exploring, "now", lambda: real[0])
    monkeypatch.setattr(exploring, "spent", lambda: processor[0])
    assert exploring.explored(None, SimpleNamespace(must_fail=must_fail)) is verdict
    assert asked == budgets


def test_a_comparison_has_each_line_of_both_sides_once():
    rows = side_by_side("class A:\n    x = 1\n    y = 2\n", "class A:\n    y = 2\n    z = '<b>'\n")
    assert [kind for kind, _, _ in rows] == ["same", "removed", "same", "added"]
    assert "&lt;b&gt;" in rows[-1][2]


def test_difficulty_grows_with_all_that_makes_a_bug_hard_to_see():
    easy = difficulty(4, 2, 2, 0.5)
    assert all(
        difficulty(*harder) > easy for harder in [(40, 2, 2, 0.5), (4, 6, 2, 0.5), (4, 2, 200, 0.5), (4, 2, 2, 0.0)]
    )
