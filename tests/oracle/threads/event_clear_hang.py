from threading import Event
from types import SimpleNamespace as State


def setup():
    return State(e=Event(), r=None)


def a(s):
    s.e.set()
    s.e.clear()


def b(s):
    s.e.wait()


ACTORS = [a, b]


def outcome(s):
    return s.r
