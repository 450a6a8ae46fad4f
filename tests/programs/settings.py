"""Settings that are kept as JSON text."""

import json
import threading


class Base:
    def __init__(self):
        self.text = json.dumps({"n": 0})
        self.lock = threading.Lock()


class Unsafe(Base):
    def update(self, **kw):
        d = json.loads(self.text)
        d.update(kw)
        self.text = json.dumps(d, sort_keys=True)


class Wrong(Base):
    def update(self, **kw):
        with self.lock:
            d = json.loads(self.text)
        d.update(kw)
        with self.lock:
            self.text = json.dumps(d, sort_keys=True)


class Fixed(Unsafe):
    def update(self, **kw):
        with self.lock:
            super().update(**kw)


def a(s):
    s.update(a=1)


def b(s):
    s.update(b=2)


ACTORS = {"a": a, "b": b}
VARIANTS = {"unsafe": Unsafe, "wrong": Wrong, "fixed": Fixed}


def outcome(s):
    return s.text


ALLOWED = {'{"a": 1, "b": 2, "n": 0}'}
EXPECTED = {"unsafe": "fails outcome", "wrong": "fails outcome", "fixed": "holds"}
