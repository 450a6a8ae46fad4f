import itertools
from types import SimpleNamespace as State

ids = itertools.count(1)


def setup():
    global ids
    ids = itertools.count(1)
    return State(o={})


def a(s):
    s.o["a"] = next(ids)


def b(s):
    s.o["b"] = next(ids)


ACTORS = [a, b]


def outcome(s):
    return tuple(sorted(s.o.items()))
