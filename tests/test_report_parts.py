"""The parts of a report: columns, labels, the summary below a test run, width and colours."""

import io
import re

import pytest
import report_programs as programs
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rich.console import Console

from lab import keeping
from lab.report.columns import trace_lines
from lab.report.console import styled
from lab.report.labels import Labels
from lab.report.summary import replays, summary
from lab.report.text import render
from lab.trace import Place, Step
from lab.verdict import Verdict

# ------------------------------------------------------------------ columns


def traced(actors, width, count=6, files=("/w/a.py",), **fields):
    steps = [
        Step(
            actors[number % len(actors)], Place(files[number % len(files)], "f", 0, "x", 10 + number), "reads", "x", "0"
        )
        for number in range(count)
    ]
    whats = [fields.get("what", step.what) for step in steps]
    return trace_lines(steps, {actor: actor for actor in actors}, whats, width)


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(
    st.lists(st.text("abcdefgh", min_size=1, max_size=14), min_size=1, max_size=9, unique=True),
    st.integers(60, 140),
    st.integers(1, 100),
    st.sampled_from(["reads x", "calls shelf.loaves.append('a loaf of rye bread', 17)", "w " * 60]),
)
def test_no_line_is_wider_than_the_page_if_there_is_any_way(actors, width, count, what):
    lines = traced(actors, width, count, what=what)
    names = sum(len(actor) + 2 for actor in actors[:count])
    if names + 24 + 10 <= width:
        assert max(map(len, lines)) <= width
    numbers = [int(line[:4]) for line in lines if line[:4].strip().isdigit() and line[4:6] == "  "]
    assert numbers == sorted(numbers)
    assert numbers[0] == 1
    assert numbers[-1] == count
    left_out = [int(found[1]) for line in lines if (found := re.match(r" {6}\.\.\. (\d+) steps? left out", line))]
    assert len(numbers) + sum(left_out) == count


@pytest.mark.parametrize(
    ("times", "critical", "numbers"), [(2, (), [1, 2, 3]), (5, (), [1, 6]), (5, (2,), [1, 2, 3, 4, 5, 6])]
)
def test_what_is_done_again_and_again_stands_in_one_line(times, critical, numbers):
    asks, last = Place("/w/a.py", "f", 0, "x", 1), Place("/w/a.py", "f", 1, "y", 2)
    steps = [*[Step("a", asks, "reads", "x", "0")] * times, Step("a", last, "reads", "y", "0")]
    lines = trace_lines(steps, {"a": "a"}, [step.what for step in steps], 120, critical)
    assert [int(line[:4]) for line in lines[1:]] == numbers
    assert ("reads x 0, 5 times" in lines[1]) == (len(numbers) == 2)


def test_a_step_begins_where_its_actor_s_column_does():
    lines = traced(["alice", "bob"], 120)
    assert lines[0].index("bob") == lines[3].index("reads")
    assert lines[0].index("alice") == lines[1].index("reads")
    assert lines[2] == "      ---- switch ----->"
    assert lines[4] == "      <---- switch -----"


def test_a_very_long_name_leaves_room_for_the_steps():
    lines = traced(["a" * 80, "bob"], 120)
    assert lines[0].split() == ["a" * 21 + "...", "bob", "a.py"] or lines[0].split() == ["a" * 21 + "...", "bob"]
    assert max(map(len, lines)) <= 120


def test_a_file_that_was_edited_is_read_again(tmp_path):
    file = tmp_path / "a.py"
    file.write_text("x = 1\n")
    steps = [Step("alice", Place(str(file), "f", 0, "x", 1), "reads", "x", None)]
    assert trace_lines(steps, {"alice": "alice"}, ["reads x"], 120)[1].endswith("1  x = 1")
    file.write_text("y = 22\n")
    assert trace_lines(steps, {"alice": "alice"}, ["reads x"], 120)[1].endswith("1  y = 22")


def test_several_files_are_told_at_each_step():
    lines = traced(["alice"], 120, 2, ["/w/a.py", "/w/longer.py"])
    assert lines == [
        "      alice",
        "   1  reads x 0         a.py:10",
        "   2  reads x 0         longer.py:11",
    ]


def test_critical_steps_of_a_long_trace_are_shown():
    steps = [Step("alice", Place("/w/a.py", "f", 0, "x", 1), "reads", f"x{number}", None) for number in range(100)]
    lines = trace_lines(steps, {"alice": "alice"}, [step.what for step in steps], 120, critical=(50, 51))
    assert [line for line in lines if "left out" in line or "x50" in line or "x51" in line] == [
        "      ... 38 steps left out ...",
        "  51* reads x50         1",
        "  52* reads x51         1",
        "      ... 28 steps left out ...",
    ]


# ------------------------------------------------------------------ the labels


