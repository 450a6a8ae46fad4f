from types import SimpleNamespace as State


def setup():
    return State(l=[State(n=1), State(n=2)], out=None)


def a(s):
    s.out = min(s.l, key=lambda o: o.n).n


def b(s):
    s.l[0].n = 3
    s.l[1].n = 0


ACTORS = [a, b]


def outcome(s):
    return repr(s.out)
