"""What a person sees and types; the facts are known, so nothing is run."""

import json
import re

import pytest

from lab.training.exam import Exam
from lab.training.paper import Paper
from lab.training.questions import KINDS
from lab.training.repairs import question
from lab.training.terminal import Session


@pytest.fixture
def pose(studies, subject, history, typed, tmp_path):
    """Pose questions of these kinds to somebody who types these lines; what was shown, and the session."""

    def pose(kinds, *lines, seed=1, width=80, **options):
        dialogue = typed(*lines, width=width)
        session = Session(dialogue, history, tmp_path / "work", **options)
        session.run([question(kind, studies, subject, seed) for kind in kinds.split()])
        return dialogue.shown(), session

    return pose


def test_a_first_exercise(pose, history):
    shown, session = pose("spot", "13 14", "lost update")
    assert "lines> 13 14" in shown
    assert "\nRight.\n" in shown
    assert "\ncounter   10 points   again in 1 day\n" in shown
    assert shown.endswith("This time: 1 of 1 right, 10 points. In all: 1 of 1 right, 10 points.")
    assert session.all_right
    assert history.score() == (1, 1, 10)


def test_the_name_of_the_exercise_is_not_told_before_the_answer(pose):
    shown, _ = pose("spot", "13 14", "lost update")
    assert "counter" not in shown.partition("lines>")[0].lower().replace("class counter", "")
    assert "atomicity" not in shown.partition("bug>")[0]


def test_what_cannot_be_read_is_told_and_asked_again(pose):
    shown, _ = pose("spot", "", "99", "13 14", "9", "lost update")
    assert "line '99': is not shown; give one or two of the numbers in front of the code" in shown.replace("\n", " ")
    assert "'9': give a number from 1 to 4" in shown
    assert "Right." in shown


def test_hints_come_in_steps_and_cost(pose, history):
    shown, _ = pose("spot", "h", "h", "h", "h", "13 14", "lost update")
    told = ["What comes between?", "Look at both lines.", "One of the lines is 13.", "There is no further hint"]
    assert sorted(map(shown.index, told)) == list(map(shown.index, told))
    assert history.score() == (1, 1, 1)


def test_help_tells_how_to_answer_and_costs_nothing(pose, history):
    shown, _ = pose("spot", "?", "13 14", "help", "lost update", width=120)
    for told in (
        "Type one or two of the numbers in front of the code, such as 30 31; their order does not matter.",
        "Type the number in front of a name, or the name.",
        "h gives a hint, which costs points; s shows the solution, and then there are none; q ends the training.",
    ):
        assert told in shown
    assert history.score() == (1, 1, 10)


@pytest.mark.parametrize("kind", KINDS)
def test_there_is_help_at_each_first_prompt(pose, kind):
    shown, _ = pose(kind, "?", "q", width=120)
    assert re.search(r"> \?\n    (Type|Press) ", shown)


def test_the_solution_is_shown_and_nothing_earned(pose, history):
    shown, _ = pose("spot", "s")
    assert "Lines whose order decides: 13 and 14, or 14 alone." in shown
    assert "Shortest schedule: alice bob*2 alice" in shown
    assert history.score() == (1, 0, 0)


@pytest.mark.parametrize("lines", [[], ["q"], ["h"], ["13 14"]])
def test_the_end_of_the_input_is_a_polite_end(pose, history, lines):
    shown, _ = pose("spot", *lines)
    assert shown.endswith("This time: 0 of 0 right, 0 points. In all: 0 of 0 right, 0 points.")


def test_a_review_shows_the_change(pose):
    shown, _ = pose("review", "1", seed=2)
    assert "+still()" in shown or "+fixed()" in shown
    assert "1  approve" in shown
    assert "2  reject: " in shown


def test_instructors_see_the_answers(pose):
    shown, _ = pose("spot", "q", answers=True)
    assert "Lines whose order decides: 13 and 14, or 14 alone." in shown


