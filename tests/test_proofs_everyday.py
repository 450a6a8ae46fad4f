"""Everyday code of which a proof must be possible: who never gets one stops to look at them."""

from __future__ import annotations

import collections
import threading
from typing import NamedTuple

import pytest
from controlled import State

from lab import explore


class Point(NamedTuple):
    x: int
    y: int


def holds(setup, actors, outcome, expected, classes):
    """It holds, in so many classes of schedules, and these are all outcomes."""
    found = explore(setup, actors, outcome=outcome, strategy="dpor", schedules=5_000)
    assert (found.status, found.schedules) == ("holds", classes), str(found)
    assert set(found.outcomes) == expected


MAPPINGS = {
    "dict": dict,
    "OrderedDict": collections.OrderedDict,
    "Counter": collections.Counter,
    "UserDict": collections.UserDict,
}


@pytest.mark.parametrize("name", MAPPINGS)
def test_a_key_is_asked_for_whatever_the_values_hold(name):
    """``in`` compares keys: what another actor does to a list that is a value is no part of it."""

    def add(state):
        if "key" not in state.things:
            state.things["key"] = []
        state.things["key"].append(1)

    def add_safely(state):
        with state.lock:
            add(state)
            state.things.setdefault("key", []).append(1)

    def setup():
        return State(things=MAPPINGS[name](), lock=threading.Lock())

    def length(state):
        return len(state.things["key"])

    holds(setup, [add, add], length, {1, 2}, 14 if name == "UserDict" else 10)
    holds(setup, [add_safely, add_safely], length, {4}, 2)


def test_a_list_is_looked_through_by_what_its_items_hold():
    """Here ``in`` compares what is inside of each, in one step, and others may change it in the middle."""
    found = explore(
        lambda: [[1], [2]],
        [lambda things: [3] in things, lambda things: things[1].append(3)],
        strategy="dpor",
    )
    assert (found.status, found.failure) == ("unknown", None)
    assert found.reason.endswith("reads what is inside of a container's items in one step")


@pytest.mark.parametrize("by_class", [False, True])
def test_a_method_written_in_c_as_the_target_of_a_thread(by_class):
    def both(items):
        if by_class:
            child = threading.Thread(target=list.append, args=(items, 1))
        else:
            child = threading.Thread(target=items.append, args=(1,))
        child.start()
        items.append(2)
        child.join()

    holds(list, [both], tuple, {(1, 2), (2, 1)}, 2)


def test_a_named_tuple_is_replaced():
    def step(state):
        state.point = state.point._replace(x=state.point.x + 1)

    def step_safely(state):
        with state.lock:
            step(state)
            state.seen = state.point._asdict(), Point._make(state.point)

    def setup():
        return State(point=Point(0, 0), lock=threading.Lock())

    def point(state):
        return state.point

    holds(setup, [step, step], point, {Point(1, 0), Point(2, 0)}, 6)
    holds(setup, [step_safely, step_safely], point, {Point(2, 0)}, 2)
