"""Processes that an actor starts with an interpreter of their own: by the start methods ``spawn`` and ``forkserver``.

They have of the program what the library pickles for them, and come under control before they read it.  Those of a fork
server are started in the same way: what they differ by is what the server imported beforehand, and who is their parent.
"""

from __future__ import annotations

import marshal
import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from lab.child.births.forking import HAS_NOT_FORKED, IS_BORN, Births
from lab.child.births.named import NamedSemaphores
from lab.child.stops import Stops
from lab.child.wire import Gone, Lent, Wire, send_lent
from lab.filesystem.request import BIRTH

try:
    import resource
except ImportError:  # no POSIX
    resource = None  # type: ignore[assignment]

_NOWHERE: Any = None  # what is not on every system
_POPEN, _CONTEXT, _SPAWN = "multiprocessing.popen_spawn_posix", "multiprocessing.context", "multiprocessing.spawn"
_UTIL, _REDUCTION = "multiprocessing.util", "multiprocessing.reduction"
_AS_SPAWNED = "forkserver: its processes were started as those of spawn are"
_close, _pipe, _write, _dup, _fstat = os.close, os.pipe, os.write, os.dup, os.fstat  # before the exploration
_umask, _nice, _mask = os.umask, getattr(os, "nice", _NOWHERE), getattr(signal, "pthread_sigmask", _NOWHERE)
_limits: Any = getattr(resource, "getrlimit", _NOWHERE)
_LIMITS = tuple(sorted({value for name, value in vars(resource or os).items() if name.startswith("RLIMIT_")}))
"""The numbers of what the system limits for a process."""
_memfd: Any = getattr(os, "memfd_create", None)


class Spawning:
    """How an actor starts such processes."""

    def __init__(
        self, stops: Stops, births: Births, named: NamedSemaphores, tell: Callable[[], dict[str, Any]]
    ) -> None:
        self._births, self._named = births, named
        self._stops = stops
        self._tell = tell  # what a process has to be told that was not forked

    @contextmanager
    def in_place(self) -> Iterator[None]:
        """Let the library start them in this way."""
        popen: Any = getattr(sys.modules.get(_POPEN), "Popen", None)
        if popen is None or _memfd is None:
            yield
            return
        server: Any = sys.modules[_CONTEXT].ForkServerProcess
        launch, started = popen._launch, vars(server)["_Popen"]
        popen._launch = self._launching(launch)
        server._Popen = staticmethod(self._choosing(server._Popen, popen))
        try:
            yield
        finally:
            popen._launch, server._Popen = launch, started

    def _choosing(self, real: Any, popen: Any) -> Any:
        def start(process: Any) -> Any:
            if not self._is_under_control():
                return real(process)
            self._stops.note("note", _AS_SPAWNED)
            return popen(process)

        return start

    def _is_under_control(self) -> bool:
        return self._stops.begun and self._stops.is_its_thread() and self._births.hears_of_ends()

    def _launching(self, real: Any) -> Any:
        def _launch(popen: Any, process: Any) -> None:
            if self._is_under_control() and not self._births.has_threads(process):
                self._launch(popen, process)
            else:
                real(popen, process)

        return _launch

    def _launch(self, popen: Any, process: Any) -> None:
        stops, births = self._stops, self._births
        stops.step("starts", process.name, (), wait=(BIRTH,))
        (index, name), (wire, line) = stops.borrow(2, IS_BORN, process.name, True)
        with stops.known():
            stops.starts_processes()
        births.share(index)
        try:
            data = self._pickled(popen, process)
            with stops.known():
                self._be_born(popen, Wire(line), wire, {**data, "index": index})
        except Gone:
            stops.note(
                "escapes", f"{stops.place()} starts a process, and the one that it was to be forked from is no more"
            )
            stops.step("goes on", "", ())
        except BaseException:
            stops.note(HAS_NOT_FORKED, index)
            raise
        finally:
            _close(wire)
            _close(line)
        births.is_born(popen, index, name)

    def _pickled(self, popen: Any, process: Any) -> dict[str, Any]:
        """What the library has for the process, and by which names it finds semaphores."""
        library: Any = sys.modules[_CONTEXT]
        dumps = sys.modules[_REDUCTION].ForkingPickler.dumps
        library.set_spawning_popen(popen)
        try:
            with self._named.passed() as names:
                prepared = sys.modules[_SPAWN].get_preparation_data(process._name)
                prepared.pop("dir", None)  # it begins there
                data = {"prepared": bytes(dumps(prepared)), "process": bytes(dumps(process))}
        finally:
            library.set_spawning_popen(None)
        return {**data, "semaphores": names, "site": self._stops.first_site(process._target or process.run)}

    def _be_born(self, popen: Any, line: Wire, wire: int, data: dict[str, Any]) -> None:
        """Have it forked; each side has one end of a pipe that shows whether the other one is there."""
        util = sys.modules[_UTIL]
        ours, theirs = _pipe()
        sentinel, our_end = _pipe()
        told_by = _memfd("race-lab")
        try:
            told = {**self._tell(), **data, **_surroundings(), "wire": wire, "sentinel": sentinel}
            packet = memoryview(marshal.dumps(told))
            while packet:
                packet = packet[_write(told_by, packet) :]
            passed = [0, 1, 2, *popen._fds, wire, theirs, sentinel, told_by, told["telling"]]
            passed = [fd for fd in dict.fromkeys(passed) if _is_open(fd)]
            send_lent(line, Lent((passed, told_by), tuple(map(_dup, passed))))
            (popen.pid,) = line.receive()
        except BaseException:
            _close(ours)
            _close(our_end)
            raise
        finally:
            for fd in (theirs, sentinel, told_by):
                _close(fd)
        popen.sentinel = ours
        popen.finalizer = util.Finalize(popen, util.close_fds, (ours, our_end))


def _surroundings() -> dict[str, Any]:
    """What a process has from its parent by the system."""
    _umask(umask := _umask(0o077))
    ignored = [int(number) for number in signal.valid_signals() if signal.getsignal(number) is signal.SIG_IGN]
    return {
        "environment": dict(os.environb),
        "directory": os.getcwd(),
        "umask": umask,
        "ignored": ignored,
        "blocked": [int(number) for number in _mask(signal.SIG_BLOCK, ())],
        "limits": [(which, *_limits(which)) for which in _LIMITS],
        "nice": _nice(0),
        "group": os.getpgrp(),
        "parent": os.getpid(),
    }


def _is_open(fd: int) -> bool:
    try:
        _fstat(fd)
    except OSError:
        return False
    return True
