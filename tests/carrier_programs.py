"""What the tests of the carriers share."""

from __future__ import annotations

import _thread
import threading
import time

import pytest

import lab
from lab.carriers import watch
from lab.hooks import DRIVERS
from tests.controlled import State
from tests.test_carriers import BOTH


def settled():
    """The process's threads, once those that have been told to end had the time."""
    until = time.monotonic() + 2
    known = None
    while time.monotonic() < until:
        now = (_thread._count(), threading.enumerate(), dict(threading._active), dict(DRIVERS))
        if now == known:
            break
        known = now
        time.sleep(0.02)
    return known


@pytest.fixture(autouse=True)
def nothing_is_left():
    before = settled()
    yield
    assert settled() == before


@pytest.fixture(params=BOTH)
def carrier(request):
    return request.param


@pytest.fixture
def impatient(monkeypatch):
    monkeypatch.setattr(watch, "LOOK", 0.05)
    monkeypatch.setattr("lab.carriers.thread.LOOK", 0.05)
    monkeypatch.setattr("lab.carriers.thread._GRACE", 0.1)
    monkeypatch.setattr(watch, "BLOCKED", 0.4)
    monkeypatch.setattr(watch, "BUSY", 0.8)
    monkeypatch.setattr(watch, "IMPATIENT", 0.2)


def explored(*actors, carrier="thread", setup=None, **options):
    options.setdefault("schedules", 60)
    return lab.explore(setup or (lambda: State(value=0)), list(actors), carrier=carrier, **options)


def add(state):
    state.value = state.value + 1
