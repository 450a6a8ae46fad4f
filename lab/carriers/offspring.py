"""Processes that actors have forked: the runner is not their parent, and yet has to see to their end."""

from __future__ import annotations

import os
import select
import signal
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from lab.carriers.actor import Actor
from lab.orphans import adopt, leave

_close, _waitpid = os.close, os.waitpid  # as they were before anything was put in their place
_open_pidfd: Any = getattr(os, "pidfd_open", None)
_LONGEST = 15_000  # milliseconds in which a process has to end that has been told to


class Offspring:
    """Those of one execution; empty where no actor forks."""

    def __init__(self) -> None:
        self._pids: dict[Actor, int] = {}
        self._fds: dict[Actor, int] = {}  # by which a process is known whatever its number is used for later
        self._adopts = False
        self._expected = False  # one that nobody has told of may be there

    def __contains__(self, actor: Actor) -> bool:
        return actor in self._pids

    def __bool__(self) -> bool:
        return bool(self._pids) or self._expected

    def expect(self) -> None:
        """An actor is about to fork: what it leaves behind comes to the runner."""
        self._expected = True
        if not self._adopts:
            self._adopts = adopt()

    def born(self, actor: Actor, pid: int) -> None:
        """It has forked."""
        self._pids[actor] = pid
        if _open_pidfd is not None:
            with suppress(OSError):
                self._fds[actor] = _open_pidfd(pid)

    def pids(self) -> Iterator[tuple[str, int]]:
        """The name of each, and its process."""
        for actor, pid in self._pids.items():
            yield actor.name, pid

    def pid(self, actor: Actor) -> int:
        """Its process."""
        return self._pids[actor]

    def is_over(self, actor: Actor, wait: bool = False) -> bool:
        """Whether the process is no more, or will be in a moment; what it had open is closed then."""
        fd = self._fds.get(actor)
        if fd is not None:
            poll = select.poll()
            poll.register(fd, select.POLLIN)
            return bool(poll.poll(_LONGEST if wait else 0))
        until = time.monotonic() + _LONGEST / 1000
        while not self._has_ended(actor):
            if not wait or time.monotonic() > until:
                return False
            time.sleep(0.0005)
        return True

    def _has_ended(self, actor: Actor) -> bool:
        try:
            state = Path(f"/proc/{self._pids[actor]}/stat").read_bytes().rpartition(b") ")[2]
        except OSError:
            return True
        return state[:1] in (b"Z", b"X")

    def status(self, actor: Actor) -> int | None:
        """How it ended, as `os.waitpid` gives it to its parent; None where nobody tells."""
        try:
            return int(Path(f"/proc/{self._pids[actor]}/stat").read_bytes().split()[-1])
        except (OSError, ValueError):
            return None

    def kill(self) -> None:
        """All of them; to be followed by `forget`, when their parents are no more."""
        for actor, pid in self._pids.items():
            if not self.is_over(actor):
                with suppress(ProcessLookupError):
                    fd = self._fds.get(actor)
                    if fd is not None:
                        signal.pidfd_send_signal(fd, signal.SIGKILL)
                    else:
                        os.kill(pid, signal.SIGKILL)

    def forget(self, groups: Iterator[int]) -> None:
        """None of them is left, nor anybody in those process groups."""
        for pid in (*self._pids.values(), *[-group for group in groups]):  # parents come before their children
            with suppress(ChildProcessError):
                while True:
                    _waitpid(pid, 0)
        for fd in self._fds.values():
            _close(fd)
        self._pids.clear()
        self._fds.clear()
        self._expected = False

    def close(self) -> None:
        """What others leave behind is no more the runner's."""
        if self._adopts:
            leave()
            self._adopts = False
