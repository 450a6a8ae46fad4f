"""How an actor's process ended, in the words of whoever was told of it."""

from __future__ import annotations

import os
import signal
import sys
from contextlib import suppress
from typing import Any

from lab import errors
from lab.errors import LabError
from lab.forks import ChildFailure
from lab.origin import LAB, shown
from lab.program import describe

_MOST_LINES = 6


def told(error: BaseException) -> tuple[Any, ...]:
    """What left an actor, as plain values that can be sent."""
    if isinstance(error, LabError):
        return ("misuse", type(error).__name__, str(error))
    if isinstance(error, SystemExit):
        code = error.code
        if code is None or isinstance(code, int):
            return ("exit", (code or 0) & 0xFF)
        print(code, file=sys.stderr)
        return ("exit", 1, describe(error))
    lines = []
    entry = error.__traceback__
    while entry is not None:
        code_object = entry.tb_frame.f_code
        if not code_object.co_filename.startswith(LAB):
            lines.append((code_object.co_filename, entry.tb_lineno, code_object.co_qualname))
        entry = entry.tb_next
    return ("raised", describe(error), tuple(lines[-_MOST_LINES:]))


def complaint(name: str, payload: tuple[Any, ...]) -> BaseException | None:
    """What is wrong with how the actor of that name says that it ended; None if nothing is."""
    kind, *rest = payload
    if kind == "misuse":
        misuse: BaseException = getattr(errors, rest[0], LabError)(rest[1])
        return misuse
    if kind == "broken":
        return LabError(f"the lab itself failed in the process of {name}; please report this:\n{rest[0]}")
    if kind == "exit" and rest[0]:
        return ChildFailure(f"{rest[1] if rest[1:] else f'SystemExit: {rest[0]}'} left {name}")
    if kind == "raised":
        lines = tuple(f"{name}: {shown(file)}:{line} in {function}" for file, line, function in rest[1])
        return ChildFailure(f"{rest[0]} left {name}", lines)
    return None


def how_ended(status: int) -> str:
    """The status that `os.waitpid` gave, in words."""
    if os.WIFSIGNALED(status):
        number = os.WTERMSIG(status)
        with suppress(ValueError):
            return f"was killed by {signal.Signals(number).name}"
        return f"was killed by signal {number}"
    return f"ended its process with status {os.WEXITSTATUS(status)}"
