"""CPython's tests of queues: those of the real module, whose twins these are, and those of a copy with all in Python."""

from __future__ import annotations

import queue

import pytest

from .borrowed import Skip, check_list, module, parameters, run

theirs = module("test_queue")
C_CLASSES = [
    theirs.CQueueTest,
    theirs.CLifoQueueTest,
    theirs.CPriorityQueueTest,
    theirs.CFailingQueueTest,
    theirs.CSimpleQueueTest,
]
PY_CLASSES = [
    theirs.PyQueueTest,
    theirs.PyLifoQueueTest,
    theirs.PyPriorityQueueTest,
    theirs.PyFailingQueueTest,
    theirs.PySimpleQueueTest,
]
CLASSES = C_CLASSES + PY_CLASSES
MANY = "hands on so many items that it takes more steps than an execution may have"
SKIPS = {
    "CSimpleQueueTest.test_reentrancy": Skip("needs a garbage collector that runs in the middle of an execution"),
    **{
        f"{kind.__name__}.{name}": Skip(MANY)
        for kind in (theirs.CSimpleQueueTest, theirs.PySimpleQueueTest)
        for name in ("test_many_threads", "test_many_threads_nonblock", "test_many_threads_timeout")
    },
    **{
        f"{flavour}{kind}.{name}": Skip(MANY, since=(3, 13))
        for flavour in ("C", "Py")
        for kind in ("QueueTest", "LifoQueueTest", "PriorityQueueTest")
        for name in (
            "test_shutdown_all_methods_in_many_threads",
            "test_shutdown_immediate_all_methods_in_many_threads",
        )
    },
}


@pytest.fixture(autouse=True)
def the_real_module(monkeypatch):
    """They test a copy of the module, made afresh; its classes are not those that programs use."""
    for kind in C_CLASSES:
        monkeypatch.setattr(kind, "queue", queue, raising=False)
    monkeypatch.setattr(theirs.CSimpleQueueTest, "type2test", queue.SimpleQueue, raising=False)


@pytest.mark.parametrize(("kind", "method"), parameters(CLASSES, SKIPS))
def test_method(kind, method, monkeypatch):
    run(kind, method, monkeypatch, schedules=3)


def test_the_list_of_what_is_not_run():
    check_list(SKIPS, CLASSES)
