"""The pages: an exercise, the answer to it, and what is in the course."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import parse_qs

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from lab.errors import LabError
from lab.report.html.pages import page as make_page
from lab.training.course import Course, points
from lab.training.history import History
from lab.training.questions import KINDS, Break, Judgement, Question, Review, Spot, read_lines
from lab.training.repairs import BUDGET, Fix, question
from lab.training.studies import Studies
from lab.training.subject import Subject
from lab.training.web.jobs import Jobs
from lab.training.web.views import result_view, view

_WIDTH = 100  # columns of a trace
Form = dict[str, list[str]]


class Application:
    """Exercises on some subjects for one learner."""

    def __init__(
        self,
        subjects: list[Subject],
        studies: Studies,
        history: History,
        kinds: tuple[str, ...],
        seed: int,
        answers: bool,
    ) -> None:
        self._subjects = {subject.name: subject for subject in subjects}
        self._studies = studies
        self._history = history
        self._kinds = kinds
        self._seed = seed
        self._answers = answers
        self._jobs = Jobs()
        self._course: Iterator[Question] = iter(Course(subjects, kinds, studies, history, seed))
        self._alone = threading.Lock()  # a study is made once
        self.app = Starlette(
            routes=[
                Route("/", self._in_thread(self._home)),
                Route("/next", self._in_thread(self._next)),
                Route("/exercise/{name}/{kind}", self._in_thread(self._exercise)),
                Route("/exercise/{name}/{kind}", self._in_thread(self._answer), methods=["POST"]),
                Route("/job/{job}", self._in_thread(self._job)),
                Route("/job/{job}/state", self._in_thread(self._state)),
            ],
            exception_handlers={404: self._not_found},
        )

    def close(self) -> None:
        """Let nothing go on."""
        self._studies.stopped.set()
        self._jobs.join()

    def _in_thread(self, handler: Callable[[Request, Form], Response]) -> Callable[[Request], Any]:
        """Answers are found in a thread, as the engine takes its time; what is wrong with a request is told."""

        async def handle(request: Request) -> Response:
            form = parse_qs((await request.body()).decode("utf-8", "replace"), keep_blank_values=True)
            try:
                return await run_in_threadpool(handler, request, form)
            except LabError as error:
                return _trouble(str(error), 400)

        return handle

    async def _not_found(self, *_: Any) -> Response:
        return _trouble("There is no such page.", 404)

    # ------------------------------------------------------------ pages

    def _home(self, _: Request, __: Form) -> Response:
        answers, right, earned = self._history.score()
        cards = self._history.cards()
        rows = []
        for name, subject in self._subjects.items():
            facts = self._studies.known(subject, "unsafe")
            boxes = [(kind, cards[name, kind].box if (name, kind) in cards else None) for kind in self._kinds]
            rows.append(
                {"name": name, "level": facts.level if facts is not None and facts.fails else None, "kinds": boxes}
            )
        score = {"answers": answers, "right": right, "points": earned}
        return _page("home.html", score=score, rows=rows, told=self._history.told)

    def _next(self, _: Request, __: Form) -> Response:
        with self._alone:
            posed = next(self._course, None)
        if posed is None:
            return _trouble("Nothing is due, and nothing is new. Choose an exercise from the list.", 200)
        return RedirectResponse(f"/exercise/{posed.subject.name}/{posed.kind}?seed={posed.seed}", 303)

    def _exercise(self, request: Request, _: Form) -> Response:
        return self._posed(self._question(request, request.query_params.get("seed", "")), {}, 0)

    def _posed(
        self, posed: Question, typed: Form, hints: int, complaint: str = "", tried: Judgement | None = None
    ) -> Response:
        given = view(posed, typed, hints, self._answers)
        result = result_view(tried, posed) if tried is not None else None
        return _page("exercise.html", it=given, complaint=complaint, result=result, budget=BUDGET)

    def _answer(self, request: Request, form: Form) -> Response:
        posed = self._question(request, _one(form, "seed"))
        hints = min(int(_one(form, "hints") or 0), 99) if _one(form, "hints").isdecimal() else 0
        if "hint" in form:
            return self._posed(posed, form, min(hints + 1, len(posed.hints())))
        if "solution" in form:
            return self._judged(posed, Judgement(0.0, "The solution", tuple(posed.solution()), "", True), hints)
        if isinstance(posed, Fix):
            patch = _one(form, "patch").replace("\r\n", "\n")
            job = self._jobs.start(lambda tell: self._graded(posed, patch, hints, tell))
            return RedirectResponse(f"/job/{job.name}", 303)
        try:
            judgement = self._judge(posed, form)
        except LabError as error:
            return self._posed(posed, form, hints, str(error))
        if isinstance(posed, Break) and not judgement.is_right:
            return self._posed(posed, form, hints + 1, tried=judgement)
        return self._judged(posed, judgement, hints)

    def _judge(self, posed: Question, form: Form) -> Judgement:
        if isinstance(posed, Spot):
            lines = read_lines(" ".join(form.get("line", [])), posed.lines)
            return posed.judge(lines, _chosen(form, "bug", posed.choices))
        if isinstance(posed, Break):
            return posed.judge(_one(form, "schedule"), _WIDTH)
        assert isinstance(posed, Review)
        return posed.judge(_chosen(form, "verdict", posed.choices))

    def _judged(self, posed: Question, judgement: Judgement, hints: int) -> Response:
        return _result(posed, judgement, *self._put_down(posed, judgement, hints))

    def _put_down(self, posed: Question, judgement: Judgement, hints: int) -> tuple[int, int]:
        """What was earned, and in how many days it comes again."""
        earned = points(posed.facts, judgement.share, hints)
        card = self._history.answered(posed.subject.name, posed.kind, judgement.share, earned)
        return earned, round((card.due - self._history.now()) / 86_400)

    # ------------------------------------------------------------ patches

    def _graded(self, posed: Fix, patch: str, hints: int, tell: Callable[[str], None]) -> Callable[[], Response]:
        """Grade a patch, put down what that came to once, and give what shows it as often as it is asked for."""
        judgement = posed.judge(patch, _WIDTH, tell)
        if not judgement.is_right:
            return lambda: self._posed(posed, {"patch": [patch]}, hints + 1, tried=judgement)
        put_down = self._put_down(posed, judgement, hints)
        return lambda: _result(posed, judgement, *put_down)

    def _job(self, request: Request, _: Form) -> Response:
        job = self._jobs.get(request.path_params["job"])
        if job is None:
            return _trouble("This patch is no longer remembered.", 404)
        if job.trouble:
            return _trouble(job.trouble, 400)
        if job.result is None:
            return _page("job.html", job=job.name, progress=job.progress)
        show: Callable[[], Response] = job.result
        return show()

    def _state(self, request: Request, _: Form) -> Response:
        job = self._jobs.get(request.path_params["job"])
        if job is None:
            return JSONResponse({"over": True, "progress": ""})
        return JSONResponse({"over": job.is_over, "progress": job.progress})

    def _question(self, request: Request, seed: str) -> Question:
        """What the address names; raises LabError where it cannot be asked."""
        subject = self._subjects.get(request.path_params["name"])
        kind = request.path_params["kind"]
        if subject is None or kind not in KINDS:
            raise LabError("There is no such exercise.")
        chosen = int(seed) if seed.isdecimal() and len(seed) < 12 else random.randrange(1 << 30)
        posed = question(kind, self._studies, subject, chosen)
        with self._alone:
            why = posed.why_not()
            if isinstance(posed, Review) and not why:
                posed.claimed  # noqa: B018  measured now, so that the answer is judged at once
        if why:
            raise LabError(f"{subject.name}: {why}")
        return posed


def _page(template: str, status: int = 200, **values: Any) -> Response:
    text = make_page(
        template,
        package="lab.training.web",
        styles=["review.css"],
        scripts=["player.js", "review.js"],
        connect="'self'",
        **values,
    )
    return HTMLResponse(text, status)


def _result(posed: Question, judgement: Judgement, earned: int, days: int) -> Response:
    given = view(posed, {}, 0, answers=False)
    return _page("result.html", it=given, result=result_view(judgement, posed), earned=earned, days=days)


def _trouble(text: str, status: int) -> Response:
    return _page("trouble.html", status, text=text)


def _one(form: Form, name: str) -> str:
    return form.get(name, [""])[0]


def _chosen(form: Form, name: str, choices: list[str]) -> str:
    """The choice; empty where there is none to make."""
    given = _one(form, name)
    if choices and given not in choices:
        raise LabError(f"Choose one of the names: {', '.join(choices)}.")
    return given
