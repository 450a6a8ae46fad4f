"""A circuit breaker that lets one trial through."""

import threading
from enum import Enum, auto


class S(Enum):
    CLOSED = auto()
    OPEN = auto()
    HALF = auto()


class Base:
    def __init__(self):
        self.state = S.HALF
        self.failures = 0
        self.trials = 0
        self.lock = threading.Lock()

    def remote(self):
        self.trials += 1


class Unsafe(Base):
    def call(self):
        if self.state is S.OPEN:
            return "refused"
        if self.state is S.HALF:
            self.state = S.OPEN
            self.remote()
            self.state = S.CLOSED
            return "trial"
        return "plain"


class Wrong(Base):
    def call(self):
        with self.lock:
            state = self.state
        if state is S.OPEN:
            return "refused"
        if state is S.HALF:
            with self.lock:
                self.state = S.OPEN
            self.remote()
            with self.lock:
                self.state = S.CLOSED
            return "trial"
        return "plain"


class Fixed(Base):
    def call(self):
        with self.lock:
            if self.state is S.OPEN:
                return "refused"
            if self.state is S.CLOSED:
                return "plain"
            self.state = S.OPEN
        self.remote()
        with self.lock:
            self.state = S.CLOSED
        return "trial"


def use(b):
    b.call()


ACTORS = {"a": use, "b": use}
VARIANTS = {"unsafe": Unsafe, "wrong": Wrong, "fixed": Fixed}


def outcome(b):
    return (b.state.name, b.trials)


ALLOWED = {("CLOSED", 1)}
EXPECTED = {"unsafe": "fails outcome", "wrong": "fails outcome", "fixed": "holds"}
