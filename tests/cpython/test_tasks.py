"""CPython's tests of what tasks synchronize by: on the controlled loop, each as a task of its own."""

from __future__ import annotations

from unittest import IsolatedAsyncioTestCase

import pytest

from .borrowed import Skip, check_list, module, parameters, run_in_loop

CLASSES = [
    kind
    for name in ("locks", "queues", "taskgroups", "timeouts", "waitfor")
    for kind in vars(module(f"test_asyncio.test_{name}")).values()
    if isinstance(kind, type) and issubclass(kind, IsolatedAsyncioTestCase) and kind is not IsolatedAsyncioTestCase
]
SKIPS = {
    "TestTaskGroup.test_coro_closed_when_tg_closed": Skip(
        "runs the loop of the test while the test is no task of it", since=(3, 13)
    )
}


@pytest.mark.parametrize(("kind", "method"), parameters(CLASSES, SKIPS))
def test_method(kind, method, monkeypatch):
    run_in_loop(kind, method, monkeypatch)


def test_the_list_of_what_is_not_run():
    check_list(SKIPS, CLASSES)
