"""`lab review` on a terminal: pose an exercise, take the answer, tell what the engine says to it."""

from __future__ import annotations

import os
import shlex
import subprocess
from collections.abc import Iterable
from pathlib import Path

from lab.errors import InvalidValue
from lab.training.bug_classes import meaning
from lab.training.course import points
from lab.training.dialogue import Dialogue, Ended
from lab.training.history import Card, History
from lab.training.questions import APPROVE, TASKS, Break, Judgement, Question, Review, Spot, given_to_spot, read_lines
from lab.training.repairs import Fix
from lab.training.telling import witness_text
from lab.witness import Witness

_COMMANDS = "? help   h hint   s solution   q quit"
_HELP = {
    "lines": "Type one or two of the numbers in front of the code, such as 30 31; their order does not matter.",
    "bug": "Type the number in front of a name, or the name.",
    "verdict": "Type the number in front of a verdict.",
    "schedule": "Type who takes each step, such as alice bob*2 alice; the beginning of a name will do. Then all go on.",
    "file": "Press Enter once the file is as it is to be, or type the name of another file.",
}
_HOW_TO = "h gives a hint, which costs points; s shows the solution, and then there are none; q ends the training."


class _Skipped(Exception):
    """The person wants to see the solution."""


class Session:
    """Exercises one after another, until there are none left or the person has enough."""

    def __init__(self, dialogue: Dialogue, history: History, work: Path, *, hints: bool = True, answers: bool = False):
        self._dialogue = dialogue
        self._history = history
        self._work = work
        self._may_hint = hints
        self._shows_answers = answers
        self._told_hints = 0
        self._tried: Judgement | None = None
        self._given: list[str] = []  # what was judged, in text
        self._answered = self._right = self._points = 0

    def run(self, questions: Iterable[Question], over: str = "") -> None:
        """Pose them; what is answered is put down.  ``over`` is said where there is none."""
        dialogue = self._dialogue
        self._tell_of_history()
        try:
            self._pose_all(questions)
            if not self._answered and over:
                dialogue.say(over)
        except Ended:
            pass
        except KeyboardInterrupt:
            dialogue.console.print()
        self._farewell()

    def grade(self, question: Question, patch: Path) -> None:
        """Grade one patch, and ask nothing."""
        assert isinstance(question, Fix)
        self._tell(question, self._graded(question, patch))

    def _tell_of_history(self) -> None:
        if self._history.told:
            self._dialogue.say(self._history.told, style="yellow")

    def _pose_all(self, questions: Iterable[Question]) -> None:
        iterator = iter(questions)
        number = 0
        while True:
            with self._dialogue.waiting("the engine measures the next exercise ..."):
                question = next(iterator, None)
            if question is None:
                break
            number += 1
            self._told_hints, self._tried, self._given = 0, None, []
            self.show(question, number)
            try:
                judgement = self._answer(question)
            except _Skipped:
                self._dialogue.say()
                for line in question.solution():
                    self._dialogue.say(line, indent=4)
                judgement = Judgement(0.0, "", shows_witness=True)
            except Ended:
                if self._tried is not None:  # it was an answer, though none to be told again
                    self._put_down(question, self._tried)
                raise
            self._tell(question, judgement)

    @property
    def all_right(self) -> bool:
        """Whether something was answered, and nothing wrongly."""
        return 0 < self._answered == self._right

    # ------------------------------------------------------------ the exercise

    def show(self, question: Question, number: int) -> None:
        """The task and the code."""
        dialogue, facts = self._dialogue, question.facts
        actors = ", ".join(facts.actors)
        dialogue.heading(f"{number}  {question.kind}", f"level {facts.level} of 5   {facts.model}: {actors}")
        dialogue.say(TASKS[question.kind])
        wanted = question.description.wanted
        if wanted:
            dialogue.say(f"It is right if it comes to {wanted}.", style="dim")
        dialogue.console.print()
        if isinstance(question, Review):
            dialogue.diff(question.diff())
        else:
            dialogue.code(question.lines)
        dialogue.console.print()
        if isinstance(question, Break):
            dialogue.say(question.how, style="dim")
            if facts.passing:
                dialogue.say(f"One that passes: {facts.passing}", style="dim")
        if self._shows_answers:
            dialogue.say("Answer", style="bold")
            for line in question.solution():
                dialogue.say(line, indent=4)
        elif self._may_hint:
            dialogue.say(_COMMANDS, style="dim")

    def _answer(self, question: Question) -> Judgement:
        if isinstance(question, Spot):
            return self._spot(question)
        if isinstance(question, Break):
            return self._break(question)
        if isinstance(question, Review):
            return self._review(question)
        assert isinstance(question, Fix)
        return self._fix(question)

    def _spot(self, question: Spot) -> Judgement:
        while True:
            try:
                lines = read_lines(self._ask("lines", question), question.lines)
                break
            except InvalidValue as error:
                self._dialogue.say(str(error), style="yellow")
        name = ""
        if question.choices:
            self._dialogue.menu([(one, meaning(one)) for one in question.choices])
            name = self._choose("bug", question.choices, question)
        self._given = given_to_spot(lines, name)
        return question.judge(lines, name)

    def _break(self, question: Break) -> Judgement:
        while True:
            try:
                text = self._ask("schedule", question)
                with self._dialogue.waiting("running your schedule ..."):
                    judgement = question.judge(text, self._dialogue.width)
                self._given = [text]
            except InvalidValue as error:
                self._dialogue.say(str(error), style="yellow")
                continue
            if judgement.is_right or not self._may_hint:
                return judgement
            self._try_again(judgement)

    def _review(self, question: Review) -> Judgement:
        named = [(name if name == APPROVE else f"reject: {name}", meaning(name)) for name in question.choices]
        self._dialogue.menu([(named[0][0], "no order of the steps goes wrong any more"), *named[1:]])
        verdict = self._choose("verdict", question.choices, question)
        self._given = [verdict]
        return question.judge(verdict)

    def _fix(self, question: Fix) -> Judgement:
        while True:
            path = self._edited(question)
            try:
                judgement = self._graded(question, path)
            except InvalidValue as error:
                self._dialogue.say(str(error), style="yellow")
                continue
            if judgement.is_right and path == self._to_edit(question):
                path.replace(path.with_suffix(".solved.py"))  # the next time begins with the bug
            if judgement.is_right or not self._may_hint:
                return judgement
            self._try_again(judgement)

    def _to_edit(self, question: Question) -> Path:
        """What is edited."""
        return self._work / f"{question.subject.slug}.py"

    def _try_again(self, judgement: Judgement) -> None:
        """One more try; each shows as much as a hint does."""
        self._explain(judgement)
        self._told_hints += 1
        self._tried = judgement

    def _graded(self, question: Fix, path: Path) -> Judgement:
        patch = read_patch(path)
        self._given = [patch]
        dialogue = self._dialogue
        if not dialogue.is_interactive:
            return question.judge(patch, dialogue.width)
        with dialogue.console.status("exploring your code ...") as status:
            return question.judge(patch, dialogue.width, lambda told: status.update(told))

    def _edited(self, question: Fix) -> Path:
        """The file that was edited, in an editor or elsewhere."""
        path = self._to_edit(question)
        if not path.exists():
            try:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(question.text, encoding="utf-8")
            except OSError as error:
                raise InvalidValue(f"{path}: cannot be written ({error.strerror}); give another --data") from None
        editor = (os.environ.get("VISUAL") or os.environ.get("EDITOR") or "").strip()
        how = "edit it and press Enter"
        if editor and self._dialogue.is_interactive:
            how = f"Enter opens {editor.partition(' ')[0]}"
        self._dialogue.say(
            f"The code is in {path}: {how}, or give another file. It is run in a process of its own with bounds on its "
            "time and memory, which is no security sandbox."
        )
        while True:
            typed = self._ask("file", question).strip()
            if typed:
                return Path(typed).expanduser()
            if not (editor and self._dialogue.is_interactive):
                return path
            try:
                subprocess.run([*shlex.split(editor), str(path)], check=False)
                return path
            except OSError as error:
                self._dialogue.say(f"$EDITOR={editor}: cannot be started ({error.strerror})", style="yellow")
                editor = ""

    # ------------------------------------------------------------ answers

    def _ask(self, prompt: str, question: Question) -> str:
        """An answer that is no command."""
        while True:
            typed = self._dialogue.ask(prompt)
            word = typed.strip().casefold()
            if word in ("q", "quit"):
                raise Ended
            if word in ("s", "solution") and self._may_hint:
                raise _Skipped
            if word in ("?", "help"):
                self._dialogue.say(_HELP[prompt], indent=4)
                self._dialogue.say(_HOW_TO if self._may_hint else "q ends the exam.", indent=4)
                continue
            if word in ("h", "hint") and self._may_hint:
                self._hint(question)
                continue
            if not word and prompt != "file":
                continue
            return typed

    def _hint(self, question: Question) -> None:
        hints = question.hints()
        if self._told_hints < len(hints):
            self._dialogue.say(hints[self._told_hints], indent=4)
            self._told_hints += 1
        else:
            self._dialogue.say("There is no further hint; s shows the solution.", indent=4)

    def _choose(self, prompt: str, choices: list[str], question: Question) -> str:
        while True:
            typed = self._ask(prompt, question).strip()
            if typed.isdigit() and 1 <= int(typed) <= len(choices):
                return choices[int(typed) - 1]
            if typed in choices:
                return typed
            self._dialogue.say(f"{typed[:20]!a}: give a number from 1 to {len(choices)}", style="yellow")

    def _tell(self, question: Question, judgement: Judgement) -> None:
        self._explain(judgement)
        if judgement.shows_witness:
            self._show_witness(question)
        earned, card = self._put_down(question, judgement)
        days = round((card.due - self._history.now()) / 86_400)
        again = f"again in {days} {'day' if days == 1 else 'days'}" if days else "it comes again"
        self._dialogue.say(f"{question.subject.name}   {earned} points   {again}", style="dim")

    def _put_down(self, question: Question, judgement: Judgement) -> tuple[int, Card]:
        earned = points(question.facts, judgement.share, self._told_hints)
        self._answered += 1
        self._right += judgement.is_right
        self._points += earned
        return earned, self._history.answered(question.subject.key, question.kind, judgement.share, earned)

    def _explain(self, judgement: Judgement) -> None:
        dialogue = self._dialogue
        dialogue.console.print()
        if judgement.headline:
            style = "bold green" if judgement.is_right else "bold yellow" if judgement.share else "bold red"
            dialogue.say(judgement.headline, style=style)
        for line in judgement.lines:
            dialogue.say(line, indent=4)
        if judgement.report:
            dialogue.console.print()
            dialogue.report(judgement.report)
        dialogue.console.print()

    def _show_witness(self, question: Question) -> None:
        variant = question.claim if isinstance(question, Review) else question.variant
        path = question.studies.witness(question.subject, variant)
        if path.is_file():
            self._dialogue.report(witness_text(Witness.load(path), self._dialogue.width))
            self._dialogue.console.print()

    def _farewell(self) -> None:
        answers, right, points_ = self._history.score()
        here = f"{self._right} of {self._answered} right, {self._points} points"
        self._dialogue.say(f"This time: {here}. In all: {right} of {answers} right, {points_} points.")


def read_patch(path: Path) -> str:
    """The text of a patch; raises InvalidValue in one line where it cannot be read."""
    try:
        if not path.is_file():
            raise InvalidValue(f"patch {path}: no such file; give the Python file that you edited")
        return path.read_bytes().decode("utf-8")
    except OSError as error:
        raise InvalidValue(f"patch {path}: cannot be read ({error.strerror}); give the file that you edited") from None
    except UnicodeDecodeError:
        raise InvalidValue(f"patch {path}: not UTF-8 text; save it as UTF-8") from None
