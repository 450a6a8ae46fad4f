import threading
from types import SimpleNamespace as State


class Buf:
    def __init__(self):
        self.c = threading.Condition()
        self.items = []

    def put(self, x):
        with self.c:
            while len(self.items) >= 1:
                self.c.wait()
            self.items.append(x)
            self.c.notify()

    def get(self):
        with self.c:
            while not self.items:
                self.c.wait()
            x = self.items.pop(0)
            self.c.notify()
            return x


def setup():
    return State(b=Buf(), got=[])


def p(s):
    s.b.put(1)


def c(s):
    s.got.append(s.b.get())


ACTORS = [p, p, c, c]


def outcome(s):
    return tuple(s.got), len(s.b.items)
