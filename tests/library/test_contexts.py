"""`contextvars`: what runs in a context is called like any code, and the context is an object that others may use."""

from __future__ import annotations

import contextvars
import functools
import threading

import pytest

import lab
from tests.controlled import alike, words
from tests.library.judging import State, both_counted, finds, guarded_increment, holds, increment

VARIABLE: contextvars.ContextVar[int] = contextvars.ContextVar("VARIABLE", default=0)


class Calling:
    def __init__(self, act):
        self.act = act

    def __call__(self, state):
        self.act(state)


def in_copy(act):
    return lambda state: contextvars.copy_context().run(act, state)


def make():
    return State(context=contextvars.copy_context(), value=0, lock=threading.Lock(), inside=0, seen=[])


def test_each_thread_has_its_own_values(carrier):
    def change(state):
        assert VARIABLE.get() == 0
        VARIABLE.set(1)
        state.seen.append(VARIABLE.get())

    for actor in (change, in_copy(change), in_copy(in_copy(change))):
        holds(carrier, make, [actor] * 2, lambda state: state.seen == [1, 1] and VARIABLE.get() == 0)


@pytest.mark.parametrize(
    "run",
    [
        lambda act, state: contextvars.copy_context().run(act, state),
        lambda act, state: contextvars.copy_context().run(lambda: act(state)),
        lambda act, state: contextvars.Context().run(contextvars.copy_context().run, act, state),
        lambda act, state: contextvars.Context.run(contextvars.Context(), functools.partial(act, state)),
        lambda act, state: contextvars.copy_context().run(Calling(act), state),
    ],
)
def test_what_runs_in_a_context_is_stepped(carrier, run):
    def of(act):
        return lambda state: run(act, state)

    finds(carrier, make, [of(increment)] * 2, both_counted)
    holds(carrier, make, [of(guarded_increment)] * 2, both_counted)


def test_a_context_that_two_enter(carrier):
    def enter(state):
        state.context.run(increment, state)

    finds(carrier, make, [enter, enter], kind="exception", message="RuntimeError: cannot enter context")


def test_to_leave_a_context_is_a_step_of_its_own(carrier):
    def mark(state):
        state.inside = 1

    def enter(state):
        state.context.run(mark, state)

    def follow(state):
        if state.inside:
            state.context.run(mark, state)

    finds(carrier, make, [enter, follow], kind="exception", message="RuntimeError: cannot enter context")


@pytest.mark.parametrize("kind", [functools.partial, Calling])
@pytest.mark.parametrize("last", [True, False])
def test_what_one_sets_in_a_context_another_one_sees_at_once(carrier, last, kind):
    def change(state):
        if last:
            state.inside = 1
        token = VARIABLE.set(1)
        VARIABLE.reset(token)
        VARIABLE.set(2)
        if not last:
            state.inside = 1

    def look(state):
        state.seen = state.inside, state.context.get(VARIABLE)

    seen = {(0, None), (0, 1), (0, 2), (1, 2)} | ({(1, None), (1, 1)} if last else set())
    actors = [lambda state: state.context.run(kind(change), state), look]
    found = lab.explore(make, actors, outcome=lambda state: state.seen, carrier=carrier, strategy="dpor")
    assert (found.status, set(found.outcomes)) == ("holds", seen), str(found)


@pytest.mark.parametrize(
    "call",
    [
        lambda context: context.run(),
        lambda context: context.run(1),
        lambda context: context.run(lambda: 1, 2),
        lambda context: context.run(context.run, lambda: 1),
        lambda context: VARIABLE.set(),
        lambda context: context.run(lambda: VARIABLE.set(1, 2)),
        lambda context: context.run(lambda: VARIABLE.reset(None)),
        lambda context: context.run(len, [1, 2]),
    ],
)
def test_mistakes_are_complained_about_in_cpython_s_words(call):
    alike(lambda: _without_address(call))


def _without_address(call):
    told = words(call, contextvars.Context())
    return told.partition(" at 0x")[0] if isinstance(told, str) else told
