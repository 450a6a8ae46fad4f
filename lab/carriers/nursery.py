"""The process from which those are forked that actors start with an interpreter of their own.

What it does is in `lab.child.births.nursery`.
"""

from __future__ import annotations

import multiprocessing.spawn
import multiprocessing.util
import os
import sys
from contextlib import suppress
from typing import Any

from lab.child.births.nursery import LINE, REAP
from lab.child.wire import Gone, Late, Lent, Wire, pair, send_lent
from lab.origin import LAB

_close, _waitpid = os.close, os.waitpid  # as they were before anything was put in their place
_SEED = "PYTHONHASHSEED"
_COMMAND = "import sys; sys.path += {}; from lab.child.births.nursery import serve; serve({}, {})"


class Nursery:
    """Started when it is first needed."""

    def __init__(self) -> None:
        self._wire = Wire(-1)
        self._pid = 0
        self._has_any = False  # processes that it has to see to

    def line(self) -> int:
        """A file descriptor by which an actor can have a process forked."""
        while True:
            if not self._pid:
                self._start()
            theirs, ours = pair()
            try:
                send_lent(self._wire, Lent((LINE,), (theirs,)))
            except Gone:  # somebody has killed it
                _close(ours)
                self.close()
                continue
            self._has_any = True
            return ours

    def _start(self) -> None:
        util: Any = multiprocessing.util
        ours, theirs = pair()
        program: Any = multiprocessing.spawn.get_executable()
        command = _COMMAND.format([*_paths()], theirs, os.getpid())
        fixed = _SEED in os.environ  # else the order of sets would be another one in each run
        os.environ.setdefault(_SEED, "0")
        try:
            arguments = [program, *util._args_from_interpreter_flags(), "-c", command]
            self._pid = util.spawnv_passfds(program, arguments, [theirs])
        finally:
            if not fixed:
                del os.environ[_SEED]
            _close(theirs)
        self._wire = Wire(ours)

    def reap(self, pid: int) -> int:
        """Have the system forget a process that has ended, or is about to; its status as `os.waitpid` gives it."""
        with suppress(Gone):
            self._wire.send((REAP, pid))
            while True:
                with suppress(Late):
                    return int(self._wire.receive()[0])
        return 0

    def reap_all(self) -> None:
        """The same for all that are left."""
        if self._has_any:
            self._has_any = False
            self.reap(0)

    def close(self) -> None:
        """Let there be no such process."""
        if self._pid:
            _close(self._wire.fd)
            _waitpid(self._pid, 0)
            self._pid = 0


def _paths() -> list[str]:
    """Where it finds the lab, and what that imports, wherever the runner has them from."""
    return [os.path.dirname(LAB.rstrip(os.sep)), *[path for path in sys.path if path]]
