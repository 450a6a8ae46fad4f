"""Whatever a program under test did, the interpreter is as before: every test in this folder ends with that question."""

from __future__ import annotations

import _thread
import builtins
import faulthandler
import gc
import os
import signal
import sys
import threading
import time
from pathlib import Path

import pytest

import lab
from lab.hooks import DRIVERS
from tests.controlled import State
from tests.test_carriers import BOTH

MONITORING = getattr(sys, "monitoring", None)


def interpreter():
    """What belongs to the whole process, in a form that can be compared."""
    return {
        "trace": (sys.gettrace(), sys.getprofile(), threading.gettrace(), threading.getprofile()),
        "tools": [MONITORING and MONITORING.get_tool(number) for number in range(6)],
        "limits": (sys.getrecursionlimit(), sys.getswitchinterval(), threading.stack_size()),
        "garbage": (gc.isenabled(), gc.get_threshold()),
        "hooks": (sys.excepthook, sys.unraisablehook, sys.displayhook, sys.breakpointhook, threading.excepthook),
        "streams": (sys.stdin, sys.stdout, sys.stderr),
        "handlers": [signal.getsignal(number) for number in signal.valid_signals()],
        "timer": signal.getitimer(signal.ITIMER_REAL)[0] > 0,
        "faults": faulthandler.is_enabled(),
        "directory": os.getcwd(),
        "builtins": {name: id(value) for name, value in vars(builtins).items()},
        "files": sorted(os.listdir("/proc/self/fd")) if Path("/proc/self/fd").exists() else [],
        "threads": (_thread._count(), threading.enumerate()),
        "drivers": dict(DRIVERS),
        "code": [one.__code__ for one in (add, threading.Thread.start, threading.Condition.wait)],
        "children": _children(),
    }


def _children():
    own = Path(f"/proc/self/task/{os.getpid()}/children")
    return own.read_text() if own.exists() else ""


def _differing(one, other):
    return {name: (value, other[name]) for name, value in one.items() if value != other[name]}


FAILED = pytest.StashKey[bool]()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    report = yield
    if call.when == "call":
        item.stash[FAILED] = report.failed
    return report


@pytest.fixture(autouse=True)
def nothing_is_left(request):
    """Asked of tests that passed: when one has failed, pytest-timeout ends its alarm before this is asked."""
    before = interpreter()
    yield
    if request.node.stash.get(FAILED, False):
        return
    until = time.monotonic() + 3
    while _differing(before, interpreter()) and time.monotonic() < until:
        time.sleep(0.02)
    assert _differing(before, interpreter()) == {}


def add(state):
    state.value = state.value + 1


@pytest.fixture(params=BOTH)
def explored(request):
    """Explore ``alice`` beside a bob who adds to what she touches, on one carrier and then on the other."""

    def explore(alice, bob=add, **options):
        options = {"setup": lambda: State(value=0), "schedules": 60, **options}
        return lab.explore(actors={"alice": alice, "bob": bob}, carrier=request.param, **options)

    return explore


@pytest.fixture
def hammered():
    """The same for real, in a few rounds."""

    def hammer(alice, **options):
        options = {"setup": lambda: State(value=0), "rounds": 8, **options}
        return lab.hammer(actors={"alice": alice, "bob": add}, **options)

    return hammer
