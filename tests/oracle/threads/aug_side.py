from types import SimpleNamespace as State


def nxt(s):
    v = s.i
    s.i = v + 1
    return v


def setup():
    return State(i=0, l=[0, 0, 0])


def a(s):
    s.l[nxt(s)] += 1


ACTORS = [a, a]


def outcome(s):
    return repr((s.i, s.l))
