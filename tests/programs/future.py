"""A future by hand: callbacks that are added while the result is set."""

import threading


class Base:
    def __init__(self):
        self.lock = threading.Lock()
        self.done = False
        self.value = None
        self.callbacks = []
        self.called = []


class Unsafe(Base):
    def set(self, value):
        self.value = value
        self.done = True
        for cb in self.callbacks:
            cb(self.value)

    def add(self, cb):
        if self.done:
            cb(self.value)
        else:
            self.callbacks.append(cb)


class Wrong(Unsafe):
    def set(self, value):
        with self.lock:
            self.value = value
            self.done = True
        for cb in self.callbacks:
            cb(self.value)

    def add(self, cb):
        if self.done:
            cb(self.value)
        else:
            with self.lock:
                self.callbacks.append(cb)


class Fixed(Base):
    def set(self, value):
        with self.lock:
            self.value = value
            self.done = True
            todo = self.callbacks[:]
        for cb in todo:
            cb(value)

    def add(self, cb):
        with self.lock:
            if not self.done:
                self.callbacks.append(cb)
                return
        cb(self.value)


def a(s):
    s.set(7)


def b(s):
    s.add(s.called.append)


ACTORS = {"setter": a, "adder": b}
VARIANTS = {"unsafe": Unsafe, "wrong": Wrong, "fixed": Fixed}


def outcome(s):
    return tuple(s.called)


ALLOWED = {(7,)}
EXPECTED = {"unsafe": "fails outcome", "wrong": "fails outcome", "fixed": "holds"}
