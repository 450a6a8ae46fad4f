from types import SimpleNamespace as State


class C:
    n = 0


def setup():
    C.n = 0
    return State(c=C(), got=None)


def a(s):
    s.c.n += 1


def b(s):
    C.n = 10


def c(s):
    s.got = s.c.n


ACTORS = [a, b, c]


def outcome(s):
    return s.c.n, C.n, s.got
