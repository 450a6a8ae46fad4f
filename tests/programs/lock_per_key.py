"""A lock for each key, made when it is needed."""

import threading
from collections import defaultdict


class Base:
    def __init__(self):
        self.locks = defaultdict(threading.Lock)
        self.data = defaultdict(int)
        self.guard = threading.Lock()
        self.plain = {}


class Unsafe(Base):
    def inc(self, k):
        if k not in self.plain:
            self.plain[k] = threading.Lock()
        with self.plain[k]:
            self.data[k] += 1


class Wrong(Base):
    def inc(self, k):
        lock = self.plain.get(k)
        if lock is None:
            lock = threading.Lock()
            self.plain[k] = lock
        with lock:
            self.data[k] += 1


class Fixed(Base):
    def inc(self, k):
        with self.guard:
            lock = self.locks[k]
        with lock:
            self.data[k] += 1


class Fixed2(Base):
    def inc(self, k):
        with self.plain.setdefault(k, threading.Lock()):
            self.data[k] += 1


def a(s):
    s.inc("x")


ACTORS = {"a": a, "b": a}
VARIANTS = {"unsafe": Unsafe, "wrong": Wrong, "fixed": Fixed, "fixed2": Fixed2}


def outcome(s):
    return s.data["x"]


ALLOWED = {2}
EXPECTED = {"unsafe": "fails outcome", "wrong": "fails outcome", "fixed": "holds", "fixed2": "holds"}
