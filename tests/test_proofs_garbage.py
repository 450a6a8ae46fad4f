"""Finalizers of cyclic garbage run at any moment of a real program; here, between executions."""

from __future__ import annotations

import gc
import weakref
from types import SimpleNamespace as State

import pytest

from lab import explore
from lab.finalizers import Finalizers


class Closes:
    def __init__(self, state):
        self.state = state
        self.me = None

    def __del__(self):
        self.state.closed += 1


class Plain:
    me = None


def cyclic(state):
    thing = Closes(state)
    thing.me = thing
    state.turn += 1


def calls_back(state):
    thing = Plain()
    thing.me = thing
    state.reference = weakref.ref(thing, lambda _: setattr(state, "closed", 1))
    state.turn += 1


def finalize(state):
    thing = Plain()
    thing.me = thing
    weakref.finalize(thing, setattr, state, "closed", 1)
    state.turn += 1


def weak_values(state):
    thing = Plain()
    thing.me = thing
    state.known = weakref.WeakValueDictionary()
    state.known["thing"] = thing
    state.turn += 1


def only_later(state):
    """A cycle is left only where the other actor has been first."""
    if state.turn:
        cyclic(state)
    state.turn += 1


class Returns(Closes):
    """Brought back to life, so that it is not counted as garbage."""

    def __del__(self):
        RETURNED.append(self)
        self.me = None
        super().__del__()


RETURNED = []


def in_the_middle(leave):
    """An actor that leaves garbage only where another one is in the middle of its work."""

    def actor(state):
        busy = state.busy
        state.busy = busy + 1
        if busy:
            leave(state)
        state.busy -= 1
        state.turn = 1

    return actor


def returns(state):
    thing = Returns(state)
    thing.me = thing


def judged(*actors):
    return explore(
        lambda: State(closed=0, turn=0, busy=0),
        list(actors),
        outcome=lambda s: bool(s.turn),
        strategy="dpor",
        schedules=2000,
    )


@pytest.mark.parametrize(
    ("actor", "number", "name"),
    [
        (cyclic, 2, "Closes.__del__"),
        (calls_back, 2, "calls_back.<locals>.<lambda>"),
        (finalize, 1, "finalize.__call__"),
        (weak_values, 1, "remove"),
        (only_later, 2, "Closes.__del__"),
        (in_the_middle(calls_back), 2, "calls_back.<locals>.<lambda>"),
    ],
)
def test_a_finalizer_of_cyclic_garbage_is_no_part_of_a_proof(actor, number, name):
    verdict = judged(*[actor] * number)
    assert verdict.status == "unknown", str(verdict)
    assert name in verdict.reason
    assert "runs when garbage is collected, which can be at any moment" in verdict.reason


def test_garbage_of_a_single_class_of_schedules_is_seen():
    def first(state):
        state.turn = 1

    def second(state):
        thing = Plain()
        state.reference = weakref.ref(thing, lambda _: None)
        thing.me = None if state.turn else thing

    verdict = judged(first, second)
    assert verdict.status == "unknown", str(verdict)
    assert "second.<locals>.<lambda>" in verdict.reason


def test_what_comes_back_to_life_is_seen_though_it_is_not_counted():
    finalizers = Finalizers()
    returns(State(closed=0))
    finalizers.collect()
    assert RETURNED
    line = Returns.__del__.__code__.co_firstlineno
    told = "runs when garbage is collected, which can be at any moment"
    assert f"Returns.__del__ (tests/test_proofs_garbage.py:{line}) {told}" in finalizers.found


def test_the_whole_reason():
    line = Closes.__del__.__code__.co_firstlineno
    assert judged(cyclic).reason == (
        f"1 class of schedules covered, but Closes.__del__ (tests/test_proofs_garbage.py:{line}) runs when garbage is "
        "collected, which can be at any moment"
    )


def ends_at_once(state):
    Closes(state)
    state.turn += 1


def plain_cycle(state):
    thing = Plain()
    thing.me = thing
    state.turn += 1


def raises(state):
    try:
        raise ValueError
    except ValueError as error:
        kept = error  # which has the frame, which has it
    state.turn += kept is not None


@pytest.mark.parametrize("actor", [ends_at_once, plain_cycle, raises])
def test_what_ends_at_once_or_without_a_finalizer_holds(actor):
    verdict = judged(actor, actor)
    assert verdict.status == "holds", str(verdict)


def test_what_others_left_is_not_the_programs_garbage():
    def turn(state):
        state.turn += 1

    gc.disable()
    try:
        cyclic(State(closed=0, turn=0))
        verdict = judged(turn, turn)
    finally:
        gc.enable()
    assert verdict.status == "holds", str(verdict)
