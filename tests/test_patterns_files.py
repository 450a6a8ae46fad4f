"""Patterns at files, their names and databases, told of steps written by hand."""

import pytest

from lab.detectors.account import Account
from lab.detectors.pattern import find
from lab.program import Failure
from lab.trace import Place, Step


def filed(*told):
    """Each step as (actor, word, name, places); a place with an exclamation mark is written."""
    steps = [Step(actor, Place("/w/a.py", "f", 0, "x", 1), word, name, None) for actor, word, name, *_ in told]
    touches = [
        tuple(((1, "contents" if place[0] == "=" else ("entry", place.strip("!"))), "!" in place) for place in places)
        for _, _, _, *places in told
    ]
    return Account(steps, touches, [None] * len(steps), Failure("outcome", "outcome 1", ()))


@pytest.mark.parametrize(
    ("told", "pattern", "story"),
    [
        (
            [("a", "fetches from", "t", "="), ("b", "commits to", "t", "=!"), ("a", "executes in", "t", "=!")],
            "stale read",
            "a fetched from t (step 1) before b committed to t (step 2), did not look again and executed in t (step 3): a stale read.",
        ),
        (
            [("a", "opens", "f", "f"), ("b", "renames g to", "f", "g!", "f!"), ("a", "renames h to", "f", "h!", "f!")],
            "lost update",
            "a opened f (step 1) before b renamed g to f (step 2), and then renamed h to f over it (step 3): a lost update.",
        ),
        (
            [("a", "asks whether it exists", "f", "f"), ("b", "links", "f", "f!"), ("a", "opens", "f", "f", "=!")],
            "check-then-act",
            "a asked whether f exists (step 1), then b linked f (step 2), and then a opened f (step 3): check-then-act.",
        ),
        (
            [("a", "writes", "f", "=!"), ("b", "writes", "f", "=!"), ("a", "writes", "f", "=!")],
            "torn write",
            "b wrote f (step 2) after a wrote f (step 1) and before a wrote f (step 3): a torn write.",
        ),
    ],
    ids=["row", "replaced", "name", "mixed"],
)
def test_patterns_at_files(told, pattern, story):
    found = find(filed(*told), lambda pair: True)
    assert (found.pattern, found.story) == (pattern, story)
    assert find(filed(*told), lambda pair: False) is None


@pytest.mark.parametrize(
    "told",
    [
        [("a", "fetches from", "t", "="), ("b", "fetches from", "t", "="), ("a", "executes in", "t", "=!")],
        [("a", "opens", "f", "f"), ("b", "renames g to", "h", "g!", "h!"), ("a", "renames i to", "f", "i!", "f!")],
        [("a", "asks whether it exists", "f", "f"), ("b", "links", "g", "g!"), ("a", "opens", "f", "f", "=!")],
        [("a", "writes", "f", "=!"), ("a", "writes", "f", "=!"), ("b", "writes", "f", "=!")],
    ],
    ids=["row", "replaced", "name", "mixed"],
)
def test_no_pattern_at_files_where_there_is_none(told):
    found = find(filed(*told), lambda pair: True)
    assert found is None or not found.pattern
