"""What a step of a trace says was called, and what that gave."""

from __future__ import annotations

from collections import Counter, OrderedDict, defaultdict, deque

import pytest
from controlled import State

from lab import explore, replay


class Unhelpful:
    def __hash__(self):
        return hash("a")

    def __eq__(self, other):
        raise ZeroDivisionError


CALLS = [
    ({"a": 1}, lambda it: it.get("a"), "calls state.it.get('a'): 1"),
    ({"a": 1}, lambda it: it.get("b"), "calls state.it.get('b'): None"),
    ({"a": 1}, lambda it: it.get("b", 0), "calls state.it.get('b', 0): 0"),
    ({"a": 1}, lambda it: dict.get(it, "a"), "calls state.it.get('a'): 1"),
    ({"a": [1, 2]}, lambda it: it.pop("a"), "calls state.it.pop('a'): [1, 2]"),
    ({}, lambda it: it.pop("a", 3), "calls state.it.pop('a', 3): 3"),
    ({}, lambda it: it.setdefault("a", 3), "calls state.it.setdefault('a', 3): 3"),
    ({(1,): 2}, lambda it: it.get((1,)), "calls state.it.get((1,))"),  # whose comparison may be the program's
    (OrderedDict(a=1), lambda it: it.get("a"), "calls state.it.get('a'): 1"),
    (Counter("aab"), lambda it: it.get("a"), "calls state.it.get('a'): 2"),
    (defaultdict(int, a=1), lambda it: it.get("b"), "calls state.it.get('b'): None"),
    ([1, 2, 3], lambda it: it.pop(), "calls state.it.pop(): 3"),
    ([1, 2, 3], lambda it: it.pop(0), "calls state.it.pop(0): 1"),
    (deque([1, 2, 3]), lambda it: it.popleft(), "calls state.it.popleft(): 1"),
    ([1], lambda it: it.append(2), "calls state.it.append(2)"),
    ([1], lambda it: it.index(1), "calls state.it.index(1)"),
]


@pytest.mark.parametrize(("thing", "call", "told"), CALLS, ids=[told for _, _, told in CALLS])
def test_a_call_that_reads_an_item_says_which(thing, call, told):
    def read(state):
        call(state.it)

    def write(state):
        state.it.clear()

    program = {"setup": lambda: State(it=thing.copy()), "actors": {"alice": read, "bob": write}}
    found = explore(**program, check=lambda state: False)
    assert told in [step.what for step in found.witness.trace.steps if step.actor == "alice"]
    assert replay(found.witness, **program, check=lambda state: False).reason.startswith("fails again")


@pytest.mark.parametrize(
    ("thing", "call", "told", "error"),
    [
        ([], lambda it: it.pop(), "calls state.it.pop()", "IndexError: pop from empty list"),
        ({}, lambda it: it.pop("a"), "calls state.it.pop('a')", "KeyError: 'a'"),
        ({Unhelpful(): 1}, lambda it: it.get("a"), "calls state.it.get('a')", "ZeroDivisionError"),
        ({Unhelpful(): 1}, lambda it: it["a"], "reads state.it['a']", "ZeroDivisionError"),
        ({Unhelpful(): 1}, lambda it: "a" in it, "asks 'a' in state.it", "ZeroDivisionError"),
    ],
)
def test_what_gives_nothing_or_only_the_program_knows(thing, call, told, error):
    def touch(state):
        state.it.extend(()) if type(state.it) is list else state.it.update({})

    found = explore(lambda: State(it=thing.copy()), {"bob": touch, "alice": lambda state: call(state.it)})
    assert found.failure.message == f"{error} left alice"
    assert [step.what for step in found.witness.trace.steps if step.actor == "alice"][-1] == told
