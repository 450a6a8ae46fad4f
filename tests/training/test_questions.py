"""How answers are judged: by the facts, and by nothing else."""

import time
from pathlib import Path

import pytest

import lab
from lab.errors import InvalidValue
from lab.training.bug_classes import CHOICES, MEANINGS, accepted
from lab.training.course import Course, drawn, points
from lab.training.questions import APPROVE, KINDS, lines_told, read_lines
from lab.training.repairs import question
from lab.training.studies import Description, Facts
from lab.training.subject import Subject

from .conftest import DESCRIPTION, FACTS, LINES


@pytest.fixture
def ask(studies, subject):
    return lambda kind, seed=1: question(kind, studies, subject, seed)


@pytest.mark.parametrize(
    ("lines", "name", "share", "headline"),
    [
        ({13, 14}, "lost update", 1.0, "Right."),
        ({14, 13}, "torn pair", 1.0, "Right."),  # another witness's pattern
        ({14}, "lost update", 1.0, "Right."),
        ({13, 14}, "stale read", 0.6, "The lines are right, the name is not."),
        ({12, 14}, "lost update", 0.4, "The name is right, the lines are not."),
        ({13}, "stale read", 0.0, "Not yet."),
    ],
)
def test_spot(ask, lines, name, share, headline):
    judged = ask("spot").judge(lines, name)
    assert (judged.share, judged.headline) == (share, headline)
    assert judged.is_right == (share == 1.0)


def test_spot_tells_who_is_near_and_what_would_be_right(ask):
    told = ask("spot").judge({12, 14}, "stale read").lines
    assert told == (
        "One of your lines is right, but not both.",
        "Lines whose order decides: 13 and 14, or 14 alone.",
        "It is a lost update: two read the same value, and one write covers the other.",
        FACTS["story"],
    )


def test_an_answer_is_judged_at_once(ask):
    posed = ask("spot")
    began = time.perf_counter()
    for _ in range(100):
        posed.judge({13, 14}, "lost update")
    assert (time.perf_counter() - began) / 100 < 0.1


def test_one_choice_is_right_and_the_others_are_not(ask):
    for seed in range(50):
        chosen = ask("spot", seed).choices
        assert len(set(chosen)) == CHOICES
        assert [name for name in chosen if name in ("lost update", "torn pair")] == ["lost update"]
    assert len({tuple(ask("spot", seed).choices) for seed in range(50)}) > 10
    assert ask("spot", 7).choices == ask("spot", 7).choices


def test_lines_alone_count_where_nobody_names_the_bug(ask, studies):
    studies.facts_are("unsafe", pattern="", patterns=[], failure={"kind": "check", "message": "no"})
    studies.described["bug_class"] = ""
    posed = ask("spot")
    assert posed.choices == []
    assert posed.judge({13, 14}, "").share == 1.0
    assert posed.judge({12}, "").share == 0.0


@pytest.mark.parametrize(
    ("facts", "names"),
    [
        ({}, ["lost update", "torn pair"]),
        ({"pattern": "", "patterns": [], "failure": {"kind": "deadlock", "message": ""}}, ["deadlock"]),
        ({"pattern": "", "patterns": []}, ["atomicity violation"]),
    ],
)
def test_names_that_are_right(facts, names):
    assert accepted(Facts(**{**FACTS, **facts}), Description(**DESCRIPTION)) == names


def test_names_are_the_engines_own():
    code = [*Path(lab.__file__).parent.glob("detectors/*.py"), Path(lab.__file__).parent / "deciding.py"]
    text = "".join(path.read_text(encoding="utf-8") for path in code)
    assert [name for name in MEANINGS if f'{name}"' not in text] == []


# ------------------------------------------------------------------ review


def claiming(ask, claim):
    return next(one for one in (ask("review", seed) for seed in range(50)) if one.claim == claim)


def test_a_change_that_still_fails_is_to_be_rejected_for_the_right_reason(ask):
    posed = claiming(ask, "still_unsafe")
    assert posed.judge(APPROVE).share == 0.0
    assert posed.judge(APPROVE).headline == "It must not be approved: it still fails."
    assert posed.judge("stale read").share == 0.5
    right = posed.judge("lost update")
    assert (right.share, right.headline) == (1.0, "Right: to be rejected, it has a lost update.")
    assert posed.choices[0] == APPROVE
    assert "lost update" in posed.choices


def test_a_change_that_holds_is_to_be_approved(ask):
    posed = claiming(ask, "fixed")
    assert posed.judge("lost update").share == 0.0
    right = posed.judge(APPROVE)
    assert (right.share, right.lines) == (1.0, ("The engine: holds, all 2 classes of schedules.",))
    assert [line for line in posed.diff() if line[0] in "+-"] == ["+", "+", "+fixed()"]


def test_what_is_unproved_is_said_to_be(ask, studies):
    studies.facts_are("fixed", status="unknown", reason="no failure in 1,500 schedules")
    told = claiming(ask, "fixed").judge(APPROVE).lines
    assert told[1] == "That is no proof, but nothing speaks against the change."


