"""CPython's tests of `_thread`."""

from __future__ import annotations

import pytest

from .borrowed import Skip, check_list, module, parameters, run

theirs = module("test_thread")
CLASSES = [theirs.ThreadRunningTests, theirs.BarrierTest, theirs.LockTests, theirs.TestForkInThread]
HANDLES = Skip(
    "calls start_joinable_thread, an operation inside of Thread.start, which is not controlled", since=(3, 13)
)
SKIPS = {
    "ThreadRunningTests.test_unraisable_exception": Skip("an exception that leaves a thread is a failure"),
    "TestForkInThread.test_forkinthread": Skip("forks, and processes are not controlled"),
    **{
        f"ThreadRunningTests.{name}": HANDLES
        for name in (
            "test_join_from_self",
            "test_join_several_times",
            "test_join_then_self_join",
            "test_join_thread",
            "test_join_thread_already_exited",
            "test_join_unstarted",
            "test_join_with_timeout",
            "test_joinable_not_joined",
            "test_set_done_unstarted",
            "test_start_duplicate_handle",
            "test_start_with_none_handle",
        )
    },
}


@pytest.mark.parametrize(("kind", "method"), parameters(CLASSES, SKIPS))
def test_method(kind, method, monkeypatch):
    run(kind, method, monkeypatch)


def test_the_list_of_what_is_not_run():
    check_list(SKIPS, CLASSES)
