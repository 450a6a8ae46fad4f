"""Run an ordinary test function several times at once, as controlled threads that share its fixtures."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from lab.errors import InvalidValue
from lab.explorer import explore
from lab.verdict import Verdict

SCHEDULES = 20
"""How many schedules each test gets unless a session says otherwise: the fixtures are not made anew for each."""


def interleave(
    function: Callable[..., Any], arguments: Mapping[str, Any], copies: int, passing: type[BaseException] | None = None
) -> Verdict:
    """Explore ``copies`` calls of ``function(**arguments)`` running at once.

    An exception of the type ``passing``, such as a test runner's skip, ends a call
    without a failure and is raised again at the end.
    """
    if copies < 2:
        raise InvalidValue(f"--lab-interleave {copies}: one copy cannot race; give 2 or more")
    passed: list[BaseException] = []

    def call(_: None) -> None:
        try:
            function(**arguments)
        except BaseException as error:
            if passing is None or not isinstance(error, passing):
                raise
            passed.append(error)

    verdict = explore(lambda: None, {f"copy {number}": call for number in range(1, copies + 1)}, schedules=SCHEDULES)
    if verdict.status != "fails" and passed:
        raise passed[0]
    return verdict
