"""Serve until Ctrl-C: a socket of this machine alone, a token, and a clean end."""

from __future__ import annotations

import errno
import secrets
import socket
from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

from lab.errors import InvalidValue, LabError
from lab.training.history import History
from lab.training.paper import Paper
from lab.training.questions import KINDS
from lab.training.studies import Studies
from lab.training.subject import Subject

if TYPE_CHECKING:
    from starlette.types import ASGIApp

ADDRESS = "127.0.0.1"


def serve(
    subjects: list[Subject],
    studies: Studies,
    history: History,
    port: int,
    say: Callable[[str], None],
    *,
    kinds: tuple[str, ...] = KINDS,
    seed: int,
    answers: bool = False,
) -> None:
    """Serve exercises on ``port`` (0: any that is free); ``say`` is told the address to open.

    Raises LabError in one line where the packages are missing or the port is taken.
    """

    def application() -> Served:
        from lab.training.web.app import Application

        return Application(subjects, studies, history, kinds, seed, answers)

    _serve(application, port, say)


def serve_exam(paper: Callable[[], Paper], studies: Studies, port: int, say: Callable[[str], None]) -> None:
    """Serve the exam that ``paper`` draws, which may take its time: it is called once the port is known to be free.

    Raises LabError as `serve` does, and what ``paper`` raises.
    """

    def application() -> Served:
        from lab.training.web.examining import Examination

        return Examination(paper(), studies)

    _serve(application, port, say)


class Served(Protocol):
    """What is served: it has its pages, and can be told to end."""

    @property
    def app(self) -> ASGIApp: ...

    def close(self) -> None: ...


def _serve(make: Callable[[], Served], port: int, say: Callable[[str], None]) -> None:
    try:
        import uvicorn

        from lab.training.web.guard import Guard
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] not in ("starlette", "uvicorn", "anyio", "h11"):
            raise
        raise LabError(f"--web: needs {error.name}, which is not installed; pip install 'race-lab[web]'") from None
    token = secrets.token_urlsafe(24)
    with _listening(port) as listening:
        port = listening.getsockname()[1]
        application = make()
        config = uvicorn.Config(
            Guard(application.app, port, token),
            log_level="warning",
            access_log=False,
            lifespan="off",
            server_header=False,
            date_header=False,
            timeout_graceful_shutdown=2,
            ws="none",
        )
        say(f"http://{ADDRESS}:{port}/?token={token}")
        try:
            uvicorn.Server(config).run(sockets=[listening])
        except KeyboardInterrupt:  # which the server raises once more when it has ended
            pass
        finally:
            application.close()


def _listening(port: int) -> socket.socket:
    if not 0 <= port <= 65_535:
        raise InvalidValue(f"--port {port}: there is no such port; give one from 1 to 65535")
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((ADDRESS, port))
        listening.listen(128)
    except OSError as error:
        listening.close()
        taken = "is taken" if error.errno == errno.EADDRINUSE else f"cannot be used ({error.strerror})"
        raise InvalidValue(f"--port {port}: {taken}; give another one, or 0 for any that is free") from None
    return listening
