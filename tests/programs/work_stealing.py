"""A deque from which its owner and a thief take."""

import threading
from collections import deque


class Base:
    def __init__(self):
        self.mine = deque([1, 2])
        self.lock = threading.Lock()
        self.done = []


class Unsafe(Base):
    def own(self):
        while len(self.mine) > 0:
            self.done.append(self.mine.pop())

    def steal(self):
        if self.mine:
            self.done.append(self.mine.popleft())


class Wrong(Unsafe):
    def own(self):
        while self.mine:
            with self.lock:
                self.done.append(self.mine.pop())

    def steal(self):
        if self.mine:
            with self.lock:
                self.done.append(self.mine.popleft())


class Fixed(Base):
    def own(self):
        while True:
            try:
                task = self.mine.pop()
            except IndexError:
                return
            self.done.append(task)

    def steal(self):
        try:
            self.done.append(self.mine.popleft())
        except IndexError:
            pass


def o(s):
    s.own()


def t(s):
    s.steal()


ACTORS = {"o": o, "t": t}
VARIANTS = {"unsafe": Unsafe, "wrong": Wrong, "fixed": Fixed}


def outcome(s):
    return tuple(sorted(s.done))


ALLOWED = {(1, 2)}
EXPECTED = {"unsafe": "fails exception", "wrong": "fails exception", "fixed": "holds"}
