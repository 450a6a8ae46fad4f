from threading import Condition
from types import SimpleNamespace as State


class Bar:
    def __init__(self, n):
        self.n = n
        self.k = 0
        self.c = Condition()

    def wait(self):
        with self.c:
            self.k += 1
            if self.k == self.n:
                self.c.notify_all()
            else:
                while self.k < self.n:
                    self.c.wait()


def setup():
    return State(b=Bar(2), x=0, y=0, r={})


def a(s):
    s.x = 1
    s.b.wait()
    s.r["a"] = s.y


def b(s):
    s.y = 1
    s.b.wait()
    s.r["b"] = s.x


ACTORS = [a, b]


def outcome(s):
    return tuple(sorted(s.r.items()))
