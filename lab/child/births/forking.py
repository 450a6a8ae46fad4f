"""Processes that an actor forks: each has a wire of its own to the runner, and asks it like any actor."""

from __future__ import annotations

import mmap
import os
import signal
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import get_ident
from typing import Any

from lab.child.births.ends import Ends
from lab.child.births.quiet import Quiet
from lab.child.births.signals import DIES, HANDLES, ends_process
from lab.child.births.started import InOrder
from lab.child.births.workers import Passage
from lab.child.channels import Channels
from lab.child.others import Others
from lab.child.semaphores import Semaphores
from lab.child.stops import Stops
from lab.child.telling import told
from lab.child.wire import Wire
from lab.filesystem.request import BIRTH, KILL
from lab.filesystem.twin import Twin
from lab.hooks import DRIVERS

_POPEN, _PROCESS, _CONNECTION = "multiprocessing.popen_fork", "multiprocessing.process", "multiprocessing.connection"
_UTIL = "multiprocessing.util"
IS_BORN, SIGNALS, KILLED = "is born", "signals", "killed"
"""What the runner is asked: for a child that is about to be forked, whether a signal is under control, and to take
notice that it was sent."""
HAS_FORKED, HAS_NOT_FORKED, RAISED, IS_ASKED_FOR = "has forked", "has not forked", "raised", "is asked for"
OF_BIRTHS = frozenset((HAS_FORKED, HAS_NOT_FORKED, RAISED, IS_ASKED_FOR))
"""Kinds of notes."""
_WITH_THREADS = frozenset(("concurrent.futures.process", "multiprocessing.managers", "multiprocessing.pool"))
"""Libraries of which the processes, or those that start them, have threads that are not under control."""
_close, _truncate = os.close, os.ftruncate  # as they were before anything was put in their place
_memfd = getattr(os, "memfd_create", None)


class Births:
    """What an actor has forked, and how it forks."""

    def __init__(
        self, stops: Stops, semaphores: Semaphores, channels: Channels, others: Others, asks: Callable[..., None]
    ) -> None:
        self._stops = stops
        self._semaphores, self._channels, self._others = semaphores, channels, others
        self._asks = asks  # stands for the signal that only asks
        self.ends = Ends(stops, channels)
        self._name = ""  # of what is about to be started
        self.forget: Callable[[], None] = lambda: None  # what else a forked process has nothing of
        self._is_free = False  # and will not be under control
        self._forked = False  # this process was forked by an actor
        self._real: dict[str, Any] = {}

    def begin(self) -> None:
        """In the runner: an actor comes to be."""
        self.ends.forget()
        self._channels.is_shared = False
        self._others.begin()

    def instead(self) -> dict[Any, Any]:
        """Operation -> what is called in its place."""
        found: dict[Any, Any] = {}
        twins: dict[str, Callable[..., Any]] = {
            "fork": self._do_fork,
            "_exit": self._do_exit,
            **self.ends.instead(),
            "kill": self._do_kill,
        }
        for name, twin in twins.items():
            real = getattr(os, name, None)
            if real is not None:
                self._real[name] = real
                found[real] = Twin(real, self._if_begun(real, twin))
        connection = sys.modules.get(_CONNECTION)
        if connection is not None:
            found[connection.wait] = _as_function(connection.wait, self._if_begun(connection.wait, self.ends.do_select))
        real = self._real["print_exc"] = traceback.print_exc
        found[real] = _as_function(real, self._if_begun(real, self._do_print))
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
        self.share(index)
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
            self.ends.children[pid] = name
            return pid
        self._forked = True
        self._others.is_forked()
        self.forget()
        self.ends.forget()
        if name:
            module: Any = sys.modules[_PROCESS]
            module.sys = Quiet()
        stops.is_forked(Wire(wire[0]), index)
        return 0

    def share(self, index: int) -> None:
        """Before the process with that number is started: what others come to know."""
        self._semaphores.share(index)
        self._channels.share()

    def is_born(self, popen: Any, index: int, name: str) -> None:
        """In the parent of a process that was not forked."""
        self._stops.note(HAS_FORKED, (index, popen.pid))
        self.ends.is_nursed(popen, name)

    def is_spawned(self, parent: int) -> None:
        """In such a process."""
        self._forked = True
        self._others.is_spawned(parent)

    def hears_of_ends(self) -> bool:
        """Whether nothing happens by itself when a process ends."""
        return signal.getsignal(signal.SIGCHLD) is signal.SIG_DFL

    def has_threads(self, process: Any) -> bool:
        """Whether the process, or the one that starts it, has threads of a library for it."""
        free = getattr(process._target, "__module__", "") in _WITH_THREADS
        return free and not any(isinstance(one, Passage) for one in process._args)

    def _is_simple(self) -> bool:
        """Whether all that this process has in common with one that it forks is under control."""
        stops = self._stops
        if stops.flocks or stops.connected or len(sys._current_frames()) > 1:
            return False
        return self.hears_of_ends()

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

    # ------------------------------------------------------------ signals

    def _do_kill(self, pid: int, number: int, /) -> None:
        stops = self._stops
        if not (isinstance(pid, int) and pid > 0 and number):
            self._asks(pid, number)
        elif pid == os.getpid():
            if self._forked and signal.getsignal(number) is signal.SIG_DFL and ends_process(number):
                stops.end(("exited", -number))
            self._real["kill"](pid, number)
        elif pid not in self.ends.children and not stops.ask(SIGNALS, pid, int(number)):
            self._real["kill"](pid, number)  # which is told
        else:
            self._signal(pid, int(number))

    def _signal(self, pid: int, number: int) -> None:
        """Send one to a process that is under control."""
        stops = self._stops
        name = self.ends.children.get(pid, "a process")
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
        util: Any = sys.modules[_UTIL]
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
            self._is_free = self.has_threads(process)
            stops.starting = process._target or process.run, "Popen._launch"
            real(popen, process)
            stops.starting, self._is_free, self._name = None, False, ""
            self.ends.shows(popen.sentinel, popen.pid)

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
        """Memory that an actor shares with those that it starts needs no file with a name."""

        def __init__(arena: Any, size: int, fd: int = -1) -> None:  # noqa: N807 - it takes the place of one
            if not self._stops.begun or fd != -1:
                real(arena, size, fd)
                return
            with self._stops.known():
                arena.size, arena.fd = size, _memfd("pym-") if _memfd is not None else -1
                if arena.fd >= 0:
                    _truncate(arena.fd, size)
                    sys.modules[_UTIL].Finalize(arena, _close, (arena.fd,))
                arena.buffer = mmap.mmap(arena.fd, size)

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


def _name_of(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def _as_function(real: Any, call: Any) -> Any:
    def function(*arguments: Any, **named: Any) -> Any:
        return call(*arguments, **named)

    function.__wrapped__ = real  # type: ignore[attr-defined]
    return function
