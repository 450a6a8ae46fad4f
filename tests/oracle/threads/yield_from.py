from types import SimpleNamespace as State


def g(s):
    yield from s.l
    yield len(s.l)


def setup():
    return State(l=[1, 2], out=None)


def a(s):
    s.out = list(g(s))


def b(s):
    s.l.append(3)
    s.l[0] = 9


ACTORS = [a, b]


def outcome(s):
    return repr(s.out)
