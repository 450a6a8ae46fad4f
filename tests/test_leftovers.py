"""What one execution leaves to the next is no part of a proof."""

from __future__ import annotations

import functools
import itertools
import sys
from collections import Counter as Tally
from collections import OrderedDict, deque

import pytest
from controlled import State

from lab import explore
from lab.interleave import interleave


class Registry:
    instance = None
    names: list[str] = []
    numbers = itertools.count()

    @classmethod
    def get(cls):
        if cls.instance is None:
            cls.instance = State(users=0)
        return cls.instance


KEPT = {"seen": set(), "queue": deque(maxlen=3), "order": OrderedDict(), "tally": Tally(), "bytes": bytearray(2)}
CALLS = 0


def a_global(state):
    global CALLS
    CALLS = CALLS + 1


def the_first_time_only(state):
    state.mine = Registry.get()


def a_list_of_the_class(state):
    Registry.names.append("x")


def an_iterator_of_the_class(state):
    state.number = next(Registry.numbers)


def an_attribute_deep_inside(state):
    KEPT.setdefault("deep", [State(value=0)])[0].value += 1


def a_set(state):
    KEPT["seen"].add(len(KEPT["seen"]))


def a_full_deque(state):
    KEPT["queue"].append(State())


def an_ordered_dictionary(state):
    KEPT["order"][len(KEPT["order"])] = 1


def a_counter(state):
    KEPT["tally"]["x"] += 1


def some_bytes(state):
    KEPT["bytes"][0] = (KEPT["bytes"][0] + 1) % 256


KEEPING = [
    (a_global, f"{__name__}.CALLS changed from "),
    (the_first_time_only, "Registry.instance changed from None to <State> "),
    (a_list_of_the_class, "a list changed "),
    (an_iterator_of_the_class, "a count changed while it ran "),
    (an_attribute_deep_inside, "State.value changed from "),
    (a_set, "a set changed "),
    (a_full_deque, "a deque changed "),
    (an_ordered_dictionary, "a OrderedDict changed "),
    (a_counter, "a Counter changed "),
    (some_bytes, "a bytearray changed "),
]


@pytest.mark.parametrize("strategy", ["auto", "dpor"])
@pytest.mark.parametrize(("actor", "story"), KEEPING, ids=lambda it: getattr(it, "__name__", ""))
def test_what_stays_is_named(actor, story, strategy):
    Registry.instance = None
    verdict = explore(State, [actor], strategy=strategy, schedules=50)
    assert verdict.status == "unknown"
    assert f"setup does not make everything anew: {story}" in verdict.reason
    assert verdict.reason.endswith("in one execution, and so began the next")


def test_a_variable_of_an_outer_function():
    calls = 0

    def actor(state):
        nonlocal calls
        calls = calls + 1

    reason = explore(State, [actor], strategy="dpor").reason
    assert "setup does not make everything anew: a variable of an outer function changed from " in reason


def test_what_setup_puts_back_is_no_leftover():
    kept = State(value=0, items=[], table={})

    def setup():
        kept.value = 0
        kept.items.clear()
        kept.table.clear()
        return State(own=[])

    def actor(state):
        kept.value = kept.value + 1
        kept.items.append(state.own)
        kept.table[len(kept.table)] = state.own
        state.own.append(1)

    assert explore(setup, [actor], strategy="dpor").status == "holds"


def test_what_is_written_again_as_it_was_is_no_leftover():
    kept = State(mode="slow", cache={"a": 1})

    def actor(state):
        kept.mode = "fast"
        kept.cache["a"] = 1
        kept.mode = "slow"

    assert explore(State, [actor], strategy="dpor").status == "holds"


def test_states_that_the_program_collects_are_no_leftovers():
    states = []

    def setup():
        states.append(State(value=0))
        return states[-1]

    def actor(state):
        state.value = state.value + 1

    assert explore(setup, [actor, actor], strategy="dpor").reason == "all 4 classes of schedules"


DONE = False


def once(*_):
    global DONE
    DONE = True
    return 1


class Ordered:
    def __lt__(self, other):
        return bool(once())


class Shown:
    def __repr__(self):
        return str(once())

    def __hash__(self):
        return once()


@pytest.mark.parametrize(
    "act",
    [
        lambda: list(map(once, [1])),
        lambda: functools.reduce(once, [1, 2]),
        lambda: sorted([2, 1], key=once),
        lambda: sorted([Ordered(), Ordered()]),
        lambda: repr(Shown()),
        lambda: {Shown(): 1},
    ],
    ids=["map", "reduce", "key", "compared", "shown", "hashed"],
)
def test_what_a_callback_changes_once_before_it_is_known(act, monkeypatch):
    monkeypatch.setattr(sys.modules[__name__], "DONE", False)
    verdict = explore(lambda: None, [lambda _: act()] * 2, schedules=40)
    assert verdict.status == "unknown"
    assert "DONE changed from False to True in" in verdict.reason


def test_what_setup_makes_anew_is_no_leftover():
    class Kept:
        value = None

    def setup():
        Kept.value = [0]

    verdict = explore(setup, [lambda _: list(map(Kept.value.append, [1]))] * 2, schedules=40)
    assert verdict.status == "holds"


def test_a_test_that_changes_something_once_is_not_proved(monkeypatch):
    monkeypatch.setattr(sys.modules[__name__], "DONE", False)
    verdict = interleave(once, {}, 2)
    assert verdict.status == "unknown"
    assert "DONE changed from False to True" in verdict.reason
