"""Pykka: two threads get the value of one future.

4.2.0 keeps the value in a queue with room for one.  Whoever comes first takes it
out and stores it beside the queue; who looked for a stored value a moment too
early waits for a second one that never comes.  4.3.0 stores it under a condition,
and everybody who waits is told.
"""

from types import SimpleNamespace

from pykka import ThreadingFuture

TRACE = ("pykka",)


def setup():
    return SimpleNamespace(future=ThreadingFuture(), alice=None, bob=None)


def alice(state):
    state.alice = state.future.get()


def bob(state):
    state.bob = state.future.get()


def setter(state):
    state.future.set("ready")


ACTORS = {"alice": alice, "bob": bob, "setter": setter}
check = None
teardown = None


def outcome(state):
    return (state.alice, state.bob)


ALLOWED = {("ready", "ready"): "both got the value"}
