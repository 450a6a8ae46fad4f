"""An LRU cache by hand: looking an entry up moves it, and storing one may throw it out."""

import threading
from collections import OrderedDict


class Base:
    def __init__(self):
        self.data = OrderedDict(a=1, b=2)
        self.size = 2
        self.lock = threading.Lock()
        self.got = {}


class Unsafe(Base):
    def get(self, key):
        if key not in self.data:
            return None
        self.data.move_to_end(key)
        return self.data[key]

    def put(self, key, value):
        self.data[key] = value
        if len(self.data) > self.size:
            self.data.popitem(last=False)


class Wrong(Unsafe):
    def put(self, key, value):
        with self.lock:
            super().put(key, value)


class Fixed(Unsafe):
    def get(self, key):
        with self.lock:
            return super().get(key)

    def put(self, key, value):
        with self.lock:
            super().put(key, value)


def reader(c):
    c.got["r"] = c.get("a")


def writer(c):
    c.put("c", 3)


ACTORS = {"reader": reader, "writer": writer}
VARIANTS = {"unsafe": Unsafe, "wrong": Wrong, "fixed": Fixed}


def outcome(c):
    return (c.got["r"], tuple(c.data))


EXPECTED = {"unsafe": "fails exception", "wrong": "fails exception", "fixed": "holds"}
