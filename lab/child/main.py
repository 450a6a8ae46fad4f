"""An actor in a process of its own: from the fork to the end.

A page of memory is copied for a process when it first writes there, which is what a fork costs most by; and to call a
function of Python is to write to several.  So what can be got ready in the runner is, and little is called after it.
"""

from __future__ import annotations

import _signal  # type: ignore[import-not-found]
import _thread
import os
import sys
import tempfile
import threading
import traceback
from collections.abc import Callable, Iterable
from itertools import count
from threading import get_ident
from typing import Any, NoReturn

from lab.child.at_end import AtEnd
from lab.child.births.forking import InOrder
from lab.child.everything import name_in
from lab.child.loops.rounds import Rounds
from lab.child.memory.buffers import Buffers
from lab.child.memory.guard import told_by
from lab.child.operations import Operations
from lab.child.telling import told
from lab.child.wire import Wire
from lab.hooks import DRIVERS, Bystander
from lab.orphans import end_with
from lab.program import has_run

_close, _exit, _setpgid = os.close, os._exit, os.setpgid  # as they were before anything was put in their place


class Life:
    """What a child does from the fork on; made in the runner, before it."""

    def __init__(
        self,
        operations: Operations,
        wire: Wire,
        index: int,
        name: str,
        body: Callable[[Any], Any],
        state: Any,
        now: float,
        may_crash: bool,
        waits: bool,
    ) -> None:
        self._operations, self._name, self._body, self._state = operations, name, body, state
        self._parent = os.getpid()
        self._waits, self._fd = waits, -1
        self._more: Iterable[Any] = ()
        self._rounds: Rounds | None = None
        self._me: Bystander = Bystander()  # an exploration inside of an actor is refused
        self._here = _as_multiprocessing(name, index, self._parent)
        operations.stops.prepare(wire, body, state, _call.__code__, now, may_crash)
        operations.chance.begin(index)
        operations.at_end.prepare()
        operations.births.begin()
        self._names = operations.chance.names()

    def watch(self, hooked: bool, fd: int, more: Iterable[Any]) -> None:
        """In the runner: whether the code tells of what it does with memory, that of ``more`` functions as well.

        What has to be known where the process is killed is told by ``fd``.
        """
        self._more = more
        self._fd = self._operations.told_by = fd
        self._operations.is_hooked = hooked
        self._operations.more = [name_in(function.__globals__, function.__code__) for function in more]
        if self._waits or hooked:
            self._rounds = self._me = Rounds(self._operations.stops, _call.__code__)
        if hooked and self._rounds is not None:
            buffers = self._me = Buffers(self._operations.stops, self._rounds, self._waits)
            buffers.tell_by(fd)

    def live(self, strange: Iterable[int], strict: bool) -> NoReturn:
        """In the child; the file descriptors ``strange`` are the runner's and other actors'."""
        operations, status = self._operations, 70
        stops = operations.stops
        try:
            end_with(self._parent)
            _setpgid(0, 0)  # what it starts ends with it, and a person's Ctrl-C comes to the runner alone
            for fd in strange:
                _close(fd)
            if _signal.getsignal(_signal.SIGINT) is not _signal.SIG_IGN:
                _signal.signal(_signal.SIGINT, _signal.default_int_handler)
            DRIVERS.clear()
            DRIVERS[get_ident()] = self._me
            stops.begun = True
            if self._here is not None:
                _be(self._here)
            tempfile._name_sequence = self._names  # type: ignore[attr-defined]
            sys.addaudithook(operations.announced)
            called = operations.called if strict else None
            if self._waits:
                stops.rounds = self._rounds
            if self._rounds is not None:
                called = self._me.begin(self._body, called)  # type: ignore[attr-defined]
                self._rounds.cover(self._more)
            if self._fd >= 0:
                told_by(self._fd)
                stops.guard.close_all()
            sys.setprofile(called)
            payload = _call(operations.at_end, self._name, self._body, self._state)
            sys.setprofile(None)
            stops.end(payload, operations.connections.servers.left())
            status = payload[1] if payload[0] == "exit" else int(payload[0] == "raised")
        except BaseException:  # the lab's own
            sys.setprofile(None)
            stops.end(("broken", traceback.format_exc()))
        finally:
            _exit(status & 0xFF)


def _as_multiprocessing(name: str, index: int, parent: int) -> Any:
    """What `multiprocessing` has for the process that goes on; None where nothing of it is imported."""
    process: Any = sys.modules.get("multiprocessing.process")
    if process is None or "multiprocessing.util" not in sys.modules:
        return None
    before = process._current_process
    here = object.__new__(process.BaseProcess)
    vars(here).update(_identity=(index,), _config=before._config.copy(), _parent_pid=parent, _parent_name=before.name)
    vars(here).update(_popen=None, _closed=False, _target=None, _args=(), _kwargs={}, _name=name)
    return here


def _be(here: Any) -> None:
    """Do what `multiprocessing` does at the beginning of a process, as far as there is anything to do."""
    process: Any = sys.modules["multiprocessing.process"]
    util: Any = sys.modules["multiprocessing.util"]
    process._current_process = here
    process._children = InOrder()
    process._process_counter = count(1)
    if util._finalizer_registry:
        util._finalizer_registry.clear()
    if util._afterfork_registry.data:
        util._run_after_forkers()


def _children() -> Any:
    """The processes that `multiprocessing` has started here."""
    return getattr(sys.modules.get("multiprocessing.process"), "_children", ())


def _call(at_end: AtEnd, name: str, body: Callable[[Any], Any], state: Any) -> tuple[Any, ...]:
    """Run the actor; how it ended, after all that it had is let go."""
    payload: tuple[Any, ...] = ("ended",)
    try:
        try:
            result = body(state)
            if result is not None:
                has_run(f"actors[{name!r}]", body, result)
                del result
        except BaseException as error:
            payload = told(error)
            if error.__traceback__ is not None:
                traceback.clear_frames(error.__traceback__)
            error.__traceback__ = None
        util: Any = sys.modules.get("multiprocessing.util")
        if util is not None and (util._finalizer_registry or _children()):
            util._exit_function()
        if _thread._count():  # the program started some
            threading._shutdown()  # type: ignore[attr-defined]
        at_end.run()
        sys.stdout.flush()
        sys.stderr.flush()
    except BaseException as error:
        payload = payload if payload[0] != "ended" else told(error)
    return payload
