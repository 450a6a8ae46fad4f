"""A latch that counts down: whoever comes to zero wakes the one who waits."""

import threading


class Base:
    def __init__(self):
        self.n = 2
        self.cond = threading.Condition()
        self.work = []
        self.seen = None

    def wait(self):
        with self.cond:
            while self.n > 0:
                self.cond.wait()
        self.seen = len(self.work)


class Unsafe(Base):
    def down(self):
        self.n -= 1
        if self.n == 0:
            with self.cond:
                self.cond.notify_all()


class Wrong(Base):
    def down(self):
        with self.cond:
            self.n -= 1
        if self.n == 0:
            self.cond.acquire()
            self.cond.notify()
            self.cond.release()


class Fixed(Base):
    def down(self):
        with self.cond:
            self.n -= 1
            if not self.n:
                self.cond.notify_all()


def w(s):
    s.work.append(1)
    s.down()


def m(s):
    s.wait()


ACTORS = {"w1": w, "w2": w, "m": m}
VARIANTS = {"unsafe": Unsafe, "wrong": Wrong, "fixed": Fixed}


def outcome(s):
    return s.seen


ALLOWED = {2}
EXPECTED = {"unsafe": "fails lost wakeup", "wrong": "holds", "fixed": "holds"}