def test_nothing_is_asked_where_there_is_nothing_to_ask(ask, studies):
    studies.facts_are("unsafe", pairs=[])
    assert ask("spot").why_not() == "no two lines decide that the engine could find"
    studies.described["variants"] = {"unsafe": None}
    assert ask("review").why_not() == "there is only one variant, so no change to review"
    studies.described["editable"] = {}
    assert ask("fix").why_not() == "what makes its state has no name in the module, so there is nothing to edit"
    studies.facts_are("unsafe", status="holds", reason="all 2 classes of schedules", failure=None)
    assert ask("break").why_not() == "the engine found no failure to train on: all 2 classes of schedules"


# ------------------------------------------------------------------ fix

HOLDS = {"status": "holds", "reason": "all 2 classes", "schedules": 2, "uncontrolled": [], "report": ""}


@pytest.mark.parametrize(
    ("graded", "share", "headline"),
    [
        ({**HOLDS, "overlap": 0.4, "under_one_lock": 0.5}, 1.0, "It holds: no schedule fails any more."),
        (
            {**HOLDS, "overlap": 0.0, "under_one_lock": 1.0},
            0.8,
            "It holds, but it has all take turns from beginning to end.",
        ),
        ({**HOLDS, "status": "unknown"}, 0.5, "No failure was found, but that is no proof."),
        ({**HOLDS, "status": "unknown", "uncontrolled": ["x"]}, 0.0, "It cannot be told whether it fails."),
        ({**HOLDS, "status": "fails", "failure": {"kind": "outcome", "message": ""}}, 0.0, "It still fails."),
        (
            {**HOLDS, "status": "fails", "failure": {"kind": "deadlock", "message": ""}},
            0.0,
            "It no longer fails as before, but now it stands still: deadlock.",
        ),
        ({"status": "broken", "reason": "patch.py:1: no"}, 0.0, "It cannot be run: patch.py:1: no"),
    ],
)
def test_grades(ask, graded, share, headline):
    judged = ask("fix")._graded(graded, "")
    assert (judged.share, judged.headline) == (share, headline)


def test_what_escaped_is_told_once(ask):
    graded = {**HOLDS, "status": "unknown", "reason": "something escaped: one", "uncontrolled": ["one", "two"]}
    assert ask("fix")._graded(graded, "").lines == ("The engine: something escaped: one.", "two")


def test_turns_are_no_fault_where_the_known_repair_takes_them_as_well(ask, studies):
    studies.facts_are("fixed", overlap=0.0)
    judged = ask("fix")._graded({**HOLDS, "overlap": 0.0, "under_one_lock": 1.0}, "")
    assert judged.share == 1.0
    assert judged.lines[1:] == (
        "Nobody steps while another one is on the way, and 100% of the steps stand under one lock.",
        "So it is in the catalogue's own repair.",
    )


# ------------------------------------------------------------------ what is typed, and what comes next


@pytest.mark.parametrize(("text", "lines"), [("13 14", {13, 14}), ("14,13", {13, 14}), (" 14 ", {14}), ("14 14", {14})])
def test_lines(text, lines):
    assert read_lines(text, LINES) == lines


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("1 2 3".replace("1 2 3", "12 13 14"), "lines: 3 given; give the two that race, or one that races with itself"),
        ("99", "line '99': is not shown; give one or two of the numbers in front of the code"),
        ("x", "line 'x': is not shown; give one or two of the numbers in front of the code"),
        ("²", "line '\\xb2': is not shown; give one or two of the numbers in front of the code"),
    ],
)
def test_lines_that_are_none(text, message):
    with pytest.raises(InvalidValue) as caught:
        read_lines(text, LINES)
    assert str(caught.value) == message


def test_lines_in_words():
    assert lines_told([[13, 14], [14]]) == "13 and 14, or 14 alone"


def test_harder_exercises_count_more_and_hints_cost():
    easy, hard = (
        Facts(**FACTS),
        Facts(**{**FACTS, "steps": 20, "switches": 5, "rate_interval": [0.0, 0.0001], "model": "tasks"}),
    )
    assert (easy.level, hard.level) == (1, 5)
    assert [points(easy, 1.0, 0), points(easy, 0.6, 0), points(easy, 1.0, 1), points(easy, 0.0, 0)] == [10, 6, 7, 0]
    assert points(hard, 1.0, 0) == 50


def test_what_is_due_comes_first_and_wrong_answers_come_again(studies, subject, history):
    course = iter(Course([subject], KINDS, studies, history, 1))
    asked = []
    for share in (0.0, 1.0, 1.0, 1.0, 1.0):
        posed = next(course)
        asked.append(posed.kind)
        history.answered(subject.key, posed.kind, share, 0)
    assert asked == ["spot", "break", "review", "spot", "fix"]
    assert next(course, None) is None  # all were answered rightly, and none is due today


def test_an_exam_is_the_same_for_all(studies, subject, tmp_path):
    others = []
    for name in ("one", "two", "three"):
        path = tmp_path / f"{name}.py"
        path.write_text("")
        others.append(Subject(str(path), "f", ("g",)))
    first = [(one.subject.name, one.kind) for one in drawn([subject, *others], KINDS, studies, 5, 6)]
    again = [(one.subject.name, one.kind) for one in drawn([*others, subject], KINDS, studies, 5, 6)]
    other = [(one.subject.name, one.kind) for one in drawn([subject, *others], KINDS, studies, 6, 6)]
    assert first == again != other


def test_who_waits_for_an_exam_is_told_how_many_questions_are_there(studies, subject):
    told = []
    drawn([subject], KINDS, studies, 5, 3, told.append)
    assert told == [0, 1, 2, 3]
