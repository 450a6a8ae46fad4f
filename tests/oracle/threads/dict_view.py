from types import SimpleNamespace as State


def setup():
    d = {1: 1}
    return State(d=d, v=d.values(), n=0)


def a(s):
    s.n = sum(s.v)


def b(s):
    s.d[2] = 5


ACTORS = [a, b]


def outcome(s):
    return repr(s.n)
