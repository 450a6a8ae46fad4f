"""Run an ordinary test function several times at once, as controlled threads that share its fixtures.

The fixtures are the test runner's: they are made once and not for every schedule, so what one
call leaves behind the next one finds.  A test that only passes on untouched fixtures
therefore fails here, even if its copies run one after another; and then that is said.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from lab.errors import InvalidType
from lab.explorer import explore
from lab.program import describe
from lab.verdict import Verdict

SCHEDULES = 20
"""How many schedules each test gets unless a session says otherwise: the fixtures are not made anew for each."""
_SHARED = "the copies share the fixtures, which are not made anew for each call"


def interleave(
    function: Callable[..., Any],
    fixtures: Mapping[str, Any],
    copies: int,
    passing: tuple[type[BaseException], ...] = (),
) -> Verdict:
    """Explore ``copies`` calls of ``function`` running at once, each with those of the ``fixtures`` that it names.

    An exception of a type in ``passing``, such as a test runner's skip, ends a call
    without a failure and is raised again at the end.  Raises InvalidType for a function
    that cannot be run so.
    """
    _refuse(function, copies)
    arguments = {name: fixtures[name] for name in inspect.signature(function).parameters if name in fixtures}
    passed: list[BaseException] = []

    def call(_: None) -> None:
        try:
            function(**arguments)
        except passing as error:
            passed.append(error)

    actors = {f"copy {number}": call for number in range(1, copies + 1)}
    verdict = explore(lambda: None, actors, schedules=SCHEDULES)
    if verdict.status != "fails" and passed:
        raise passed[0]
    if verdict.witness is not None and verdict.method == "explore":
        verdict.witness = replace(verdict.witness, copies=copies)
    if verdict.status == "fails":
        verdict.notes += _alone(function, arguments, passing)
    return verdict


def _alone(
    function: Callable[..., Any], arguments: Mapping[str, Any], passing: tuple[type[BaseException], ...]
) -> tuple[str, ...]:
    """What to say if one more call fails with nothing beside it: then no schedule need be to blame."""
    try:
        function(**arguments)
    except passing:
        return ()
    except Exception as error:
        return (f"alone: one more call fails by itself ({describe(error)}), so this may be no race: {_SHARED}",)
    return ()


def _refuse(function: Callable[..., Any], copies: int) -> None:
    reason = ""
    if inspect.iscoroutinefunction(function) or inspect.isasyncgenfunction(function):
        reason = "an async function, and only plain functions can be interleaved yet"
    elif getattr(function, "is_hypothesis_test", False):
        reason = "run by Hypothesis, which cannot run one test twice at once"
    if reason:
        name = getattr(function, "__qualname__", repr(function)).rpartition("<locals>.")[2]
        raise InvalidType(f"--lab-interleave {copies}: {name}() is {reason}; deselect it")
