"""The pages: an exercise, the answer to it, and what is in the course."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from lab.errors import LabError
from lab.training.course import Course, points
from lab.training.history import History
from lab.training.questions import KINDS, Break, Judgement, Question
from lab.training.repairs import BUDGET, Fix, question
from lab.training.studies import Studies
from lab.training.subject import Subject, by_name
from lab.training.web.asked import WIDTH, Form, Handler, judged, one, page, patch_of, trouble
from lab.training.web.grading import Grading
from lab.training.web.jobs import Job
from lab.training.web.views import result_view, view


class Application(Grading):
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
        self._subjects = by_name(subjects)
        self._addresses = {subject.key: name for name, subject in self._subjects.items()}
        self._history = history
        self._kinds = kinds
        self._seed = seed
        self._answers = answers
        self._course: Iterator[Question] = iter(Course(subjects, kinds, studies, history, seed))
        addresses: list[tuple[str, str, Handler]] = [
            ("GET", "/", self._home),
            ("GET", "/next", self._next),
            ("GET", "/exercise/{name}/{kind}", self._exercise),
            ("POST", "/exercise/{name}/{kind}", self._answer),
        ]
        super().__init__(studies, addresses)

    # ------------------------------------------------------------ pages

    def _home(self, _: Request, __: Form) -> Response:
        answers, right, earned = self._history.score()
        cards = self._history.cards()
        rows = []
        for name, subject in self._subjects.items():
            facts = self._studies.known(subject, "unsafe")
            boxes = [
                (kind, cards[subject.key, kind].box if (subject.key, kind) in cards else None) for kind in self._kinds
            ]
            rows.append(
                {"name": name, "level": facts.level if facts is not None and facts.fails else None, "kinds": boxes}
            )
        score = {"answers": answers, "right": right, "points": earned}
        return page("home.html", score=score, rows=rows, told=self._history.told)

    def _next(self, _: Request, __: Form) -> Response:
        with self._alone:
            posed = next(self._course, None)
        if posed is None:
            return trouble("Nothing is due, and nothing is new. Choose an exercise from the list.", 200)
        return RedirectResponse(f"/exercise/{quote(self._address(posed))}/{posed.kind}?seed={posed.seed}", 303)

    def _exercise(self, request: Request, _: Form) -> Response:
        return self._posed(self._question(request, request.query_params.get("seed", "")), {}, 0)

    def _posed(
        self, posed: Question, typed: Form, hints: int, complaint: str = "", tried: Judgement | None = None
    ) -> Response:
        given = view(posed, typed, hints, self._answers, self._address(posed))
        result = result_view(tried, posed) if tried is not None else None
        return page("exercise.html", it=given, exam=None, complaint=complaint, result=result, budget=BUDGET)

    def _answer(self, request: Request, form: Form) -> Response:
        posed = self._question(request, one(form, "seed"))
        seen = one(form, "hints")
        hints = int(seen) if seen.isdecimal() and len(seen) < 3 else 0
        if "hint" in form:
            return self._posed(posed, form, min(hints + 1, len(posed.hints())))
        if "solution" in form:
            return self._told(posed, Judgement(0.0, "The solution", tuple(posed.solution()), "", True), hints)
        if isinstance(posed, Fix):
            patch = patch_of(form)
            job = self._jobs.start(lambda tell: self._grade(posed, patch, hints, tell))
            return RedirectResponse(f"/job/{job.name}", 303)
        try:
            judgement, given = judged(posed, form)
        except LabError as error:
            return self._posed(posed, form, hints, str(error))
        if isinstance(posed, Break) and not judgement.is_right:
            return self._posed(posed, form, hints + 1, tried=judgement)
        return self._told(posed, judgement, hints, given)

    def _told(self, posed: Question, judgement: Judgement, hints: int, given: Sequence[str] = ()) -> Response:
        return self._result(posed, judgement, *self._put_down(posed, judgement, hints), given)

    def _result(
        self, posed: Question, judgement: Judgement, earned: int, days: int, given: Sequence[str] = ()
    ) -> Response:
        it = view(posed, {}, 0, False, self._address(posed))
        result = result_view(judgement, posed)
        return page("result.html", it=it, result=result, earned=earned, days=days, given=", ".join(given))

    def _put_down(self, posed: Question, judgement: Judgement, hints: int) -> tuple[int, int]:
        """What was earned, and in how many days it comes again."""
        earned = points(posed.facts, judgement.share, hints)
        card = self._history.answered(posed.subject.key, posed.kind, judgement.share, earned)
        return earned, round((card.due - self._history.now()) / 86_400)

    # ------------------------------------------------------------ patches

    def _grade(self, posed: Fix, patch: str, hints: int, tell: Callable[[str], None]) -> Callable[[], Response]:
        """Grade a patch, put down what that came to once, and give what shows it as often as it is asked for."""
        judgement = posed.judge(patch, WIDTH, tell)
        if not judgement.is_right:
            return lambda: self._posed(posed, {"patch": [patch]}, hints + 1, tried=judgement)
        put_down = self._put_down(posed, judgement, hints)
        return lambda: self._result(posed, judgement, *put_down)

    def _graded(self, job: Job) -> Response:
        if job.trouble:
            return trouble(job.trouble, 400)
        show: Callable[[], Response] = job.result
        return show()

    def _address(self, posed: Question) -> str:
        return self._addresses[posed.subject.key]

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
            if not why:
                posed.measure()
        if why:
            raise LabError(f"{subject.name}: {why}")
        return posed
