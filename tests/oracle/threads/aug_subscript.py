from types import SimpleNamespace as State


def setup():
    return State(l=[0], d={"k": 0})


def a(s):
    s.l[0] += 1
    s.d["k"] += 1


ACTORS = [a, a]


def outcome(s):
    return s.l[0], s.d["k"]
