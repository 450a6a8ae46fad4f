"""A pool of connections behind a condition; who wakes up is not the only one who may take."""

import threading
from contextlib import contextmanager


class Conn:
    def __init__(self, n):
        self.n = n
        self.users = 0


class Base:
    def __init__(self):
        self.cond = threading.Condition()
        self.free = [Conn(0)]
        self.bad = False

    @contextmanager
    def connection(self):
        conn = self.take()
        try:
            yield conn
        finally:
            self.give(conn)


class Unsafe(Base):
    def take(self):
        while not self.free:
            with self.cond:
                self.cond.wait()
        return self.free.pop()

    def give(self, conn):
        self.free.append(conn)
        with self.cond:
            self.cond.notify()


class Wrong(Base):
    def take(self):
        with self.cond:
            if not self.free:
                self.cond.wait()
            return self.free.pop()

    def give(self, conn):
        with self.cond:
            self.free.append(conn)
            self.cond.notify()


class Fixed(Wrong):
    def take(self):
        with self.cond:
            self.cond.wait_for(lambda: self.free)
            return self.free.pop()


def work(p):
    with p.connection() as c:
        c.users += 1
        if c.users > 1:
            p.bad = True
        c.users -= 1


ACTORS = {"a": work, "b": work, "c": work}
VARIANTS = {"unsafe": Unsafe, "wrong": Wrong, "fixed": Fixed}


def check(p):
    assert not p.bad
    assert len(p.free) == 1


EXPECTED = {"unsafe": "fails lost wakeup", "wrong": "fails exception", "fixed": "holds"}


def outcome(p):
    return (p.bad, len(p.free))
