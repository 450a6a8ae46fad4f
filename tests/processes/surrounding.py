"""Actors that change what a process has from its parent by the system, and then start one with an interpreter."""

import multiprocessing
import os
import resource
import signal
from multiprocessing import shared_memory
from pathlib import Path

SPAWN = multiprocessing.get_context("spawn")


def run(target, *args):
    process = SPAWN.Process(target=target, args=args)
    process.start()
    process.join()
    return process.exitcode


def touch(name):
    Path(name).touch()


def tell_limits():
    Path("limits").write_text(f"{resource.getrlimit(resource.RLIMIT_NOFILE)[0]} {os.nice(0)}")


def has_limits(_):
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (150, most))
    nice = os.nice(1)
    assert run(tell_limits) == 0
    assert Path("limits").read_text() == f"150 {nice}"


def begin_session_and_start():
    os.setsid()
    Path("code").write_text(str(run(touch, "started")))


def starts_in_a_session(_):
    assert run(begin_session_and_start) == 0
    assert Path("code").read_text() == "0"
    assert Path("started").exists()


def start(target, *args):
    process = SPAWN.Process(target=target, args=args)
    process.start()
    return process.pid


def leave(status):
    os._exit(status)


def end_by(number):
    os.kill(os.getpid(), number)


def asks_for_a_state(_):
    pid = start(leave, 3)
    found = os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG)
    Path("went on").write_text(str(found is None))
    if found is None:
        found = os.waitid(os.P_ALL, 0, os.WEXITED)
    assert found == os.waitid_result((pid, os.getuid(), signal.SIGCHLD, 3, os.CLD_EXITED))


def asks_for_the_state_of_who_was_killed(_):
    pid = start(end_by, signal.SIGKILL)
    found = os.waitid(os.P_PID, pid, os.WEXITED)
    assert found == os.waitid_result((pid, os.getuid(), signal.SIGCHLD, signal.SIGKILL, os.CLD_KILLED))


def waits_for_those_that_stop_too(_):
    pid = start(leave, 3)
    found, status = os.waitpid(pid, os.WUNTRACED)
    assert (found, os.waitstatus_to_exitcode(status)) == (pid, 3)


def change(shared):
    shared[0] = 5


def hands_over_a_list(_):
    shared = shared_memory.ShareableList([1])
    assert run(change, shared) == 0
    shared.shm.close()
    shared.shm.unlink()
