"""What requests bring and what they are answered with: forms, judged answers, pages."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from lab.errors import LabError
from lab.report.html.pages import page as make_page
from lab.training.questions import Break, Judgement, Question, Review, Spot, given_to_spot, read_lines

WIDTH = 100
"""Columns of a trace."""

Form = dict[str, list[str]]
Handler = Callable[[Request, Form], Response]


def in_thread(handler: Handler) -> Callable[[Request], Any]:
    """Answers are found in a thread, as the engine takes its time; what is wrong with a request is told."""

    async def handle(request: Request) -> Response:
        form = parse_qs((await request.body()).decode("utf-8", "replace"), keep_blank_values=True)
        try:
            return await run_in_threadpool(handler, request, form)
        except LabError as error:
            return trouble(str(error), 400)

    return handle


async def not_found(*_: Any) -> Response:
    """For an address that there is not."""
    return trouble("There is no such page.", 404)


def one(form: Form, name: str) -> str:
    """The first value of that name, or an empty one."""
    return form.get(name, [""])[0]


def judged(posed: Question, form: Form) -> tuple[Judgement, list[str]]:
    """The answer in a form, judged, and in text; raises LabError where it cannot be read.  A patch is none of them."""
    if isinstance(posed, Spot):
        lines = read_lines(" ".join(form.get("line", [])), posed.lines)
        name = _chosen(form, "bug", posed.choices)
        return posed.judge(lines, name), given_to_spot(lines, name)
    if isinstance(posed, Break):
        schedule = one(form, "schedule")
        return posed.judge(schedule, WIDTH), [schedule]
    assert isinstance(posed, Review)
    verdict = _chosen(form, "verdict", posed.choices)
    return posed.judge(verdict), [verdict]


def patch_of(form: Form) -> str:
    """Code as it was typed; a browser sends other ends of lines."""
    return one(form, "patch").replace("\r\n", "\n")


def _chosen(form: Form, name: str, choices: list[str]) -> str:
    """The choice; empty where there is none to make."""
    given = one(form, name)
    if choices and given not in choices:
        raise LabError(f"Choose one of the names: {', '.join(choices)}.")
    return given


def page(template: str, status: int = 200, **values: Any) -> Response:
    """A page of the training, with its scripts."""
    text = make_page(
        template,
        package="lab.training.web",
        styles=["review.css"],
        scripts=["player.js", "review.js"],
        connect="'self'",
        **values,
    )
    return HTMLResponse(text, status)


def trouble(text: str, status: int) -> Response:
    """A page that says why there is no other one."""
    return page("trouble.html", status, text=text)
