"""The ends of processes that an actor has started: waited for, asked for, and looked for among other things."""

from __future__ import annotations

import os
import select
import signal
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

from lab.child.channels import Channels
from lab.child.stops import Stops
from lab.filesystem.request import ENDS
from lab.filesystem.stops import TIMED_OUT

try:
    import resource
except ImportError:  # no POSIX
    resource = None  # type: ignore[assignment]

_CONNECTION = "multiprocessing.connection"
ARE_OVER, REAPS = "are over", "reaps"
"""What the runner is asked: which of some processes have ended, and to have the system forget one."""
_wait4: Any = getattr(os, "wait4", None)
_waitid: Any = getattr(os, "waitid", None)


class Ends:
    """Of the processes of one actor."""

    def __init__(self, stops: Stops, channels: Channels) -> None:
        self._stops, self._channels = stops, channels
        self.children: dict[int, str] = {}  # process -> name, of those whose end nobody has waited for
        self._nursed: set[int] = set()  # of those, which the system does not take for this one's
        self._sentinels: dict[int, tuple[Any, int]] = {}  # file descriptor -> what that is, and the process
        self._select: Any = getattr(sys.modules.get(_CONNECTION), "wait", None)

    def forget(self) -> None:
        """This process has started none."""
        self.children.clear()
        self._nursed.clear()
        self._sentinels.clear()

    def is_nursed(self, popen: Any, name: str) -> None:
        """One that was not forked."""
        self.children[popen.pid] = name
        self._nursed.add(popen.pid)
        self.shows(popen.sentinel, popen.pid)

    def shows(self, sentinel: int, pid: int) -> None:
        """A file descriptor shows whether a process has ended."""
        self._sentinels[sentinel] = self._stops.inode(sentinel), pid

    def instead(self) -> dict[str, Callable[..., Any]]:
        """Function of `os` -> what is called in its place."""
        return {
            "waitpid": self._do_waitpid,
            "wait": self._do_wait,
            "wait3": self._do_wait3,
            "wait4": self._do_wait4,
            "waitid": self._do_waitid,
        }

    def _do_waitpid(self, pid: int, options: int, /) -> Any:
        return self._do_wait4(pid, options)[:2]

    def _do_wait(self) -> Any:
        return self._do_wait4(-1, 0)[:2]

    def _do_wait3(self, options: int) -> Any:
        return self._do_wait4(-1, options)

    def _do_wait4(self, pid: int, options: int) -> Any:
        stops = self._stops
        if pid in self.children:
            wanted = [pid]
        elif pid in (-1, 0):
            wanted = [*self.children]
        else:
            wanted = []
        if not wanted or options not in (0, os.WNOHANG):
            self._is_out_of_control()
            if self._nursed.isdisjoint(wanted):
                return _wait4(pid, options)
        found = self._await_end(wanted, blocks=not options & os.WNOHANG)
        if not found:
            return 0, 0, None
        if self._is_awaited(found):
            return found, stops.ask(REAPS, found), resource.getrusage(resource.RUSAGE_CHILDREN)
        with stops.known():
            return _wait4(found, 0)

    def _is_awaited(self, pid: int) -> bool:
        """Somebody has waited for its end; whether it is for the runner to have the system forget it."""
        del self.children[pid]
        self._stops.waited += 1
        nursed = pid in self._nursed
        self._nursed.discard(pid)
        return nursed

    def _await_end(self, wanted: Sequence[int], blocks: bool) -> int:
        """The first of these processes that has ended; 0 if none has."""
        stops = self._stops
        label = ", ".join(self.children[pid] for pid in wanted)
        if blocks:
            stops.step("joins", label, (), wait=(ENDS, tuple(wanted), (), None, True, True))
        else:
            stops.step("asks for the end of", label, (), wait=(ENDS, tuple(wanted), (), None, False, True))
        over = stops.ask(ARE_OVER, tuple(wanted))
        if not blocks:
            stops.came_to("it has ended" if over else "it goes on")
        return over[0] if over else 0

    def _do_waitid(self, *arguments: Any) -> Any:
        stops = self._stops
        wanted = [pid for pid in self.children if arguments[:1] == (os.P_ALL,) or arguments[:2] == (os.P_PID, pid)]
        if len(arguments) < 3 or not wanted or arguments[2] & ~os.WNOHANG != os.WEXITED:
            self._is_out_of_control()
            return _waitid(*arguments)
        found = self._await_end(wanted, blocks=arguments[2] == os.WEXITED)
        if not found:
            return None
        if self._is_awaited(found):
            return _state(found, stops.ask(REAPS, found))
        with stops.known():
            return _waitid(os.P_PID, found, os.WEXITED)

    def _is_out_of_control(self) -> None:
        if self.children:
            place = self._stops.place()
            self._stops.note("uncontrolled", f"{place} waits for processes in a way that is not under control")

    def do_select(self, object_list: Any, timeout: float | None = None) -> list[Any]:
        """Stands for `multiprocessing.connection.wait`."""
        return self.wait_for(object_list, timeout)

    def wait_for(self, object_list: Any, timeout: float | None, label: str = "") -> list[Any]:
        """Which of these sentinels and pipes are ready, as soon as one is."""
        stops = self._stops
        things = [*object_list]
        pids: dict[int, int] = {}
        inodes: dict[int, Any] = {}
        for number, thing in enumerate(things):
            with suppress(OSError, ValueError):
                fd = thing if isinstance(thing, int) else thing.fileno()
                inode, pid = self._sentinels.get(fd, (None, 0))
                if pid and inode == stops.inode(fd):
                    pids[number] = pid
                elif self._channels.knows(fd):
                    inodes[number] = stops.inode(fd)
        if len(pids) + len(inodes) < len(things):
            if self.children or inodes:
                stops.note("uncontrolled", f"{stops.place()} waits for several things, which is not under control")
            return list(self._select(things, timeout))
        ends = ", ".join(self.children.get(pid, "a process") for pid in pids.values())
        label = label or ends or "several pipes"
        blocks = timeout is None or timeout > 0
        about = (ENDS, tuple(pids.values()), tuple(inodes.values()), timeout if blocks else None, blocks, False)
        if stops.step("waits for" if blocks else "looks for", label, (), wait=about) == TIMED_OUT:
            return []
        over = stops.ask(ARE_OVER, tuple(pids.values()))
        found = [things[number] for number, pid in pids.items() if pid in over]
        for number in inodes:
            if select.select([things[number]], [], [], 0)[0]:
                found.append(things[number])
        return [thing for thing in things if any(thing is one for one in found)]


def _state(pid: int, status: int) -> Any:
    """What `os.waitid` tells of a process that has ended, from what `os.waitpid` does."""
    how = os.CLD_EXITED
    if os.WIFSIGNALED(status):
        how = os.CLD_DUMPED if os.WCOREDUMP(status) else os.CLD_KILLED
    what = abs(os.waitstatus_to_exitcode(status))
    return os.waitid_result((pid, os.getuid(), signal.SIGCHLD, what, how))
