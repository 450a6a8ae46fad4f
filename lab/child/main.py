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
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from threading import get_ident
from typing import Any, NamedTuple, NoReturn

from lab.child.at_end import AtEnd
from lab.child.library import Library, beginning, library_now
from lab.child.memory.buffers import driver_of
from lab.child.memory.guard import telling_by
from lab.child.operations import Operations
from lab.child.places import site_of
from lab.child.telling import told
from lab.child.wire import Wire
from lab.hooks import DRIVERS, Bystander
from lab.naming import parameter_of
from lab.orphans import end_with
from lab.program import has_run

_close, _exit, _setpgid = os.close, os._exit, os.setpgid  # as they were before anything was put in their place


class Life:
    """What the child of one actor does from the fork on; made in the runner, once for all executions."""

    def __init__(
        self, operations: Operations, index: int, name: str, body: Callable[[Any], Any], may_crash: bool, strict: bool
    ) -> None:
        self._operations, self._index, self._name, self._body = operations, index, name, body
        self._may_crash, self._called = may_crash, operations.called if strict else None
        self._parameter, self._site = parameter_of(body), site_of(body, _call.__code__)
        self._parent = os.getpid()
        self._names = operations.chance.names()

    def prepare(self, standing: Standing, more: Iterable[Any]) -> None:
        """In the runner, where something stands otherwise than before.

        Where code tells of what it does with memory, that of ``more`` functions does so as well.
        """
        stops = self._operations.stops
        self._begin = partial(stops.begin, self._index, self._site, self._may_crash)
        self._more = more
        self._rounds, self._me = driver_of(stops, _call.__code__, standing.waits, standing.hooked, standing.fd)
        self._is_guarded, self._waits = standing.fd >= 0, standing.waits
        self._first = tuple(self._what_comes_first(standing))

    def _what_comes_first(self, standing: Standing) -> Iterator[Callable[[], object]]:
        """What is called at once in the child, with nothing left to be looked up."""
        yield partial(_setpgid, 0, 0)  # what it starts ends with it, and a person's Ctrl-C comes to the runner alone
        if standing.at_interrupt not in (_signal.SIG_IGN, _signal.default_int_handler):
            yield partial(_signal.signal, _signal.SIGINT, _signal.default_int_handler)
        if standing.fd >= 0:
            yield from telling_by(standing.fd)
        if not standing.is_alone or self._rounds is not None:
            yield DRIVERS.clear
        yield partial(DRIVERS.setdefault, get_ident(), self._me)  # what is called at forks may have cleared them
        if standing.library is not None:
            yield from beginning(standing.library, self._name, self._index, self._parent)
        yield partial(vars(tempfile).__setitem__, "_name_sequence", self._names)
        yield partial(sys.addaudithook, self._operations.announced)

    def live(self, wire: Wire, state: Any, strange: Iterable[int]) -> NoReturn:
        """In the child; the file descriptors ``strange`` are the runner's and actors', among them its own."""
        operations, status = self._operations, 70
        stops = operations.stops
        try:
            self._begin(wire, [(state, self._parameter)])
            end_with(self._parent)
            mine = wire.fd
            for fd in strange:
                if fd != mine:
                    _close(fd)
            for do in self._first:
                do()
            called = self._called
            if self._rounds is not None:
                if self._waits:
                    stops.rounds = self._rounds
                called = self._me.begin(self._body, called)
                self._rounds.cover(self._more)
            if self._is_guarded:
                stops.guard.close_all()
            if sys.getprofile() is not called:
                sys.setprofile(called)
            payload = _call(operations.at_end, self._name, self._body, state)
            if sys.getprofile() is not None:
                sys.setprofile(None)
            stops.end(payload, operations.connections.servers.left())
            status = payload[1] if payload[0] == "exit" else int(payload[0] == "raised")
        except BaseException:  # the lab's own
            sys.setprofile(None)
            stops.end(("broken", traceback.format_exc()))
        finally:
            _exit(status & 0xFF)


class Standing(NamedTuple):
    """How things stand in the runner, as far as that matters to all its children."""

    waits: bool  # they are asked if they have gone round a loop for nothing
    hooked: bool  # their code tells of what it does with memory
    fd: int  # by which a child tells where it is killed for an access to memory; -1 if none is
    library: Library | None
    at_interrupt: Any  # what handles a Ctrl-C
    is_alone: bool  # nobody but the runner itself explores


def standing_now(waits: bool, hooked: bool, fd: int) -> Standing:
    """How things stand now, what the runner itself knows of them being given."""
    is_alone = len(DRIVERS) == 1 and type(DRIVERS.get(get_ident())) is Bystander
    return Standing(waits, hooked, fd, library_now(), _signal.getsignal(_signal.SIGINT), is_alone)


def make_ready(operations: Operations, standing: Standing, more: Iterable[Any], now: float) -> None:
    """In the runner: children are about to be forked, and ``more`` functions have to be instrumented there."""
    operations.is_hooked, operations.stops.telling, operations.more = standing.hooked, standing.fd, more
    operations.stops.prepare(_call.__code__, now)
    operations.at_end.prepare()
    operations.births.begin()


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
        if util is not None and (util._finalizer_registry or sys.modules["multiprocessing.process"]._children):
            util._exit_function()
        if _thread._count():  # the program started some
            threading._shutdown()  # type: ignore[attr-defined]
        at_end.run()
        sys.stdout.flush()
        sys.stderr.flush()
    except BaseException as error:
        payload = payload if payload[0] != "ended" else told(error)
    return payload
