"""CPython's tests of threads."""

from __future__ import annotations

import pytest

from .borrowed import Skip, check_list, module, parameters, run

theirs = module("test_threading")
CLASSES = [
    theirs.ThreadTests,
    theirs.ThreadingExceptionTests,
    theirs.ExceptHookTests,
    theirs.TimerTests,
    theirs.MiscTestCase,
    theirs.InterruptMainTests,
]  # the others run a program of their own to its end: AtexitTests, SubinterpThreadingTests, ThreadJoinOnShutdown
PROCESS = "runs a program of its own in another process"
FORK = "forks, and processes are not controlled"
INSIDE = "looks at or replaces what Thread.start and the end of a thread use inside"
NAMED = "calls threading.settrace or setprofile, which the verdict names as not controlled"
SIGNAL = "a signal concerns the process, which is the lab's and the test runner's as well"
SKIPS = {
    "ThreadTests.test_PyThreadState_SetAsyncExc": Skip("the C API raises an exception inside of an OS thread"),
    "ThreadTests.test_main_thread": Skip("takes the actor that runs it for the main thread"),
    "ThreadTests.test_name": Skip(
        "replaces the counter behind the names of threads, which counts anew in each execution"
    ),
    "ExceptHookTests.test_custom_excepthook_fail": Skip("an exception that leaves the hook is a failure"),
    "ExceptHookTests.test_excepthook_thread_None": Skip("C code asks the operating system's thread for its identity"),
    "MiscTestCase.test_gh112826_missing__thread__is_main_interpreter": Skip(PROCESS, since=(3, 12), before=(3, 13)),
    "MiscTestCase.test__all__": Skip("compares the names of the module with its documentation"),
    **{
        f"ThreadTests.{name}": Skip(INSIDE)
        for name in ("test_foreign_thread", "test_ident_of_no_threading_threads", "test_limbo_cleanup")
    },
    **{f"ThreadTests.{name}": Skip(INSIDE, before=(3, 13)) for name in ("test_shutdown_locks", "test_tstate_lock")},
    **{
        f"ThreadTests.{name}": Skip(PROCESS)
        for name in (
            "test_finalization_shutdown",
            "test_finalize_running_thread",
            "test_finalize_with_trace",
            "test_import_from_another_thread",
            "test_join_nondaemon_on_shutdown",
            "test_locals_at_exit",
            "test_main_thread_during_shutdown",
        )
    },
    **{
        f"ThreadTests.{name}": Skip(FORK)
        for name in (
            "test_dummy_thread_after_fork",
            "test_is_alive_after_fork",
            "test_main_thread_after_fork",
            "test_main_thread_after_fork_from_nonmain_thread",
        )
    },
    **{
        f"ThreadTests.{name}": Skip(NAMED) for name in ("test_frame_tstate_tracing", "test_getprofile", "test_gettrace")
    },
    **{
        f"ThreadTests.{name}": Skip(NAMED, since=(3, 12))
        for name in ("test_getprofile_all_threads", "test_gettrace_all_threads")
    },
    "ThreadTests.test_fork_at_exit": Skip(FORK, before=(3, 12)),
    "ThreadTests.test_debug_deprecation": Skip(PROCESS, before=(3, 12)),
    "ThreadTests.test_start_new_thread_at_exit": Skip(PROCESS, since=(3, 12), before=(3, 13)),
    "ThreadTests.test_start_new_thread_at_finalization": Skip(PROCESS, since=(3, 13)),
    "ThreadTests.test_main_thread_after_fork_from_foreign_thread": Skip(FORK, since=(3, 13)),
    "ThreadTests.test_main_thread_after_fork_from_dummy_thread": Skip(FORK, since=(3, 13)),
    **{
        f"ThreadingExceptionTests.{name}": Skip(PROCESS)
        for name in (
            "test_print_exception",
            "test_print_exception_stderr_is_none_1",
            "test_print_exception_stderr_is_none_2",
            "test_recursion_limit",
        )
    },
    "ThreadingExceptionTests.test_print_exception_gh_102056": Skip(PROCESS, since=(3, 12)),
    **{
        f"InterruptMainTests.{name}": Skip(SIGNAL)
        for name in (
            "test_can_interrupt_tight_loops",
            "test_interrupt_main_mainthread",
            "test_interrupt_main_noerror",
            "test_interrupt_main_subthread",
            "test_interrupt_main_with_signal_handler",
        )
    },
}


@pytest.mark.parametrize(("kind", "method"), parameters(CLASSES, SKIPS))
def test_method(kind, method, monkeypatch):
    run(kind, method, monkeypatch)


def test_the_list_of_what_is_not_run():
    check_list(SKIPS, CLASSES)
