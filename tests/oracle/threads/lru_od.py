from collections import OrderedDict
from threading import Lock
from types import SimpleNamespace as State


class LRU:
    def __init__(self, n):
        self.n = n
        self.d = OrderedDict()
        self.lock = Lock()

    def get(self, k):
        with self.lock:
            if k in self.d:
                self.d.move_to_end(k)
                return self.d[k]

    def put(self, k, v):
        with self.lock:
            self.d[k] = v
            self.d.move_to_end(k)
            while len(self.d) > self.n:
                self.d.popitem(last=False)


def setup():
    return State(l=LRU(2), g=None)


def a(s):
    s.l.put("x", 1)
    s.l.put("y", 2)


def b(s):
    s.g = s.l.get("x")
    s.l.put("z", 3)


ACTORS = [a, b]


def outcome(s):
    return tuple(s.l.d), s.g
