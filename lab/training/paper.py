"""An exam's questions and what was answered to them; the result is written after each answer, so nothing is lost."""

from __future__ import annotations

import platform
import time
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

from lab.training.course import points
from lab.training.history import History
from lab.training.questions import Judgement, Question, Review
from lab.training.studies import write

FORMAT = 1


class Paper:
    """Each question is answered once, one after another; on a terminal or in a browser, the file is the same."""

    def __init__(self, history: History, file: Path, seed: int, questions: Sequence[Question]) -> None:
        self.file = file
        self.questions = tuple(questions)
        self._history = history
        self._result: dict[str, Any] = {
            "race-lab exam": FORMAT,
            "version": version("race-lab"),
            "python": platform.python_version(),
            "seed": seed,
            "began": "",
            "finished": False,
            "asked": [{"subject": one.subject.name, "kind": one.kind} for one in questions],
            "answers": [],
        }
        self.begin()

    def begin(self) -> None:
        """The clock runs from now on."""
        self._began = self._since = time.time()
        self._result["began"] = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(self._began))
        self._write()

    @property
    def answered(self) -> int:
        """How many are."""
        return len(self._result["answers"])

    @property
    def current(self) -> Question | None:
        """The question to be answered now; None once all are."""
        return self.questions[self.answered] if self.answered < len(self.questions) else None

    def put_down(self, judgement: Judgement, given: Sequence[str]) -> None:
        """The current question was answered so; ``given`` is what was judged, in text."""
        question = self.questions[self.answered]
        earned = points(question.facts, judgement.share, 0)
        self._history.answered(question.subject.key, question.kind, judgement.share, earned)
        now = time.time()
        self._result["answers"].append(
            {
                "subject": question.subject.name,
                "kind": question.kind,
                "variant": question.claim if isinstance(question, Review) else question.variant,
                "answer": list(given),
                "share": judgement.share,
                "points": earned,
                "seconds": round(now - self._since, 1),
            }
        )
        self._result["finished"] = self.answered == len(self.questions)
        self._since = now
        self._write()

    def summary(self) -> str:
        """What it came to, in one line."""
        answers = self._result["answers"]
        right = sum(one["share"] >= 1.0 for one in answers)
        earned = sum(one["points"] for one in answers)
        return f"{right} of {len(self.questions)} right, {earned} of {self._result['most points']} points."

    def _write(self) -> None:
        self._result["seconds"] = round(time.time() - self._began, 1)
        self._result["most points"] = sum(points(one.facts, 1.0, 0) for one in self.questions)
        write(self.file, self._result, "give another file with --result")
