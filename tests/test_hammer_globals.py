"""Programs that are no imported module, as in a notebook or a doctest: their globals are shared, and their own."""

from __future__ import annotations

from typing import Any

from lab import explore, hammer

_TOTAL = """
class State: pass

def setup():
    global total
    total = 0
    return State()

def add(state):
    global total
    total = total + 1

def outcome(state):
    return total
"""


def executed() -> dict[str, Any]:
    """The names of a program that is no module; each has the same name and its own globals."""
    names: dict[str, Any] = {"__name__": "of no module"}
    exec(_TOTAL, names)
    return names


def test_globals_of_no_imported_module_are_hammered_one_round_at_a_time() -> None:
    names = executed()
    verdict = hammer(names["setup"], [names["add"]] * 2, outcome=names["outcome"], allowed={1, 2}, seconds=0.2, noise=0)
    assert not verdict.failure
    assert verdict.notes[-1].startswith("singly: ")


def test_globals_are_told_apart_whatever_their_modules_are_called() -> None:
    first, second = executed(), executed()

    def setup() -> tuple[Any, Any]:
        return first["setup"](), second["setup"]()

    verdict = explore(setup, [first["add"], second["add"]])
    assert verdict.schedules == 1
