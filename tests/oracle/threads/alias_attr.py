from types import SimpleNamespace as State


def setup():
    inner = State(n=0)
    return State(x=inner, y=inner)


def a(s):
    s.x.n += 1


def b(s):
    s.y.n += 1


ACTORS = [a, b]


def outcome(s):
    return repr(s.x.n)
