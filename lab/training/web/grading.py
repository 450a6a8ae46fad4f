"""What a course and an exam in the browser have in common: their addresses, and patches that are being graded."""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections.abc import Iterable

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from lab.training.studies import Studies
from lab.training.web.asked import Form, Handler, in_thread, not_found, page, trouble
from lab.training.web.jobs import Job, Jobs


class Grading(ABC):
    """Pages, of which some tell how far the grading of a patch is."""

    _is_exam = False

    def __init__(self, studies: Studies, addresses: Iterable[tuple[str, str, Handler]]) -> None:
        self._studies = studies
        self._jobs = Jobs()
        self._alone = threading.Lock()  # a study is made once, and a question answered once
        known = [
            *addresses,
            ("GET", "/job/{job}", self._show_job),
            ("GET", "/job/{job}/state", self._state),
        ]
        self.app = Starlette(
            routes=[Route(path, in_thread(handler), methods=[method]) for method, path, handler in known],
            exception_handlers={404: not_found},
        )

    def close(self) -> None:
        """Let nothing go on."""
        self._studies.stopped.set()
        self._jobs.join()

    def _show_job(self, request: Request, _: Form) -> Response:
        job = self._jobs.get(request.path_params["job"])
        if job is None:
            return trouble("This patch is no longer remembered.", 404)
        if not job.is_over:
            return page("job.html", exam=self._is_exam, job=job.name, progress=job.progress)
        return self._graded(job)

    @abstractmethod
    def _graded(self, job: Job) -> Response:
        """What a patch came to, or what was wrong with it."""

    def _state(self, request: Request, _: Form) -> Response:
        """How far a patch is, for the script of its page."""
        job = self._jobs.get(request.path_params["job"])
        if job is None:
            return JSONResponse({"over": True, "progress": ""})
        return JSONResponse({"over": job.is_over, "progress": job.progress})
