"""Listeners that leave while an event is published."""

import threading
from collections import defaultdict


class Base:
    def __init__(self):
        self.handlers = defaultdict(list)
        self.lock = threading.RLock()
        self.seen = []
        self.handlers["x"].append(self.first)
        self.handlers["x"].append(self.second)

    def first(self, event):
        self.seen.append(("first", event))

    def second(self, event):
        self.seen.append(("second", event))


class Unsafe(Base):
    def publish(self, topic, event):
        for handler in self.handlers[topic]:
            handler(event)

    def unsubscribe(self, topic, handler):
        self.handlers[topic].remove(handler)


class Wrong(Unsafe):
    def unsubscribe(self, topic, handler):
        with self.lock:
            self.handlers[topic].remove(handler)


class Fixed(Base):
    def publish(self, topic, event):
        with self.lock:
            handlers = list(self.handlers[topic])
        for handler in handlers:
            handler(event)

    def unsubscribe(self, topic, handler):
        with self.lock:
            self.handlers[topic].remove(handler)


def publisher(bus):
    bus.publish("x", 1)


def leaver(bus):
    bus.unsubscribe("x", bus.first)


ACTORS = {"publisher": publisher, "leaver": leaver}
VARIANTS = {"unsafe": Unsafe, "wrong": Wrong, "fixed": Fixed}


def check(bus):
    assert ("second", 1) in bus.seen, "second was skipped"


def outcome(bus):
    return tuple(bus.seen)


EXPECTED = {"unsafe": "fails check", "wrong": "fails check", "fixed": "holds"}
