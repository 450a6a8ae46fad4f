"""Tasks kept in order by a comparison of their own."""

import bisect
import functools
import threading


@functools.total_ordering
class Task:
    def __init__(self, p):
        self.p = p

    def __eq__(self, o):
        return self.p == o.p

    def __lt__(self, o):
        return self.p < o.p


class Base:
    def __init__(self):
        self.l = [Task(2)]
        self.lock = threading.Lock()


class Unsafe(Base):
    def add(self, p):
        bisect.insort(self.l, Task(p))


class Wrong(Base):
    def add(self, p):
        i = bisect.bisect(self.l, Task(p))
        with self.lock:
            self.l.insert(i, Task(p))


class Fixed(Unsafe):
    def add(self, p):
        with self.lock:
            super().add(p)


def a(s):
    s.add(1)


def b(s):
    s.add(3)


ACTORS = {"a": a, "b": b}
VARIANTS = {"unsafe": Unsafe, "wrong": Wrong, "fixed": Fixed}


def outcome(s):
    return tuple(t.p for t in s.l)


ALLOWED = {(1, 2, 3)}
EXPECTED = {"unsafe": "fails outcome", "wrong": "fails outcome", "fixed": "holds"}
