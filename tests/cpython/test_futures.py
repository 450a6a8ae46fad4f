"""CPython's tests of `concurrent.futures`, of what runs on threads."""

from __future__ import annotations

import importlib

import pytest

from .borrowed import Skip, check_list, module, parameters, run


def part(name):
    """A module of the package that these tests are since 3.12; before they stood in one file."""
    try:
        importlib.import_module("test.test_concurrent_futures")
        return importlib.import_module(f"test.test_concurrent_futures.{name}")
    except ModuleNotFoundError:
        return module("test_concurrent_futures")


def kind(name, *names):
    """The class of that name, or of the one that it has in another version."""
    return next(found for one in (name, *names) if (found := getattr(part(_PART[name]), one, None)) is not None)


_PART = {
    "ThreadPoolWaitTests": "test_wait",
    "ThreadPoolAsCompletedTest": "test_as_completed",
    "ThreadPoolExecutorTest": "test_thread_pool",
    "FutureTests": "test_future",
    "ThreadPoolShutdownTest": "test_shutdown",
}
CLASSES = [
    kind("ThreadPoolWaitTests", "ThreadPoolWaitTest"),
    kind("ThreadPoolAsCompletedTest", "ThreadPoolAsCompletedTests"),
    kind("ThreadPoolExecutorTest"),
    kind("FutureTests", "FutureTest"),
    kind("ThreadPoolShutdownTest"),
]
PROCESS = "runs a program of its own in another process"
SKIPS = {
    **{
        f"ThreadPoolShutdownTest.{name}": Skip(PROCESS)
        for name in (
            "test_interpreter_shutdown",
            "test_submit_after_interpreter_shutdown",
            "test_cancel_futures_wait_false",
            "test_hang_gh83386",
        )
    },
    "ThreadPoolShutdownTest.test_hang_gh94440": Skip(
        "a signal concerns the process, which is the lab's and the test runner's as well"
    ),
    "ThreadPoolExecutorTest.test_hang_global_shutdown_lock": Skip("is about the lock in fifty forked processes"),
    "ThreadPoolAsCompletedTest.test_free_reference_yielded_future": Skip(
        "counts on the end of a future, and what is noted of an execution keeps some"
    ),
    **{
        f"FutureTests.{name}": Skip("looks for what logging writes where nobody has set it up, and the test runner has")
        for name in ("test_done_callback_raises", "test_done_callback_raises_already_succeeded")
    },
}


@pytest.fixture(autouse=True)
def nothing_is_waited_for(monkeypatch):
    """Their ``tearDown`` waits until the objects of all threads are gone, which live until the execution has ended."""
    base = part("util") if hasattr(part("util"), "BaseTestCase") else part("test_future")
    monkeypatch.setattr(base.BaseTestCase, "setUp", lambda self: None)
    monkeypatch.setattr(base.BaseTestCase, "tearDown", lambda self: None)


@pytest.mark.parametrize(("kind", "method"), parameters(CLASSES, SKIPS))
def test_method(kind, method, monkeypatch):
    run(kind, method, monkeypatch, schedules=3)


def test_the_list_of_what_is_not_run():
    check_list(SKIPS, CLASSES)
