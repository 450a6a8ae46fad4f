"""`lab review --web --exam`: the questions, the judging and the result file are those of the terminal."""

import json
import re
import time

import pytest

from lab.errors import LabError
from lab.training.exam import Exam
from lab.training.paper import Paper
from lab.training.repairs import question
from lab.training.web.serving import serve_exam

PATCH = "class UnsafeCounter:\n    value = 2\n\n    def increment(self):\n        pass\n"
ANSWERS = [
    {"line": ["13", "14"], "bug": "lost update"},
    {"verdict": "approve"},
    {"patch": PATCH.replace("\n", "\r\n")},
]


@pytest.fixture
def questions(studies, subject):
    return [question(kind, studies, subject, 3) for kind in ("spot", "review", "fix")]


@pytest.fixture
def result(tmp_path):
    return tmp_path / "exam.json"


@pytest.fixture
def ask(served, asking, questions, studies, history, result):
    """The exam, opened and not begun."""
    return asking(served(lambda say: serve_exam(lambda: Paper(history, result, 3, questions), studies, 0, say)))


@pytest.fixture
def begun(ask):
    assert ask("/begin", {})[0] == 303
    return ask


def answer(ask, number, form):
    """Answer a question, and wait until a patch is graded."""
    status, headers, _ = ask("/question", {"number": number, **form})
    assert status == 303
    if headers["Location"].startswith("/job/"):
        until = time.monotonic() + 60
        while '"over":true' not in ask(headers["Location"] + "/state")[2]:
            assert time.monotonic() < until
            time.sleep(0.1)
    return headers["Location"]


def told(result):
    """The result without its times."""
    found = json.loads(result.read_text())
    return {
        **{name: value for name, value in found.items() if name not in ("began", "seconds")},
        "answers": [{name: one[name] for name in one if name != "seconds"} for one in found["answers"]],
    }


def test_the_result_is_that_of_the_terminal(begun, questions, history, typed, result, tmp_path):
    for number, form in enumerate(ANSWERS, 1):
        answer(begun, number, form)
    (tmp_path / "mine.py").write_text(PATCH)
    on_terminal = tmp_path / "terminal.json"
    dialogue = typed("14 13", "lost update", "1", str(tmp_path / "mine.py"))
    Exam(dialogue, history, tmp_path / "work", Paper(history, on_terminal, 3, questions)).sit()
    assert told(result) == told(on_terminal)
    assert told(result)["finished"]
    assert [one["share"] for one in told(result)["answers"]][::2] == [1.0, 1.0]
    summary = re.search(r"\d of 3 right, \d+ of 30 points\.", dialogue.shown())[0]
    page = begun("/")[2]
    assert f'<p class="headline">{summary}</p>' in page
    assert f"The result is in <code>{result}</code>." in page
    assert history.score()[0] == 6


def test_nothing_is_told_before_the_end(begun):
    shown = [begun("/question")[2]]
    for number, form in enumerate(ANSWERS[:2], 1):
        answer(begun, number, form)
        shown.append(begun("/question")[2])
    for number, page in enumerate(shown, 1):
        body = page.partition("<body>")[2].partition("</main>")[0]
        assert f"Question {number} of 3: " in body
        assert not re.search('name="(hint|solution)"|Right|points|counter/|What comes between|/next', body)


def test_the_clock_runs_from_the_beginning(ask, result):
    assert "3 questions, each answered once" in ask("/")[2]
    assert ask("/question")[1]["Location"] == "/"
    assert answer(ask, 1, ANSWERS[0]) == "/question"
    assert told(result)["answers"] == []  # it has not begun
    time.sleep(0.2)
    ask("/begin", {})
    answer(ask, 1, ANSWERS[0])
    assert json.loads(result.read_text())["answers"][0]["seconds"] < 0.2
    ask("/begin", {})  # once more, as who goes back does
    assert len(told(result)["answers"]) == 1


def test_a_question_is_answered_once(begun, result):
    for _ in range(2):
        answer(begun, 1, ANSWERS[0])
    answer(begun, 1, {"line": ["12"], "bug": "lost update"})
    assert [one["answer"] for one in told(result)["answers"]] == [["13 14", "lost update"]]
    assert "Question 2 of 3" in begun("/question")[2]


def test_a_patch_is_graded_once_however_often_it_is_sent(begun, result):
    answer(begun, 1, ANSWERS[0])
    answer(begun, 2, ANSWERS[1])
    first = begun("/question", {"number": 3, **ANSWERS[2]})[1]["Location"]
    second = begun("/question", {"number": 3, "patch": "pass"})[1]["Location"]
    assert second in (first, "/question")  # it is still being graded, or was
    answer(begun, 3, {"patch": "pass"})
    until = time.monotonic() + 60
    while not told(result)["finished"]:
        assert time.monotonic() < until
        time.sleep(0.1)
    assert told(result)["answers"][2]["answer"] == [PATCH]


@pytest.mark.parametrize(
    ("form", "complaint"),
    [
        ({"bug": "lost update"}, "lines: 0 given; give the two that race, or one that races with itself"),
        ({"line": "13", "hint": "1"}, "Choose one of the names: "),
    ],
)
def test_what_cannot_be_judged_is_told_and_no_answer(begun, result, form, complaint):
    status, _, text = begun("/question", {"number": 1, **form})
    assert (status, complaint in text) == (200, True)
    assert ('value="13" checked' in text) == ("line" in form)
    assert told(result)["answers"] == []


def test_a_patch_that_cannot_be_graded_may_be_sent_again(begun, result):
    answer(begun, 1, ANSWERS[0])
    answer(begun, 2, ANSWERS[1])
    job = answer(begun, 3, {"patch": "# " + "x" * (300 << 10)})
    text = begun(job)[2]
    assert "patch: larger than 256 KiB; give the file that was to be edited" in text
    assert len(told(result)["answers"]) == 2
    answer(begun, 3, ANSWERS[2])
    assert told(result)["finished"]


def test_a_result_that_cannot_be_written_is_told_before_anything_is_served(tmp_path, studies, history, questions):
    (tmp_path / "file").touch()
    place = tmp_path / "file" / "exam.json"
    with pytest.raises(LabError) as raised:
        serve_exam(lambda: Paper(history, place, 3, questions), studies, 0, print)
    assert str(raised.value) == f"{tmp_path / 'file'}: cannot be made (File exists); give another file with --result"
