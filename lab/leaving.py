"""An exception that left an actor: the failure that it is, or the error of the lab or of its caller that it shows."""

from __future__ import annotations

import os

from lab.carriers.control import Control
from lab.errors import LabError
from lab.forks import ChildFailure, ProcessEnd
from lab.origin import LAB, shown
from lab.program import Failure, describe

_TWINS = tuple(
    os.path.join(LAB, *parts)
    for parts in (("virtual", ""), ("filesystem", ""), ("carriers", "dialing.py"), ("carriers", "sockets.py"))
)
"""Where what the real objects raise is raised."""

ITSELF = "the lab itself failed"
"""How the error begins that is nobody's but the lab's."""


def exception_of(control: Control) -> Failure:
    """The failure that ended the execution; raises LabError if it is none of the program's."""
    actor = next(actor for actor in control.actors if actor.error is not None)
    error = actor.error
    assert error is not None
    if isinstance(error, LabError):  # the lab was misused, which is no finding
        raise error
    if isinstance(error, ChildFailure):
        return Failure(error.kind, error.message, error.detail)
    if isinstance(error, ProcessEnd):
        return Failure(
            "exception", f"{actor.name} called {error}, which ends the process", (f"{actor.name}: {error.place}",)
        )
    detail = []
    entry = error.__traceback__
    innermost = ""
    while entry is not None:
        code = entry.tb_frame.f_code
        if not code.co_filename.startswith(LAB):
            detail.append(f"{actor.name}: {shown(code.co_filename)}:{entry.tb_lineno} in {code.co_qualname}")
        innermost = code.co_filename
        entry = entry.tb_next
    own = innermost.startswith(LAB) and not innermost.startswith(_TWINS)
    if own and not isinstance(error, RecursionError | MemoryError):  # the program's depth and size, wherever they show
        raise LabError(f"{ITSELF} while {actor.name} ran: {describe(error)}; please report this") from error
    return Failure("exception", f"{describe(error)} left {actor.name}", tuple(detail[-6:]))
