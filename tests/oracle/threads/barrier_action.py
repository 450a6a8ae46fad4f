from threading import Barrier
from types import SimpleNamespace as State


def setup():
    s = State(n=0, r=[])
    s.b = Barrier(2, action=lambda: setattr(s, "n", s.n + 1))
    return s


def a(s):
    i = s.b.wait()
    s.r.append((i, s.n))


ACTORS = [a, a]


def outcome(s):
    return tuple(s.r)
