"""CPython's tests of locks, events, conditions, semaphores and barriers."""

from __future__ import annotations

import pytest

from .borrowed import check_list, module, parameters, run

theirs = module("test_threading")
CLASSES = [
    theirs.LockTests,
    theirs.PyRLockTests,
    theirs.CRLockTests,
    theirs.EventTests,
    theirs.ConditionAsRLockTests,
    theirs.ConditionTests,
    theirs.SemaphoreTests,
    theirs.BoundedSemaphoreTests,
    theirs.BarrierTests,
]
SKIPS = {}
ON_THREADS = (
    "test_acquire_contended",
    "test_different_thread",
    "test_notify",
    "test_timeout",
    "test_barrier",
    "test_abort",
)


@pytest.mark.parametrize(("kind", "method"), parameters(CLASSES, SKIPS))
def test_method(kind, method, monkeypatch):
    run(kind, method, monkeypatch)


@pytest.mark.parametrize(("kind", "method"), parameters(CLASSES, SKIPS, ON_THREADS))
def test_method_on_threads(kind, method, monkeypatch):
    run(kind, method, monkeypatch, carrier="thread", schedules=3)


def test_the_list_of_what_is_not_run():
    check_list(SKIPS, CLASSES)