@pytest.mark.parametrize("width", [60, 80, 120, 200])
def test_no_line_is_wider_than_the_terminal(pose, studies, width):
    studies.described["code"]["unsafe"] = [(number, "x = " + "very_" * 40 + "long") for number in (13, 14)]
    shown, _ = pose("spot review", "h", "h", "13 14", "lost update", "1", width=width)
    assert max(map(len, shown.splitlines())) <= width


def test_a_line_of_thousands_of_columns_does_not_fill_the_terminal(pose, studies):
    lines = [(number, "x = " + "y" * 9_000) for number in (13, 14)]
    studies.described["code"].update(dict.fromkeys(("unsafe", "fixed", "still_unsafe"), lines))
    for kind in ("spot", "review"):
        assert len(pose(kind, "q")[0].splitlines()) < 50


def test_nothing_steers_the_terminal(pose, studies):
    studies.described["code"]["unsafe"] = [(13, "a = '\x1b[2J'"), (14, "b = '\u202e'")]
    shown, _ = pose("spot", "13 14", "\x1b[2J", "lost update")
    assert "\x1b" not in shown
    assert "\u202e" not in shown
    assert "a = '\\x1b[2J'" in shown


def test_an_exam_writes_its_result(studies, subject, history, typed, tmp_path):
    questions = [question(kind, studies, subject, 3) for kind in ("spot", "review")]
    dialogue = typed("h", "14, 13", "lost update", "1", width=400)
    result = tmp_path / "out" / "exam.json"
    Exam(dialogue, history, tmp_path / "work", Paper(history, result, 3, questions)).sit()
    told = json.loads(result.read_text())
    assert (told["finished"], told["seed"], told["most points"]) == (True, 3, 20)
    assert [(one["subject"], one["kind"], one["answer"]) for one in told["answers"]] == [
        ("counter", "spot", ["13 14", "lost update"]),
        ("counter", "review", ["approve"]),
    ]
    shown = dialogue.shown()
    assert "Right." not in shown  # nor any hint
    assert "What comes between?" not in shown
    assert f"The result is in {result}." in shown


def test_an_exam_that_is_left_keeps_what_was_answered(studies, subject, history, typed, tmp_path):
    questions = [question(kind, studies, subject, 3) for kind in ("spot", "review")]
    paper = Paper(history, tmp_path / "exam.json", 3, questions)
    Exam(typed("13 14", "lost update"), history, tmp_path, paper).sit()
    told = json.loads((tmp_path / "exam.json").read_text())
    assert (told["finished"], len(told["asked"]), len(told["answers"])) == (False, 2, 1)


def test_a_patch_that_cannot_be_read(pose, studies, subject, tmp_path):
    (tmp_path / "latin.py").write_bytes(b"x = '\xe9'\n")
    shown, _ = pose("fix", str(tmp_path / "none.py"), str(tmp_path / "latin.py"), width=200)
    assert f"patch {tmp_path / 'none.py'}: no such file; give the Python file that you edited" in shown.replace(
        "\n", " "
    )
    assert f"patch {tmp_path / 'latin.py'}: not UTF-8 text; save it as UTF-8" in shown.replace("\n", " ")
    assert (tmp_path / "work" / f"{subject.slug}.py").read_text() == studies.described["editable"]["unsafe"]


def test_a_progress_file_that_was_set_aside_is_told(pose, history):
    history.told = "progress.sqlite3: cannot be read"
    assert pose("spot")[0].startswith("progress.sqlite3: cannot be read")


def test_a_wrapped_line_of_a_change_stays_behind_its_sign(typed):
    dialogue = typed(width=60)
    dialogue.diff(["-x = " + "a " * 60, "+y"])
    first, second, *_, last = dialogue.shown().splitlines()
    assert first.startswith("    -x = a a")
    assert second.startswith("     a a")
    assert last == "    +y"
