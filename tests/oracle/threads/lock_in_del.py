from threading import RLock
from types import SimpleNamespace as State


class R:
    def __init__(self, s):
        self.s = s

    def __del__(self):
        with self.s.l:
            self.s.n += 1


def setup():
    s = State(l=RLock(), n=0, r=None)
    s.x = [R(s)]
    return s


def a(s):
    s.x.clear()


def b(s):
    with s.l:
        s.n += 10


ACTORS = [a, b]


def outcome(s):
    return s.n
