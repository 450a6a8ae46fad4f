"""A process that the program forks: it goes on with one actor, and must never go on with the lab's own work.

Of all threads only the one that forks exists in the child.  There it runs out of control, and where a
thread would end, so does the process: with the status 0, and with no test runner's teardown.
"""

from __future__ import annotations

import os
import sys
import traceback
from contextlib import suppress
from threading import get_ident
from typing import NoReturn

from lab.hooks import DRIVERS, Bystander
from lab.orphans import end_with

FORKED: set[int] = set()
"""In a child: the OS thread that forked, if it was under control or hammered then.  It must not go on as the lab's."""


def _forget_drivers() -> None:
    driver = DRIVERS.get(get_ident())
    if driver is not None:
        FORKED.add(get_ident())
    if type(driver) is Bystander:  # setup or a check has forked it, such as the process of a manager
        end_with()
    DRIVERS.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_drivers)


class ProcessEnd(BaseException):
    """An actor asked for the end of the whole process."""

    def __init__(self, status: object, place: str) -> None:
        super().__init__(f"os._exit({status!r})")
        self.place = place


class ChildFailure(BaseException):
    """What went wrong in the process of an actor, as it told it itself or as its end shows."""

    def __init__(self, message: str, detail: tuple[str, ...] = (), kind: str = "exception") -> None:
        super().__init__(message)
        self.kind = kind  # of the failure
        self.message = message
        self.detail = detail


def end_child(error: BaseException | None = None) -> NoReturn:
    """End the child as it ends with its last thread; what left that is printed."""
    with suppress(BaseException):
        if error is not None and not isinstance(error, SystemExit):
            traceback.print_exception(error)
        sys.stdout.flush()
        sys.stderr.flush()
    os._exit(0)
