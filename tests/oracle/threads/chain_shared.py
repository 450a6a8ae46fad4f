import itertools
from types import SimpleNamespace as State


def setup():
    return State(i=itertools.chain([1, 2], [3, 4]), out=[])


def a(s):
    s.out.append(next(s.i))
    s.out.append(next(s.i))


ACTORS = [a, a]


def outcome(s):
    return repr(s.out)
