"""An exam in the browser: one question after another, each answered once, and nothing told before the end."""

from __future__ import annotations

import threading
from collections.abc import Callable

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from lab.errors import LabError
from lab.training.paper import Paper
from lab.training.questions import Question
from lab.training.repairs import BUDGET, Fix
from lab.training.studies import Studies
from lab.training.web.asked import WIDTH, Form, in_thread, judged, not_found, one, page, patch_of, state_of, trouble
from lab.training.web.jobs import Job, Jobs
from lab.training.web.views import view


class Examination:
    """The questions of a paper, for one learner.

    A question is named by its number alone: an address with the name of its scenario would tell what it is about.  What
    comes for another number than the current one (a page that was gone back to, a second tab) changes nothing.
    """

    def __init__(self, paper: Paper, studies: Studies) -> None:
        self._paper = paper
        self._studies = studies
        self._jobs = Jobs()
        self._job: Job | None = None  # the patch that is being graded, or was last
        self._patch = ""
        self._has_begun = False
        self._alone = threading.Lock()
        self.app = Starlette(
            routes=[
                Route("/", in_thread(self._home)),
                Route("/begin", in_thread(self._begin), methods=["POST"]),
                Route("/question", in_thread(self._question)),
                Route("/question", in_thread(self._answer), methods=["POST"]),
                Route("/job/{job}", in_thread(self._show_job)),
                Route("/job/{job}/state", in_thread(self._state)),
            ],
            exception_handlers={404: not_found},
        )

    def close(self) -> None:
        """Let nothing go on."""
        self._studies.stopped.set()
        self._jobs.join()

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
                return RedirectResponse(f"/job/{self._graded(posed, patch_of(form)).name}", 303)
            try:
                judgement, given = judged(posed, form)
            except LabError as error:
                return self._posed(posed, form, str(error))
            self._paper.put_down(judgement, given)
        return RedirectResponse("/question", 303)

    # ------------------------------------------------------------ patches

    def _graded(self, posed: Fix, patch: str) -> Job:
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

    def _show_job(self, request: Request, _: Form) -> Response:
        job = self._jobs.get(request.path_params["job"])
        if job is None:
            return trouble("This patch is no longer remembered.", 404)
        if not job.is_over:
            return page("job.html", exam=True, job=job.name, progress=job.progress)
        posed = self._paper.current
        if job.trouble and job is self._job and isinstance(posed, Fix):
            return self._posed(posed, {"patch": [self._patch]}, job.trouble)
        return RedirectResponse("/question", 303)

    def _state(self, request: Request, _: Form) -> Response:
        return state_of(self._jobs.get(request.path_params["job"]))
