"""Exceptions, checks and outcomes: what explore calls a failure, and in which words."""

from __future__ import annotations

import re
import sys
import threading
from functools import partial
from pathlib import Path

import pytest
from controlled import State, failure, marked

from lab import explore

at = partial(marked, __file__)


def inside(mark, where):
    """The same, as a line of a traceback."""
    path, _, number = at(mark).partition(":")
    return f"{Path(__file__).relative_to(Path.cwd()).parent}/{path}:{number} in {where}"


# ------------------------------------------------------------ exceptions


class Custom(BaseException):
    """Not even an Exception."""


def exit_by_sys():
    sys.exit(3)


def leave_by(error):
    def leave():
        raise error  # raised

    return leave


@pytest.mark.parametrize(
    ("leave", "told"),
    [
        (leave_by(ValueError("no\nsecond line")), "ValueError: no"),
        (leave_by(KeyError("k")), "KeyError: 'k'"),
        (leave_by(SystemExit(3)), "SystemExit: 3"),
        (leave_by(SystemExit()), "SystemExit"),
        (exit_by_sys, "SystemExit: 3"),
        (leave_by(KeyboardInterrupt()), "KeyboardInterrupt"),
        (leave_by(GeneratorExit()), "GeneratorExit"),
        (leave_by(StopIteration(1)), "StopIteration: 1"),
        (leave_by(Custom("own")), "Custom: own"),
        (leave_by(AssertionError()), "AssertionError"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
@pytest.mark.parametrize("who", ["actor", "child"])
def test_an_exception_that_leaves_a_thread(leave, told, who):
    def start(state):
        child = threading.Thread(target=leave, name="child")
        child.start()
        child.join()

    if who == "child" and told.startswith("SystemExit"):
        pytest.skip("sys.exit() in a thread is how CPython lets it end quietly; undecided here")
    actors = {"alice": (lambda state: leave()) if who == "actor" else start}
    kind, message, _ = failure(lambda: None, actors)
    assert (kind, message) == ("exception", f"{told} left {'alice' if who == 'actor' else 'child'}")


def test_endless_recursion():
    def recurse(state):
        recurse(state)

    kind, message, _ = failure(lambda: None, {"alice": recurse})
    assert kind == "exception"
    how = "( in comparison| while calling a Python object)?"  # as the interpreter came to notice
    assert re.fullmatch(f"RecursionError: maximum recursion depth exceeded{how} left alice", message)


def test_an_exception_tells_where_it_came_from():
    def helper(state):
        return state["missing"]  # the culprit

    def act(state):
        helper(state)  # the caller

    name = "test_an_exception_tells_where_it_came_from.<locals>."
    assert failure(dict, {"alice": act}) == (
        "exception",
        "KeyError: 'missing' left alice",
        (
            f"alice: {inside('the caller', name + 'act')}",
            f"alice: {inside('the culprit', name + 'helper')}",
        ),
    )


def test_an_exception_of_a_twin_tells_where_it_came_from():
    def act(lock):
        lock.release()  # released too often

    name = "test_an_exception_of_a_twin_tells_where_it_came_from.<locals>.act"
    assert failure(threading.Lock, {"alice": act}) == (
        "exception",
        "RuntimeError: release unlocked lock left alice",
        (f"alice: {inside('released too often', name)}",),
    )


def test_an_exception_that_the_program_catches_is_none():
    def act(state):
        try:
            state["missing"]
        except KeyError:
            state["caught"] = True

    found = explore(dict, [act, act], outcome=lambda state: state["caught"], schedules=20)
    assert (found.status, dict(found.outcomes)) == ("holds", {True: 4})


# ------------------------------------------------------------ check


def refuse(state):
    raise AssertionError("first line\nsecond line")


def break_down(state):
    raise LookupError("no such thing")


def refuse_silently(state):
    raise AssertionError


@pytest.mark.parametrize(
    ("check", "kind", "message"),
    [
        (lambda state: False, "check", "<lambda>() returned False"),
        (refuse, "check", "first line"),
        (refuse_silently, "check", "refuse_silently() failed an assertion"),
        (break_down, "exception", "break_down() raised LookupError: no such thing"),
    ],
)
def test_a_check_that_fails(check, kind, message):
    assert failure(lambda: None, {"alice": lambda state: None}, check=check)[:2] == (kind, message)


@pytest.mark.parametrize("given", [None, True, 0, "", []])
def test_a_check_that_gives_anything_but_false_is_content(given):
    found = explore(lambda: None, [lambda state: None], check=lambda state: given, schedules=3)
    assert (found.status, found.failure) == ("holds", None)


def test_an_outcome_that_breaks_down():
    assert failure(lambda: None, {"alice": lambda state: None}, outcome=break_down)[:2] == (
        "exception",
        "break_down() raised LookupError: no such thing",
    )


def test_an_outcome_that_is_not_allowed():
    def double(state):
        state.value *= 2

    options = {"outcome": lambda state: state.value, "allowed": {4: "both doubled", 2: "one"}, "schedules": 5}
    found = explore(lambda: State(value=2), {"alice": double, "bob": double}, **options)
    assert str(found.failure) == "outcome: outcome 8 (allowed: 2, 4)"
    found = explore(lambda: State(value=2), {"alice": double}, **options | {"allowed": None, "forbidden": {4: "wrong"}})
    assert str(found.failure) == "outcome: outcome 4: wrong"
