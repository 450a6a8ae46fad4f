"""The same questions for everybody in a group: no hints, no answers, and a file with the result."""

from __future__ import annotations

import platform
import time
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

from lab.training.course import points
from lab.training.dialogue import Dialogue, Ended
from lab.training.history import History
from lab.training.questions import Judgement, Question, Review
from lab.training.studies import write
from lab.training.terminal import Session

FORMAT = 1


class Exam(Session):
    """Poses all questions once; the result is written after each, so that nothing is lost."""

    def __init__(
        self, dialogue: Dialogue, history: History, work: Path, result: Path, seed: int, questions: Sequence[Question]
    ) -> None:
        super().__init__(dialogue, history, work, hints=False)
        self._file = result
        self._questions = questions
        self._began = time.time()
        self._since = self._began
        self._result: dict[str, Any] = {
            "race-lab exam": FORMAT,
            "version": version("race-lab"),
            "python": platform.python_version(),
            "seed": seed,
            "began": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(self._began)),
            "finished": False,
            "asked": [{"subject": one.subject.name, "kind": one.kind} for one in questions],
            "answers": [],
        }
        self._write()

    def sit(self) -> None:
        """Ask everything, or until there is nobody to answer."""
        try:
            self._pose_all(self._questions)
            self._result["finished"] = True
        except Ended:
            pass
        self._write()
        answers = self._result["answers"]
        right = sum(one["share"] >= 1.0 for one in answers)
        earned = sum(one["points"] for one in answers)
        most = self._result["most points"]
        self._dialogue.say(f"{right} of {len(self._questions)} right, {earned} of {most} points.")
        self._dialogue.console.print(f"The result is in {self._file}.", soft_wrap=True, markup=False)

    def _tell(self, question: Question, judgement: Judgement) -> None:
        self._put_down(question, judgement)
        now = time.time()
        self._result["answers"].append(
            {
                "subject": question.subject.name,
                "kind": question.kind,
                "variant": question.claim if isinstance(question, Review) else question.variant,
                "answer": self._given,
                "share": judgement.share,
                "points": points(question.facts, judgement.share, 0),
                "seconds": round(now - self._since, 1),
            }
        )
        self._since = now
        self._write()
        self._dialogue.say("Noted.", style="dim")

    def _write(self) -> None:
        self._result["seconds"] = round(time.time() - self._began, 1)
        self._result["most points"] = sum(points(one.facts, 1.0, 0) for one in self._questions)
        write(self._file, self._result)