def test_unnamed_threads_get_labels_that_do_not_change():
    def told(first):
        names = [
            f"Thread-{first} (work)",
            f"Thread-{first + 1} (work)",
            f"Thread-{first + 2} (sweep)",
            f"Thread-{first + 3}",
        ]
        pool = [f"ThreadPoolExecutor-{first}_0", f"ThreadPoolExecutor-{first}_1"]
        labels = Labels(["alice", *names, *pool])
        return [labels.told(name) for name in ["alice", *names, *pool, "Thread-9999 (unknown)", "my Thread"]]

    assert told(1) == told(117)
    assert told(1) == [
        "alice",
        "work 1",
        "work 2",
        "sweep",
        "thread",
        "worker 1",
        "worker 2",
        "Thread-9999 (unknown)",
        "my Thread",
    ]
    assert Labels(["Thread-1 (work) waits for Thread-10 (work)"]).told("Thread-10 (work), Thread-1 (work)") == (
        "work 2, work 1"
    )


# ------------------------------------------------------------------ below a test run


def test_the_summary_has_a_row_for_each_variant():
    rows = [
        ("scenarios/atomicity/lost_update.py::unsafe[explore]", "fails: outcome 1"),
        ("scenarios/atomicity/lost_update.py::unsafe[hammer]", "1 of 2 rounds failed"),
        ("scenarios/atomicity/lost_update.py::fixed[hammer]", "0 of 2 rounds failed"),
        ("mine/scenarios/x.py::fixed[explore]", "holds"),
    ]
    assert summary(rows) == [
        "atomicity/lost_update unsafe  explore  fails: outcome 1",
        "                              hammer   1 of 2 rounds failed",
        "atomicity/lost_update fixed   hammer   0 of 2 rounds failed",
        "x fixed                       explore  holds",
    ]
    assert summary([]) == []


def test_what_became_of_replays():
    assert replays([], "tests/a.py::b", "w.json") == [
        "witness w.json: was replayed by none of these tests; it was recorded for tests/a.py::b"
    ]
    assert replays([], "", "w.json") == ["witness w.json: was replayed by none of these tests"]
    assert replays([(False, "one\ntwo"), (True, "shown"), (False, "three")], "", "w.json") == [
        "one",
        "two",
        "",
        "three",
    ]
    assert replays([(True, "shown")], "", "w.json") == []


# ------------------------------------------------------------------ width and colours


@pytest.mark.parametrize(("columns", "widest"), [("200", 120), ("100", 100), ("20", 60)])
def test_the_page_is_as_wide_as_the_terminal_up_to_120(monkeypatch, columns, widest):
    monkeypatch.setenv("COLUMNS", columns)
    session = keeping.Session()
    keeping.begin(session)
    try:
        verdict = Verdict("unknown", "why " * 100)
        widths = [len(line) for line in str(verdict).splitlines()]
        assert widest - 5 < max(widths) <= widest
        session.width = 90
        assert 85 < max(len(line) for line in str(verdict).splitlines()) <= 90
    finally:
        keeping.end(session)


def test_an_assertion_leaves_room_for_pytest_s_margin(monkeypatch):
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.setattr(keeping, "_SESSIONS", [])
    with pytest.raises(AssertionError) as caught:
        Verdict("unknown", "why " * 100).assert_holds()
    first, _, *report = str(caught.value).splitlines()
    assert first == "unknown: " + "why " * 26 + "why..., 1 ms"  # the summary cuts it off where it must
    assert 87 < max(map(len, report)) <= 92


def printed(report, **options):
    file = io.StringIO()
    Console(file=file, soft_wrap=True, highlight=False, width=200, **options).print(styled(report))
    return file.getvalue()


def test_colours_change_no_character(explored):
    reports = [
        str(
            explored("colour", programs.Counter, [programs.add_one] * 2, orders=["alice bob bob alice"], **programs.TWO)
        ),
        str(explored("colour", programs.Counter, [programs.add_one] * 2, **programs.TWO)),
        str(Verdict("holds", "[bold]not markup[/bold] :smile:")),
        "",
        "one\n\n  two  \n",
    ]
    for report in reports:
        assert styled(report).plain == report
        assert printed(report) == report + "\n"
        coloured = printed(report, force_terminal=True, color_system="standard")
        assert re.sub(r"\x1b\[[0-9;]*m", "", coloured) == report + "\n"
        assert printed(report, no_color=True) == report + "\n"


def test_what_matters_has_a_colour(explored):
    verdict = explored(
        "colour", programs.Counter, [programs.add_one] * 2, orders=["", "alice bob bob alice"], **programs.TWO
    )
    text = styled(render(verdict, 120))
    spans = {(text.plain[span.start : span.end].strip(), str(span.style)) for span in text.spans}
    assert spans == {
        ("FAILS", "bold red"),
        ("------- switch -------->", "yellow"),
        ("<------- switch --------", "yellow"),
        ("forbidden", "red"),
        ("outcomes", "bold"),
        ("found", "bold"),
        ("here", "bold"),
        ("replay", "bold"),
    }
    assert [str(span.style) for span in styled("HOLDS  a\n\nUNKNOWN  b").spans] == ["bold green", "bold yellow"]
