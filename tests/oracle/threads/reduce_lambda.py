import functools
from types import SimpleNamespace as State


def setup():
    return State(l=[1, 2], got=None)


def a(s):
    s.l.append(4)
    s.l[0] = 10


def b(s):
    s.got = functools.reduce(lambda x, y: x + y, s.l)


ACTORS = [a, b]


def outcome(s):
    return s.got
