from threading import Condition
from types import SimpleNamespace as State


class Ex:
    def __init__(self):
        self.c = Condition()
        self.slot = None
        self.ret = None

    def swap(self, v):
        with self.c:
            if self.slot is None:
                self.slot = [v]
                self.c.wait_for(lambda: self.ret is not None)
                r = self.ret[0]
                self.ret = None
                self.slot = None
                return r
            r = self.slot[0]
            self.ret = [v]
            self.c.notify()
            return r


def setup():
    return State(e=Ex(), r={})


def a(s):
    s.r["a"] = s.e.swap(1)


def b(s):
    s.r["b"] = s.e.swap(2)


ACTORS = [a, b]


def outcome(s):
    return tuple(sorted(s.r.items()))
