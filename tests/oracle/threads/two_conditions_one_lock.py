import threading
from collections import deque
from types import SimpleNamespace as State


class Buf:
    def __init__(self):
        self.lock = threading.RLock()
        self.not_empty = threading.Condition(self.lock)
        self.not_full = threading.Condition(self.lock)
        self.items = deque()

    def put(self, x):
        with self.not_full:
            while len(self.items) >= 1:
                self.not_full.wait()
            self.items.append(x)
            self.not_empty.notify()

    def get(self):
        with self.not_empty:
            while not self.items:
                self.not_empty.wait()
            x = self.items.popleft()
            self.not_full.notify()
            return x


def setup():
    return State(b=Buf(), got=[])


def p(s):
    s.b.put("a")
    s.b.put("b")


def c(s):
    s.got.append(s.b.get())
    s.got.append(s.b.get())


ACTORS = [p, c]


def outcome(s):
    return "".join(s.got), len(s.b.items)
