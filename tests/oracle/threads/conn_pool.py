import contextlib
from threading import Semaphore
from types import SimpleNamespace as State


class Pool:
    def __init__(self, n):
        self.free = list(range(n))
        self.sem = Semaphore(n)

    @contextlib.contextmanager
    def conn(self):
        self.sem.acquire()
        c = self.free.pop()
        try:
            yield c
        finally:
            self.free.append(c)
            self.sem.release()


def setup():
    return State(p=Pool(1), used=[])


def a(s):
    with s.p.conn() as c:
        s.used.append(c)


ACTORS = [a, a, a]


def outcome(s):
    return tuple(s.used), tuple(s.p.free)
