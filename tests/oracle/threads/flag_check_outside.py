from threading import Condition
from types import SimpleNamespace as State


def setup():
    return State(c=Condition(), v=0)


def a(s):
    if not s.v:
        with s.c:
            s.c.wait()


def b(s):
    s.v = 1
    with s.c:
        s.c.notify()


ACTORS = [a, b]


def outcome(s):
    return s.v
