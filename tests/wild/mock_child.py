"""mock: two threads ask a new mock for the same attribute.

The first look at an attribute makes the child.  In 4.0.3 nothing stands between
looking for it and storing it, so both can make one, and calls on the first go to a
mock that nobody can ask.  5.0.0 has a lock there, as has `unittest.mock`, of which
it is the copy, since 3.12, 3.11.1 and 3.10.9 (python/cpython#98624).
"""

from types import SimpleNamespace

try:
    from mock import Mock  # noqa: UP026  # the package, not the copy
except ImportError:
    from unittest.mock import Mock

TRACE = (Mock.__module__,)


def setup():
    return SimpleNamespace(mock=Mock(), alice=None, bob=None)


def alice(state):
    state.alice = state.mock.child


def bob(state):
    state.bob = state.mock.child


ACTORS = {"alice": alice, "bob": bob}
check = None
teardown = None


def outcome(state):
    return "one child" if state.alice is state.bob is state.mock.child else "two children"


ALLOWED = {"one child": "both got the child that the mock keeps"}
