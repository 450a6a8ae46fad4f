from types import SimpleNamespace as State


def setup():
    return State(p=[1, 2], got=None)


def a(s):
    s.p[0] = 3
    s.p[1] = 4


def b(s):
    x, y = s.p
    s.got = x, y


ACTORS = [a, b]


def outcome(s):
    return s.got
