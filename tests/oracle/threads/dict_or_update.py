from types import SimpleNamespace as State


def setup():
    return State(d={}, got=None)


def a(s):
    s.d |= {"a": 1}


def b(s):
    s.d.update(b=2)


def c(s):
    s.got = tuple(s.d.items())


ACTORS = [a, b, c]


def outcome(s):
    return s.got, tuple(sorted(s.d))
