"""A try-lock that is tried again after a pause, in virtual time: twice may not be enough."""

import threading
import time


class Busy(Exception):
    pass


class Base:
    def __init__(self):
        self.lock = threading.Lock()
        self.n = 0
        self.gave_up = 0

    def backoff(self, f, tries):
        delay = 0.1
        for _attempt in range(tries):
            try:
                return f()
            except Busy:
                time.sleep(delay)
                delay *= 2
        self.gave_up += 1


class Unsafe(Base):
    busy = False

    def once(self):
        if self.busy:
            raise Busy
        self.busy = True
        self.n += 1
        self.busy = False


class Wrong(Base):
    def once(self):
        if not self.lock.acquire(blocking=False):
            raise Busy
        self.n += 1
        self.lock.release()


class Fixed(Base):
    def once(self):
        with self.lock:
            self.n += 1


def use(s):
    s.backoff(s.once, 2)


ACTORS = {"a": use, "b": use}
VARIANTS = {"unsafe": Unsafe, "wrong": Wrong, "fixed": Fixed}


def outcome(s):
    return (s.n, s.gave_up)


ALLOWED = {(2, 0)}
EXPECTED = {"unsafe": "fails outcome", "wrong": "fails outcome", "fixed": "holds"}
