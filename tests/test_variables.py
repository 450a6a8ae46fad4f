"""Attributes that are reached through ``__dict__``: what goes wrong there is found, and nothing is proved."""

import types

import pytest

from lab import explore


class lazy:  # a descriptor, used as a decorator
    """Computes an attribute once, as many libraries do."""

    def __init__(self, function):
        self.function, self.name = function, function.__name__

    def __get__(self, instance, owner):
        value = instance.__dict__.get(self.name)
        if value is None:
            value = self.function(instance)
            instance.__dict__[self.name] = value
        return value


class App:
    def __init__(self):
        self.made, self.got = 0, []

    @lazy
    def engine(self):
        self.made += 1
        return object()


def get_engine(app):
    app.got.append(app.engine)


def engines(app):
    return len(set(map(id, app.got)))


@pytest.mark.parametrize("strategy", ["dpor", "pos"])
def test_a_lazy_attribute_is_made_twice(strategy):
    verdict = explore(App, [get_engine] * 2, outcome=engines, allowed={1}, strategy=strategy, schedules=200)
    assert verdict.status == "fails", verdict.reason
    assert "app.__dict__['engine']" in str(verdict)


def setup():
    return types.SimpleNamespace(thing=App(), seen=None)


def go_through(state):
    state.seen = dict(state.thing.__dict__).get("made")


def update(state):
    state.thing.__dict__.update({"made": 7})


def store(state):
    state.thing.__dict__["made"] = 7


def read(state):
    state.seen = state.thing.made


def write(state):
    state.thing.made = 7


@pytest.mark.parametrize(("one", "other"), [(go_through, write), (read, update), (read, store), (go_through, store)])
def test_an_attribute_is_seen_before_and_after(one, other):
    verdict = explore(setup, [one, other], outcome=lambda state: state.seen, strategy="dpor", schedules=100)
    assert (verdict.status, set(verdict.outcomes)) == ("unknown", {0, 7})
    assert "uses the attributes of an object as a dictionary" in verdict.reason
