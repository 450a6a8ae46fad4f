from threading import Condition
from types import SimpleNamespace as State


class Future:
    def __init__(self):
        self.c = Condition()
        self.done = False
        self.v = None
        self.cb = []

    def set(self, v):
        with self.c:
            self.v = v
            self.done = True
            self.c.notify_all()
            cbs = list(self.cb)
        for f in cbs:
            f(v)

    def add(self, f):
        with self.c:
            if not self.done:
                self.cb.append(f)
                return
        f(self.v)

    def result(self):
        with self.c:
            self.c.wait_for(lambda: self.done)
            return self.v


def setup():
    return State(f=Future(), got=[])


def a(s):
    s.f.set(7)


def b(s):
    s.f.add(lambda v: s.got.append(v))


def c(s):
    s.got.append(-s.f.result())


ACTORS = [a, b, c]


def outcome(s):
    return tuple(s.got)
