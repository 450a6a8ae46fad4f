from types import SimpleNamespace as State


def setup():
    return State(l=[1, 2], got=None)


def a(s):
    s.l.insert(0, 9)


def b(s):
    s.got = [(i, x) for i, x in enumerate(filter(None, s.l))]


ACTORS = [a, b]


def outcome(s):
    return tuple(s.got)
