import weakref
from types import SimpleNamespace as State


class Thing:
    pass


def bump(s):
    s.n += 1


def setup():
    o = Thing()
    st = State(o=o, n=0)
    st.r = weakref.ref(o, lambda r: bump(st))
    return st


def a(s):
    s.o = None


def b(s):
    bump(s)


ACTORS = [a, b]


def outcome(s):
    return repr(s.n)
