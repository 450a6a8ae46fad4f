from types import SimpleNamespace as State


def setup():
    return State(l=[1, 2], k=1, out=None)


def a(s):
    g = (x * s.k for x in s.l)
    s.out = list(g)


def b(s):
    s.k = 2
    s.l.append(3)


ACTORS = [a, b]


def outcome(s):
    return repr(s.out)
