"""Processes that an actor forks: each has a wire of its own to the runner, and asks it like any actor."""

from __future__ import annotations

import mmap
import os
import select
import signal
import sys
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from threading import get_ident
from typing import Any

from lab.child.births.quiet import Quiet
from lab.child.births.signals import DIES, HANDLES, ends_process
from lab.child.births.workers import Passage
from lab.child.channels import Channels
from lab.child.clock import Chance
from lab.child.semaphores import Semaphores
from lab.child.stops import Stops
from lab.child.telling import told
from lab.child.wire import Wire
from lab.filesystem.request import BIRTH, ENDS, KILL
from lab.filesystem.stops import TIMED_OUT
from lab.filesystem.system import Twin
from lab.hooks import DRIVERS

_POPEN, _PROCESS, _CONNECTION = "multiprocessing.popen_fork", "multiprocessing.process", "multiprocessing.connection"
IS_BORN, ARE_OVER, SIGNALS, KILLED = "is born", "are over", "signals", "killed"
"""What the runner is asked: for a child that is about to be forked, which processes have ended, whether a signal is
under control, and to take notice that it was sent."""
HAS_FORKED, HAS_NOT_FORKED, RAISED, IS_ASKED_FOR = "has forked", "has not forked", "raised", "is asked for"
OF_BIRTHS = frozenset((HAS_FORKED, HAS_NOT_FORKED, RAISED, IS_ASKED_FOR))
"""Kinds of notes."""
_WITH_THREADS = frozenset(("concurrent.futures.process", "multiprocessing.managers", "multiprocessing.pool"))
"""Libraries of which the processes, or those that start them, have threads that are not under control."""
_close = os.close  # as it was before anything was put in its place
_wait4: Any = getattr(os, "wait4", None)


