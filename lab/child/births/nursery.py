"""A process that is forked whenever an actor starts one with an interpreter of its own.

To start an interpreter takes longer than a whole execution.  So one is started for all, which has imported the lab and
nothing of the program; each process that is forked from it is told what it would have had from its parent: the
environment, the working directory, the umask, limits, the signals that are ignored or blocked, and the files that are
passed on.
"""

from __future__ import annotations

import gc
import marshal
import os
import select
import signal
import sys
import traceback
from contextlib import suppress
from typing import Any, NoReturn

from lab.child.births.spawned import is_heard_by, live
from lab.child.operations import Operations
from lab.child.wire import Gone, Wire, receive_lent
from lab.orphans import end_with

try:
    import resource
except ImportError:  # no POSIX
    resource = None  # type: ignore[assignment]

_close, _exit = os.close, os._exit  # as they were before anything is in their place
_fork: Any = getattr(os, "fork", None)
_dup, _dup2 = os.dup, os.dup2
_MOST = 200  # file descriptors of a message
LINE, REAP = "line", "reap"
"""What the runner sends: there is one more to hear, and to have the system forget a process, or all if it is 0."""


def serve(control: int, parent: int) -> NoReturn:
    """Fork processes until the runner is no more."""
    end_with(parent)
    os.chdir("/")
    operations = Operations()
    in_place = operations.in_place()  # for as long as there is the process
    in_place.__enter__()
    lines: list[int] = []
    gc.collect()
    gc.freeze()
    while True:
        ready, _, _ = select.select([control, *lines], [], [])
        for line in ready:
            try:
                message, fds = receive_lent(Wire(line), _MOST)
            except Gone:
                if line == control:
                    _exit(0)
                _close(line)
                lines.remove(line)
                continue
            if line != control:
                pid = _fork()
                if not pid:
                    for other in (control, *lines):
                        _close(other)
                    _come_to_be(operations, message, fds)
                Wire(line).send(pid)
                for fd in fds:
                    _close(fd)
            elif message[0] == LINE:
                lines += fds
            else:
                Wire(control).send(_reap(message[1]))


def _reap(pid: int) -> int:
    status = 0
    with suppress(ChildProcessError):
        if pid:
            return os.waitpid(pid, 0)[1]
        while True:
            status = os.waitpid(-1, 0)[1]
    return status


def _come_to_be(operations: Operations, message: Any, fds: list[int]) -> NoReturn:
    """In the process: be as one that its parent has started."""
    status = 70
    try:
        numbers, told_by = message
        there = dict(zip(numbers, fds, strict=True))
        given = marshal.loads(os.pread(there[told_by], os.fstat(there[told_by]).st_size, 0))
        is_heard_by(operations, there[given["wire"]], given)  # also of what goes wrong here
        _renumber(there)
        _close(told_by)
        is_heard_by(operations, given["wire"], given)
        _surround(given)
        status = live(operations, given)
    except BaseException:  # the lab's own
        sys.setprofile(None)
        operations.stops.end(("broken", traceback.format_exc()))
    finally:
        _exit(status & 0xFF)


def _renumber(there: dict[int, int]) -> None:
    """Let open files have the numbers that they are to have: number -> that of now; there may be few of them."""
    closed = {0, 1, 2} - there.keys()
    there = dict(there)
    while there:
        number, fd = there.popitem()
        for other, taken in there.items():
            if taken == number:
                there[other] = _dup(taken)
        if fd != number:
            _dup2(fd, number)
            _close(fd)
        os.set_inheritable(number, number < 3)
    for number in closed:
        os.closerange(number, number + 1)


def _surround(given: dict[str, Any]) -> None:
    try:
        os.setpgid(0, given["group"])
    except PermissionError:  # which is one of another session, and that is told
        end_with()
    os.environb.clear()
    os.environb.update(given["environment"])
    os.chdir(given["directory"])
    os.umask(given["umask"])
    for number in given["ignored"]:
        signal.signal(number, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_SETMASK, given["blocked"])
    os.nice(given["nice"] - os.nice(0))
    for which, *most in given["limits"]:
        if resource.getrlimit(which) != tuple(most):
            resource.setrlimit(which, tuple(most))
