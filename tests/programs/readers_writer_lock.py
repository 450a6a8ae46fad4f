"""A lock for readers and one writer, by hand: the count of readers needs a lock, and so does what follows from it."""

import threading


class RW:
    def __init__(self):
        self.mutex = threading.Lock()
        self.write = threading.Lock()
        self.readers = 0

    def r_acquire(self):
        with self.mutex:
            self.readers += 1
            if self.readers == 1:
                self.write.acquire()

    def r_release(self):
        with self.mutex:
            self.readers -= 1
            if self.readers == 0:
                self.write.release()


class RWBad(RW):
    def r_acquire(self):
        self.readers += 1
        if self.readers == 1:
            self.write.acquire()

    def r_release(self):
        self.readers -= 1
        if self.readers == 0:
            self.write.release()


class RWWrong(RW):
    def r_acquire(self):
        with self.mutex:
            self.readers += 1
        if self.readers == 1:
            self.write.acquire()

    def r_release(self):
        with self.mutex:
            self.readers -= 1
        if self.readers == 0:
            self.write.release()


class S:
    def __init__(self, rw):
        self.rw = rw
        self.x = self.y = 0
        self.got = []


def reader(s):
    s.rw.r_acquire()
    try:
        s.got.append((s.x, s.y))
    finally:
        s.rw.r_release()


def writer(s):
    with s.rw.write:
        s.x += 1
        s.y += 1


ACTORS = {"r1": reader, "r2": reader, "w": writer}
VARIANTS = {"unsafe": lambda: S(RWBad()), "wrong": lambda: S(RWWrong()), "fixed": lambda: S(RW())}


def outcome(s):
    return tuple(sorted(s.got))


def check(s):
    assert all(x == y for x, y in s.got), "torn"


EXPECTED = {"unsafe": "fails deadlock", "wrong": "fails deadlock", "fixed": "holds"}
