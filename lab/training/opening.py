"""What `lab review` was asked for: its folder, its subjects, and which exercises."""

from __future__ import annotations

import os
import random
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import platformdirs

from lab.catalogue import path_of
from lab.errors import InvalidValue, LabError
from lab.training.course import Course, catalogue, drawn
from lab.training.dialogue import Dialogue
from lab.training.ending import leaving_nothing
from lab.training.exam import Exam
from lab.training.history import History
from lab.training.paper import Paper
from lab.training.questions import KINDS
from lab.training.repairs import question
from lab.training.studies import Studies
from lab.training.subject import Subject
from lab.training.terminal import Session

WORK = "work"
"""The folder in it for code that is edited."""
VARIABLE = "LAB_DATA"
"""In the environment: the folder for what is known of subjects and learners."""


@dataclass(frozen=True)
class Wanted:
    """The options, as typed."""

    name: str | None
    scenarios: Path
    setup: str = ""
    actors: tuple[str, ...] = ()
    check: str = ""
    test: str = ""
    kind: str | None = None
    data: str | None = None
    seed: int | None = None

    @property
    def folder(self) -> Path:
        """Where everything is kept."""
        return Path(self.data or os.environ.get(VARIABLE) or platformdirs.user_data_dir("race-lab", appauthor=False))

    @property
    def kinds(self) -> tuple[str, ...]:
        """Of the exercises; raises InvalidValue for one that there is not."""
        if self.kind is not None and self.kind not in KINDS:
            raise InvalidValue(f"--kind {self.kind}: unknown; choose one of {', '.join(KINDS)}")
        return (self.kind,) if self.kind is not None else KINDS

    def subjects(self) -> list[Subject]:
        """The one that was named, or the catalogue; raises InvalidValue where there is none."""
        if self.name is not None:
            path = Path(self.name)
            if path.suffix != ".py" and not (path.is_file() and (path.suffix or os.sep in self.name)):
                path = path_of(self.scenarios, self.name)
            return [Subject.of(path, self.setup, self.actors, self.check, self.test, catalogue=self.scenarios)]
        if self.setup or self.actors or self.check or self.test:
            raise InvalidValue("--setup, --actor, --check and --test name functions of a module; give its file, too")
        found = catalogue(self.scenarios)
        if not found:
            raise InvalidValue(f"{self.scenarios}: has no scenarios; give a folder with --scenarios, or a Python file")
        return found

    def history(self, subjects: Iterable[Subject]) -> History:
        """What was answered so far; raises InvalidValue in one line where that cannot be kept."""
        history = History(self.folder)
        _take_over(history, self.folder / WORK, subjects, self.scenarios)
        return history


def _take_over(history: History, work: Path, subjects: Iterable[Subject], catalogue: Path) -> None:
    """What earlier versions kept under the name of a file alone is the subject's that is the first to be met by it.

    That of a scenario is left to the scenario, for whoever has named their own file like it.
    """
    every = list(subjects)
    listed = {path.stem for path in catalogue.rglob("*.py")} if any(not one.family for one in every) else set()
    mine = [one for one in every if one.family or one.name not in listed]
    history.rename({one.name: one.key for one in mine})
    for one in mine:
        before, after = work / f"{one.name}.py", work / f"{one.slug}.py"
        if before.is_file() and not after.exists():
            with suppress(OSError):  # it can be edited anew
                before.rename(after)


def go_together(exam: int | None, patch: str | None, answers: bool, web: bool) -> None:
    """Whether these options do; raises InvalidValue where one of them would be passed over."""
    if patch is not None and (exam is not None or web):
        raise InvalidValue(f"--patch {patch}: is graded by itself; leave {'--web' if web else '--exam'} out")
    if exam is not None and answers:
        raise InvalidValue(f"--exam {exam}: shows no answers; leave --instructor out, or --exam")


@leaving_nothing()
def train(wanted: Wanted, dialogue: Dialogue, patch: Path | None = None, answers: bool = False) -> bool:
    """Pose exercises; whether all that were answered were answered rightly.

    With a ``patch`` only that is graded.  Raises LabError in one line where there is nothing to pose.
    """
    kinds, subjects = wanted.kinds, wanted.subjects()
    history, studies = wanted.history(subjects), Studies(wanted.folder / "studies")
    seed = wanted.seed if wanted.seed is not None else random.randrange(1 << 30)
    session = Session(dialogue, history, wanted.folder / WORK, answers=answers)
    if patch is not None:
        if wanted.name is None or kinds not in (("fix",), KINDS):
            raise InvalidValue(f"--patch {patch}: is graded for one subject; give its name, and --kind fix or none")
        made = question("fix", studies, subjects[0], seed)
        if why := made.why_not():
            raise LabError(f"{subjects[0].name}: {why}")
        session.grade(made, patch)
        return session.all_right
    if wanted.name is not None:  # who names it wants it now, whether it is due or not
        every = [question(kind, studies, subjects[0], seed) for kind in kinds]
        possible = [one for one in every if not one.why_not()]
        if not possible:
            raise LabError(f"{subjects[0].name}: {every[0].why_not()}")
        session.run(possible)
    else:
        course = Course(subjects, kinds, studies, history, seed)
        session.run(course, over="Nothing is due, and nothing is new." if not course.troubles else course.troubles[0])
    return session.all_right


@leaving_nothing()
def serve(wanted: Wanted, port: int, answers: bool, say: Callable[[str], None]) -> None:
    """The same in a browser, until Ctrl-C; raises LabError in one line where that cannot be."""
    from lab.training.web.serving import serve as serve_on

    subjects = wanted.subjects()
    history, studies = wanted.history(subjects), Studies(wanted.folder / "studies")
    seed = wanted.seed if wanted.seed is not None else random.randrange(1 << 30)
    serve_on(subjects, studies, history, port, say, kinds=wanted.kinds, seed=seed, answers=answers)


@leaving_nothing()
def examine(wanted: Wanted, dialogue: Dialogue, number: int, result: Path) -> None:
    """The same questions for all who give the same seed; raises LabError where there are not so many."""
    studies, history = Studies(wanted.folder / "studies"), wanted.history(wanted.subjects())
    paper = _paper(wanted, dialogue, number, result, studies, history)
    Exam(dialogue, history, wanted.folder / "exam", paper).sit()


@leaving_nothing()
def serve_exam(
    wanted: Wanted, dialogue: Dialogue, number: int, result: Path, port: int, say: Callable[[str], None]
) -> None:
    """The same in a browser, until Ctrl-C; raises LabError in one line where that cannot be."""
    from lab.training.web.serving import serve_exam as serve_on

    studies, history = Studies(wanted.folder / "studies"), wanted.history(wanted.subjects())
    if history.told:
        dialogue.say(history.told, style="yellow")
    serve_on(lambda: _paper(wanted, dialogue, number, result, studies, history), studies, port, say)


def _paper(wanted: Wanted, dialogue: Dialogue, number: int, result: Path, studies: Studies, history: History) -> Paper:
    """The questions; nobody waits in the exam for what could be measured before."""
    if wanted.seed is None:
        raise InvalidValue("--exam: needs --seed, so that all get the same questions")
    if number < 1:
        raise InvalidValue(f"--exam {number}: nothing would be asked; give a whole number of at least 1")
    with dialogue.waiting("the engine measures the exercises ...") as tell:

        def found(count: int) -> None:
            tell(f"the engine measures the exercises: {count} of {number} ...")

        questions = drawn(wanted.subjects(), wanted.kinds, studies, wanted.seed, number, found)
    return Paper(history, result, wanted.seed, questions)
