"""States, actors and the fixture that the tests of the hammer have in common."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from lab.hammering import standstill
from lab.hooks import DRIVERS


class Unsafe:
    def __init__(self) -> None:
        self.value = 0

    def increment(self) -> None:
        current = self.value
        self.value = current + 1


class Fixed(Unsafe):
    def __init__(self) -> None:
        super().__init__()
        self._lock = threading.Lock()

    def increment(self) -> None:
        with self._lock:
            super().increment()


def add_one(counter: Unsafe) -> None:
    counter.increment()


def final_value(counter: Unsafe) -> int:
    return counter.value


class Box(SimpleNamespace):
    """A state with whatever attributes a test needs."""


def nothing(state: Any) -> None:
    pass


ADDERS = {"alice": add_one, "bob": add_one}
JUDGED: dict[str, Any] = {"outcome": final_value, "allowed": {2: "both"}, "forbidden": {1: "one lost"}}


@pytest.fixture(autouse=True)
def nothing_left_behind(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Every test, whatever it hammers, ends with the threads, settings and code that it began with."""
    monkeypatch.setattr(standstill, "GRACE", {"waits": 0.15, "spins": 0.3, "works": 1.2})
    threads = threading.enumerate()
    interval = sys.getswitchinterval()
    processors = os.sched_getaffinity(0)
    code = [Unsafe.increment.__code__, Fixed.increment.__code__, add_one.__code__, threading.Thread.start.__code__]
    yield
    until = time.monotonic() + 2
    while threading.enumerate() != threads and time.monotonic() < until:
        time.sleep(0.01)  # a thread that an actor started may need a moment
    assert threading.enumerate() == threads
    assert sys.getswitchinterval() == interval
    assert os.sched_getaffinity(0) == processors
    assert [
        Unsafe.increment.__code__, Fixed.increment.__code__, add_one.__code__, threading.Thread.start.__code__
    ] == code  # fmt: skip
    assert DRIVERS == {}


def wait_for_notification(state: Box) -> None:
    with state.condition:
        state.condition.wait()


def leave_by(error: BaseException) -> Any:
    def actor(state: object) -> None:
        raise error

    return actor
