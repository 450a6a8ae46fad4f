"""An exam in the browser: one question after another, each answered once, and nothing told before the end."""

from __future__ import annotations

from collections.abc import Callable

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from lab.errors import LabError
from lab.training.paper import Paper
from lab.training.questions import Question
from lab.training.repairs import BUDGET, Fix
from lab.training.studies import Studies
from lab.training.web.asked import WIDTH, Form, Handler, judged, one, page, patch_of
from lab.training.web.grading import Grading
from lab.training.web.jobs import Job
from lab.training.web.views import view


class Examination(Grading):
    """The questions of a paper, for one learner.

    A question is named by its number alone: an address with the name of its scenario would tell what it is about.  What
    comes for another number than the current one (a page that was gone back to, a second tab) changes nothing.
    """

    _is_exam = True

    def __init__(self, paper: Paper, studies: Studies) -> None:
        self._paper = paper
        self._job: Job | None = None  # the patch that is being graded, or was last
        self._patch = ""
        self._has_begun = False
        addresses: list[tuple[str, str, Handler]] = [
            ("GET", "/", self._home),
            ("POST", "/begin", self._begin),
            ("GET", "/question", self._question),
            ("POST", "/question", self._answer),
        ]
        super().__init__(studies, addresses)

    # ------------------------------------------------------------ pages

    def _home(self, _: Request, __: Form) -> Response:
        paper = self._paper
        if paper.current is None:
            return page("exam.html", over=paper.summary(), file=str(paper.file))
        if self._has_begun:
            return RedirectResponse("/question", 303)
        return page("exam.html", over="", number=len(paper.questions))

    def _begin(self, _: Request, __: Form) -> Response:
        with self._alone:
            if not self._has_begun:
                self._paper.begin()
                self._has_begun = True
        return RedirectResponse("/question", 303)

    def _question(self, _: Request, __: Form) -> Response:
        posed = self._paper.current
        if posed is None or not self._has_begun:
            return RedirectResponse("/", 303)
        return self._posed(posed, {})

    def _posed(self, posed: Question, typed: Form, complaint: str = "") -> Response:
        given = view(posed, typed, 0, answers=False)
        exam = {"number": self._paper.answered + 1, "of": len(self._paper.questions)}
        return page("exercise.html", it=given, exam=exam, complaint=complaint, result=None, budget=BUDGET)

    def _answer(self, _: Request, form: Form) -> Response:
        with self._alone:
            posed = self._paper.current
            if posed is None or not self._has_begun or one(form, "number") != str(self._paper.answered + 1):
                return RedirectResponse("/question", 303)
            if isinstance(posed, Fix):
                return RedirectResponse(f"/job/{self._begin_to_grade(posed, patch_of(form)).name}", 303)
            try:
                judgement, given = judged(posed, form)
            except LabError as error:
                return self._posed(posed, form, str(error))
            self._paper.put_down(judgement, given)
        return RedirectResponse("/question", 303)

    # ------------------------------------------------------------ patches

    def _begin_to_grade(self, posed: Fix, patch: str) -> Job:
        """Begin to grade a patch, unless that has begun already."""
        if self._job is None or self._job.is_over:
            self._patch = patch
            self._job = self._jobs.start(lambda tell: self._grade(posed, patch, tell))
        return self._job

    def _grade(self, posed: Fix, patch: str, tell: Callable[[str], None]) -> bool:
        judgement = posed.judge(patch, WIDTH, tell)
        with self._alone:
            if not self._studies.stopped.is_set():  # the exam has ended, and that is no answer
                self._paper.put_down(judgement, [patch])
        return True

    def _graded(self, job: Job) -> Response:
        posed = self._paper.current
        if job.trouble and job is self._job and isinstance(posed, Fix):
            return self._posed(posed, {"patch": [self._patch]}, job.trouble)
        return RedirectResponse("/question", 303)
