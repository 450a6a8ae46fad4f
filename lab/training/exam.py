"""An exam on a terminal: no hints, no answers, and nobody is told what was right before the end."""

from __future__ import annotations

from pathlib import Path

from lab.training.dialogue import Dialogue, Ended
from lab.training.history import History
from lab.training.paper import Paper
from lab.training.questions import Judgement, Question
from lab.training.terminal import Session


class Exam(Session):
    """Poses the questions of a paper."""

    def __init__(self, dialogue: Dialogue, history: History, work: Path, paper: Paper) -> None:
        super().__init__(dialogue, history, work, hints=False)
        self._paper = paper

    def sit(self) -> None:
        """Ask everything, or until there is nobody to answer."""
        self._tell_of_history()
        try:
            self._pose_all(self._paper.questions)
        except Ended:
            pass
        except KeyboardInterrupt:
            self._dialogue.console.print()
        self._dialogue.say(self._paper.summary())
        self._dialogue.console.print(f"The result is in {self._paper.file}.", soft_wrap=True, markup=False)

    def _tell(self, question: Question, judgement: Judgement) -> None:
        self._paper.put_down(judgement, self._given)
        self._dialogue.say("Noted.", style="dim")
