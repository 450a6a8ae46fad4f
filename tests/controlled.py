"""What the tests of the engine share: the same code run for real and under control."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from lab import explore

DRAWING = ("random", "pct", "pos", "surw")
strategies = pytest.mark.parametrize("strategy", [*DRAWING, "dpor", "auto"])


def words(operation, *arguments, **named):
    """What the operation gives, or the exception it raises, as a person would read it."""
    try:
        return operation(*arguments, **named)
    except Exception as error:
        return f"{type(error).__name__}: {error}"


def really(body):
    """What ``body`` gives in a thread that nobody controls."""
    given = []
    thread = threading.Thread(target=lambda: given.append(words(body)))
    thread.start()
    thread.join()
    return given[0]


def under_control(body):
    """What ``body`` gives as the only actor."""
    given = []
    verdict = explore(lambda: None, {"alice": lambda state: given.append(words(body))}, schedules=1)
    assert verdict.failure is None, str(verdict)
    assert verdict.uncontrolled == ()
    return given[-1]


def alike(body):
    """What ``body`` gives, which has to be the same for real and under control."""
    expected, given = really(body), under_control(body)
    assert given == expected, f"\n{given}\n{expected}"
    return expected


def outcomes(setup, actors, outcome, schedules=400, **options):
    """Every outcome of the program under random schedules; it must not fail."""
    verdict = explore(setup, actors, outcome=outcome, schedules=schedules, **options)
    assert verdict.failure is None, str(verdict)
    assert verdict.uncontrolled == ()
    return set(verdict.outcomes)


def reached(setup, actors, outcome, strategy, schedules=300, **options):
    """Every outcome that the strategy comes to; it must find no failure.

    Those that cover may say that it holds, so that each test is one of what is certified, too.
    """
    found = explore(setup, actors, outcome=outcome, strategy=strategy, schedules=schedules, **options)
    assert found.failure is None, str(found)
    assert found.status == "unknown" if strategy in DRAWING else found.status != "fails"
    assert found.uncontrolled == ()
    return set(found.outcomes)


def failure(setup, actors, **options):
    """The failure of the program: its kind, its message and its detail."""
    options.setdefault("schedules", 400)
    found = explore(setup, actors, **options)
    assert found.status == "fails", str(found)
    return found.failure.kind, found.failure.message, found.failure.detail


class State:
    """A shared state with the given fields."""

    def __init__(self, **fields):
        self.__dict__.update(fields)


class Counter:
    """Two actors that add lose an addition, unless something keeps them apart."""

    def __init__(self, lock=None):
        self.value = 0
        self.lock = lock or threading.Lock()

    def add(self):
        current = self.value
        self.value = current + 1


class Buffer:
    """A bounded buffer, right with ``while`` and wrong with ``if``."""

    def __init__(self):
        self.condition = threading.Condition()
        self.items = []

    def put(self, item):
        with self.condition:
            self.items.append(item)
            self.condition.notify_all()

    def get_with_while(self):
        with self.condition:
            while not self.items:
                self.condition.wait()
            return self.items.pop()

    def get_with_if(self):
        with self.condition:
            if not self.items:
                self.condition.wait()
            return self.items.pop()


def value(counter):
    return counter.value


def marked(file, mark):
    """The place of the line in ``file`` that ends with the comment ``mark``."""
    lines = Path(file).read_text(encoding="utf-8").splitlines()
    (number,) = [number for number, line in enumerate(lines, 1) if line.endswith("# " + mark)]
    return f"{Path(file).name}:{number}"
