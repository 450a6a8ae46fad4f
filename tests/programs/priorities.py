"""A queue of jobs by priority, and who waits until they are done."""

import queue
from dataclasses import dataclass, field


@dataclass(order=True)
class Job:
    prio: int
    name: str = field(compare=False)


class Base:
    def __init__(self):
        self.q = queue.PriorityQueue()
        self.done = []

    def worker(self):
        while True:
            j = self.q.get()
            if j.name == "stop":
                return
            self.done.append(j.name)
            self.q.task_done()


class Unsafe(Base):
    def feed(self):
        self.q.put(Job(1, "x"))
        self.q.put(Job(1, "y"))
        self.q.put(Job(0, "stop"))


class Wrong(Base):
    def feed(self):
        self.q.put(Job(1, "x"))
        self.q.put(Job(1, "y"))
        while not self.q.empty():
            pass
        self.q.put(Job(0, "stop"))
        self.after = len(self.done)


class Fixed(Base):
    def feed(self):
        self.q.put(Job(1, "x"))
        self.q.put(Job(1, "y"))
        self.q.join()
        self.q.put(Job(9, "stop"))


def w(s):
    s.worker()


def f(s):
    s.feed()


ACTORS = {"f": f, "w": w}
VARIANTS = {"unsafe": Unsafe, "wrong": Wrong, "fixed": Fixed}


def outcome(s):
    return tuple(sorted(s.done)), getattr(s, "after", 2)


ALLOWED = {(("x", "y"), 2)}
EXPECTED = {"unsafe": "fails outcome", "wrong": "fails outcome", "fixed": "holds"}
