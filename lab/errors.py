"""What a person did wrong, in one line: the value, where it came from and the remedy."""

from __future__ import annotations

import functools
from collections.abc import Callable
from types import TracebackType
from typing import ParamSpec, TypeVar

from lab.origin import LAB

_P = ParamSpec("_P")
_T = TypeVar("_T")


class LabError(Exception):
    """Base of every error that is the caller's to mend; its text is one line."""


class InvalidValue(LabError, ValueError):
    """A value of the right type that cannot be used."""


class InvalidType(LabError, TypeError):
    """A value of the wrong type."""


class WitnessError(InvalidValue):
    """A witness file that cannot be read or does not belong here."""


class NeedsThreads(LabError):
    """The program can only run on the other carrier, with an OS thread for each actor."""


class NotDeterministic(LabError):
    """The same schedule gave two different executions."""


class OutOfTime(Exception):
    """An execution was cut short because the time is up; nothing is known of it."""


class Interrupted(BaseException):
    """A signal's handler raised ``error`` while a program ran; no handler of exceptions in between may keep it."""

    def __init__(self, error: BaseException) -> None:
        super().__init__(error)
        self.error = error


def door(function: Callable[_P, _T]) -> Callable[_P, _T]:
    """Let a `LabError` leave ``function`` with the caller's own lines in its traceback, not the lab's.

    What is wrong stands in the message.  Where the lab itself failed, the error's cause has every line.
    What a signal's handler raised leaves as it is.
    """

    @functools.wraps(function)
    def opened(*arguments: _P.args, **options: _P.kwargs) -> _T:
        __tracebackhide__ = True
        try:
            return function(*arguments, **options)
        except Interrupted as stop:
            raise stop.error.with_traceback(_without_own(stop.error.__traceback__)) from stop.error.__cause__
        except LabError as error:
            raise error.with_traceback(_without_own(error.__traceback__)) from error.__cause__

    return opened


def _without_own(entry: TracebackType | None) -> TracebackType | None:
    kept = []
    while entry is not None:
        if not entry.tb_frame.f_code.co_filename.startswith(LAB):
            kept.append(entry)
        entry = entry.tb_next
    following: TracebackType | None = None
    for one in reversed(kept):
        following = TracebackType(following, one.tb_frame, one.tb_lasti, one.tb_lineno)
    return following
