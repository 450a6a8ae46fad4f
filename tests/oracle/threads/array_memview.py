import array
from types import SimpleNamespace as State


def setup():
    a = array.array("i", [0, 0])
    return State(a=a, m=memoryview(a), got=None)


def a(s):
    s.m[0] = 1
    s.a[1] = 2


def b(s):
    s.got = (s.a[0], s.m[1], sum(s.a))


ACTORS = [a, b]


def outcome(s):
    return s.got