class Births:
    """What an actor has forked, and how it forks."""

    def __init__(
        self, stops: Stops, semaphores: Semaphores, channels: Channels, chance: Chance, asks: Callable[..., None]
    ) -> None:
        self._stops, self._semaphores, self._channels, self._chance = stops, semaphores, channels, chance
        self._asks = asks  # stands for the signal that only asks
        self._children: dict[int, str] = {}  # process -> name, of those whose end nobody has waited for
        self._sentinels: dict[int, tuple[Any, int]] = {}  # file descriptor -> what that is, and the process
        self._name = ""  # of what is about to be started
        self.forget: Callable[[], None] = lambda: None  # what else a forked process has nothing of
        self._is_free = False  # and will not be under control
        self._forked = False  # this process was forked by an actor
        self._real: dict[str, Any] = {}

    def begin(self) -> None:
        """In the runner: an actor comes to be."""
        self._children.clear()
        self._sentinels.clear()
        self._channels.is_shared = False

    def instead(self) -> dict[Any, Any]:
        """Operation -> what is called in its place."""
        found: dict[Any, Any] = {}
        twins: dict[str, Callable[..., Any]] = {
            "fork": self._do_fork,
            "_exit": self._do_exit,
            "waitpid": self._do_waitpid,
            "wait": self._do_wait,
            "wait3": self._do_wait3,
            "wait4": self._do_wait4,
            "waitid": self._do_waitid,
            "kill": self._do_kill,
        }
        for name, twin in twins.items():
            real = getattr(os, name, None)
            if real is not None:
                self._real[name] = real
                found[real] = Twin(real, self._if_begun(real, twin))
        connection = sys.modules.get(_CONNECTION)
        if connection is not None:
            real = self._real["select"] = connection.wait
            found[real] = _as_function(self._if_begun(real, self._do_select))
        real = self._real["print_exc"] = traceback.print_exc
        found[real] = _as_function(self._if_begun(real, self._do_print))
        return found

    def _if_begun(self, real: Any, twin: Callable[..., Any]) -> Callable[..., Any]:
        stops = self._stops

        def call(*arguments: Any, **named: Any) -> Any:
            if not stops.begun or not stops.is_its_thread():
                return real(*arguments, **named)
            return twin(*arguments, **named)

        return call

    # ------------------------------------------------------------ forking

    def _do_fork(self) -> int:
        stops = self._stops
        if self._is_free or not self._is_simple():
            return int(self._real["fork"]())  # which is told, and not under control
        name, self._name = self._name, ""
        stops.step("starts" if name else "forks", name or "a process", (), wait=(BIRTH,))
        (index, name), wire = stops.borrow(1, IS_BORN, name)
        with stops.known():
            stops.starts_processes()
        stops.share()
        self._semaphores.share(index)
        self._channels.share()
        driver = DRIVERS.pop(get_ident(), None)
        try:
            with stops.known():
                pid = int(self._real["fork"]())
        except OSError:
            DRIVERS[get_ident()] = driver  # type: ignore[assignment]
            _close(wire[0])
            stops.note(HAS_NOT_FORKED, index)
            raise
        DRIVERS[get_ident()] = driver  # type: ignore[assignment]
        if pid:
            _close(wire[0])
            stops.note(HAS_FORKED, (index, pid))
            self._children[pid] = name
            return pid
        self._forked = True
        self.forget()
        self._children.clear()
        self._sentinels.clear()
        if name:
            module: Any = sys.modules[_PROCESS]
            module.sys = Quiet()
        stops.is_forked(Wire(wire[0]))
        self._chance.begin(index)
        return 0

    def _is_simple(self) -> bool:
        """Whether all that this process has in common with one that it forks is under control."""
        stops = self._stops
        if stops.flocks or stops.connected or len(sys._current_frames()) > 1:
            return False
        return signal.getsignal(signal.SIGCHLD) is signal.SIG_DFL

    def _do_exit(self, status: Any) -> None:
        if self._forked and isinstance(status, int):
            self._stops.end(("exited", status))
        self._real["_exit"](status)

    def _do_print(self, *arguments: Any, **named: Any) -> None:
        error, caller = sys.exc_info()[1], sys._getframe(3).f_code.co_qualname
        if self._forked and error is not None and caller == "BaseProcess._bootstrap":
            self._stops.note(RAISED, told(error))  # and nothing is printed, as it would be in each execution
            return
        with self._stops.known():
            self._real["print_exc"](*arguments, **named)

    # ------------------------------------------------------------ waiting

    def _do_waitpid(self, pid: int, options: int, /) -> Any:
        return self._do_wait4(pid, options)[:2]

    def _do_wait(self) -> Any:
        return self._do_wait4(-1, 0)[:2]

    def _do_wait3(self, options: int) -> Any:
        return self._do_wait4(-1, options)

    def _do_wait4(self, pid: int, options: int) -> Any:
        stops = self._stops
        if pid in self._children:
            wanted = [pid]
        elif pid in (-1, 0):
            wanted = [*self._children]
        else:
            wanted = []
        if not wanted or options not in (0, os.WNOHANG):
            if self._children:
                stops.note("uncontrolled", f"{stops.place()} waits for processes in a way that is not under control")
            return _wait4(pid, options)
        found = self._await_end(wanted, blocks=not options)
        if not found:
            return 0, 0, None
        del self._children[found]
        stops.waited += 1
        with stops.known():
            return _wait4(found, 0)

    def _await_end(self, wanted: Sequence[int], blocks: bool) -> int:
        """The first of these processes that has ended; 0 if none has."""
        stops = self._stops
        label = ", ".join(self._children[pid] for pid in wanted)
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
        if self._children:
            stops.note("uncontrolled", f"{stops.place()} waits for processes in a way that is not under control")
        return self._real["waitid"](*arguments)

    def _do_select(self, object_list: Any, timeout: float | None = None) -> list[Any]:
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
            if self._children or inodes:
                stops.note("uncontrolled", f"{stops.place()} waits for several things, which is not under control")
            return list(self._real["select"](things, timeout))
        ends = ", ".join(self._children.get(pid, "a process") for pid in pids.values())
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

    # ------------------------------------------------------------ signals

    def _do_kill(self, pid: int, number: int, /) -> None:
        stops = self._stops
        if not (isinstance(pid, int) and pid > 0 and number):
            self._asks(pid, number)
        elif pid == os.getpid():
            if self._forked and signal.getsignal(number) is signal.SIG_DFL and ends_process(number):
                stops.end(("exited", -number))
            self._real["kill"](pid, number)
        elif pid not in self._children and not stops.ask(SIGNALS, pid, int(number)):
            self._real["kill"](pid, number)  # which is told
        else:
            self._signal(pid, int(number))

    def _signal(self, pid: int, number: int) -> None:
        """Send one to a process that is under control."""
        stops = self._stops
        name = self._children.get(pid, "a process")
        stops.step(f"sends {_name_of(number)} to", name, (), wait=(KILL, pid, number))
        how = stops.ask(SIGNALS, pid, number)
        if how == HANDLES:
            stops.note("escapes", f"{stops.place()} sends {_name_of(number)} to {name}, which handles it by itself")
            stops.step("goes on", "", ())
        with stops.known():
            self._real["kill"](pid, number)
        if how == DIES:
            stops.ask(KILLED, pid)

    # ------------------------------------------------------------ in place

    @contextmanager
    def in_place(self) -> Iterator[None]:
        """Let the library tell what it starts."""
        popen: Any = getattr(sys.modules.get(_POPEN), "Popen", None)
        process: Any = getattr(sys.modules.get(_PROCESS), "BaseProcess", None)
        if popen is None or process is None:
            yield
            return
        launch, exitcode = popen._launch, vars(process)["exitcode"]
        module: Any = sys.modules[_PROCESS]
        clean_up = module._cleanup
        util: Any = sys.modules["multiprocessing.util"]
        close_stdin, util._close_stdin = util._close_stdin, self._beginning(util._close_stdin, module)
        flush, util._flush_std_streams = util._flush_std_streams, self._knowing(util._flush_std_streams)
        arena: Any = sys.modules["multiprocessing.heap"].Arena
        init, arena.__init__ = arena.__init__, self._mapping(arena.__init__)
        popen._launch = self._launching(launch)
        process.exitcode = self._asking(exitcode)
        module._cleanup = self._cleaning(clean_up)
        try:
            yield
        finally:
            popen._launch, process.exitcode, module._cleanup = launch, exitcode, clean_up
            util._close_stdin, util._flush_std_streams, arena.__init__ = close_stdin, flush, init

    def _launching(self, real: Any) -> Any:
        stops = self._stops

        def _launch(popen: Any, process: Any) -> None:
            if not stops.begun:
                real(popen, process)
                return
            self._name = process.name
            free = getattr(process._target, "__module__", "") in _WITH_THREADS
            self._is_free = free and not any(isinstance(one, Passage) for one in process._args)
            stops.starting = process._target or process.run, "Popen._launch"
            real(popen, process)
            stops.starting, self._is_free, self._name = None, False, ""
            self._sentinels[popen.sentinel] = stops.inode(popen.sentinel), popen.pid

        return _launch

    def _knowing(self, real: Any) -> Any:
        def _flush_std_streams() -> None:
            with self._stops.known():
                real()

        return _flush_std_streams

    def _beginning(self, real: Any, module: Any) -> Any:
        """The first that the library does in a process which nobody is to take notice of."""
        close = self._stops.aside(real)

        def _close_stdin() -> None:
            if self._stops.begun:
                module._children = InOrder()
            close()

        return _close_stdin

    def _mapping(self, real: Any) -> Any:
        """Memory that an actor shares with those that it forks needs no file."""

        def __init__(arena: Any, size: int, fd: int = -1) -> None:  # noqa: N807 - it takes the place of one
            if not self._stops.begun or fd != -1:
                real(arena, size, fd)
                return
            with self._stops.known():
                arena.size, arena.fd, arena.buffer = size, -1, mmap.mmap(-1, size)

        return __init__

    def _cleaning(self, real: Any) -> Any:
        """Who starts a process looks which others have ended, and nobody notices but the system, which forgets them."""

        def _cleanup() -> None:
            if not self._stops.begun or sys._getframe(1).f_code.co_qualname != "BaseProcess.start":
                real()

        return _cleanup

    def _asking(self, real: Any) -> Any:
        def exitcode(process: Any) -> Any:
            if self._stops.begun and process._popen is not None and hasattr(process._popen, "pid"):
                self._stops.note(IS_ASKED_FOR, process._popen.pid)
            return real.fget(process)

        return property(exitcode)


class InOrder(dict[Any, None]):
    """The set in which the library keeps the processes that go on, in the order in which they were started."""

    def add(self, one: Any) -> None:
        """As of a set."""
        self[one] = None

    def discard(self, one: Any) -> None:
        """As of a set."""
        self.pop(one, None)


def _name_of(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def _as_function(call: Any) -> Any:
    def function(*arguments: Any, **named: Any) -> Any:
        return call(*arguments, **named)

    return function
