"""CPython's tests of `asyncio.run` and `asyncio.Runner`: in an actor that is a thread, on the loops of the library."""

from __future__ import annotations

import pytest

from .borrowed import Skip, check_list, module, parameters, run

theirs = module("test_asyncio.test_runners")
CLASSES = [theirs.RunTests, theirs.RunnerTests]
SIGNAL = "a signal concerns the process, which is the lab's and the test runner's as well"
SKIPS = {
    "RunTests.test_asyncio_run_without_uncancel": Skip(SIGNAL),
    "RunnerTests.test_signal_install_not_supported_ok": Skip("takes the actor that runs it for the main thread"),
    **{
        f"RunnerTests.{name}": Skip(SIGNAL)
        for name in (
            "test_interrupt_call_soon",
            "test_interrupt_wait",
            "test_interrupt_cancelled_task",
        )
    },
}


@pytest.mark.parametrize(("kind", "method"), parameters(CLASSES, SKIPS))
def test_method(kind, method, monkeypatch):
    run(kind, method, monkeypatch, schedules=3)


def test_the_list_of_what_is_not_run():
    check_list(SKIPS, CLASSES)
