"""Connections to PostgreSQL servers in the process of an actor: it is the runner that asks the servers about them."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import FunctionType
from typing import Any

from lab.child.stops import Stops
from lab.filesystem.server import PAST, Servers

OPENS, WAITS, HOLDS, ENDED, END = "opens", "waits", "holds", "ended", "end"
"""What the runner is asked about a session."""
SERVER = "server"
"""The first of the plain values by which an effect names a session, before its server's identity and its number; the
number is 0 where it names the server."""
_INHERITED = "uses a connection to a server that another process has opened, so that two have one socket,"
_ESCAPED = "uses a connection to a server that it has opened by a way"
_TASKS = "uses an asynchronous connection to a server,"
_FREE = "which is not under control"
# fmt: off
_TALKS = (
    "cancel", "change_password", "close_", "connect", "consume", "describe", "exec", "finish", "flush", "get_cancel",
    "get_copy", "get_result", "notifies", "ping", "pipeline", "prepare", "put_copy", "reset", "send", "wait",
)
# fmt: on
"""Beginnings of the names of C code that may say something to a server, or hear what it says."""
_BINARY = frozenset(("psycopg_binary", "psycopg_c"))
_CONNECT = "__lab_connect__"
_MAKES = frozenset(("connect", "connect_start", "ping"))
_KNOWN_IN = "_lab_process"  # the attribute that tells by which process a connection was made


class AskedSession:
    """A session, as the runner tells of it."""

    def __init__(self, stops: Stops, identity: str, pid: int) -> None:
        self._stops = stops
        self._asked = identity, pid
        self.server: Any = (SERVER, identity, 0)

    @property
    def where(self) -> Any:
        """See `lab.filesystem.server.Session.where`."""
        return (SERVER, *self._asked)

    def waits(self) -> bool:
        """See `lab.filesystem.sessions.Session.waits`."""
        return bool(self._stops.ask(WAITS, *self._asked))

    def holds(self) -> bool:
        """See `lab.filesystem.sessions.Session.holds`."""
        return bool(self._stops.ask(HOLDS, *self._asked))

    def ended(self) -> bool:
        """See `lab.filesystem.sessions.Session.ended`."""
        return bool(self._stops.ask(ENDED, *self._asked))

    def end(self) -> None:
        """See `lab.filesystem.sessions.Session.end`."""
        self._stops.ask(END, *self._asked)


class AskedSessions:
    """Sessions that the runner is asked about."""

    def __init__(self, stops: Stops) -> None:
        self._stops = stops

    def open(self, identity: str, name: str, conninfo: str, pid: int) -> AskedSession:
        """See `lab.filesystem.sessions.Sessions.open`."""
        self._stops.ask(OPENS, identity, pid, name, conninfo)
        return AskedSession(self._stops, identity, pid)


class Connections:
    """What is called in place of psycopg's connections, in the runner as in its children."""

    def __init__(self, stops: Stops) -> None:
        self._stops = stops
        self.servers = Servers(stops, AskedSessions(stops))
        self._before: list[tuple[Any, str, Any]] = []  # where something else is by now, and what was there

    @contextmanager
    def in_place(self) -> Iterator[None]:
        """Let programs come to these."""
        try:
            self.arrange()
            yield
        finally:
            for owner, name, value in reversed(self._before):
                setattr(owner, name, value)
            if self.servers.real is not None:
                del self.servers.real.__globals__[_CONNECT]
            self._before.clear()
            self.servers.real = None

    def arrange(self) -> None:
        """The same once the library has been imported; asked before each fork, as it may have been meanwhile."""
        psycopg: Any = sys.modules.get("psycopg")
        if psycopg is None or getattr(psycopg, "AsyncConnection", None) is None or self._before:
            return
        kind, tasks, base = psycopg.Connection, psycopg.AsyncConnection, psycopg.Connection.__mro__[1]
        self._redirect(kind.connect.__func__)
        self._put(base, "__init__", self._marking(vars(base)["__init__"]))
        for name in ("wait", "close"):
            self._put(kind, name, self._telling(vars(kind)[name]))
            self._put(tasks, name, self._telling(vars(tasks)[name]))
        self._put(tasks, "connect", classmethod(self._noting(tasks.connect.__func__)))
        plain, noting = psycopg.pq.PGconn, self._noting_kind(psycopg.pq.PGconn)
        for module in list(sys.modules.values()):
            variables = getattr(module, "__dict__", None)
            if type(variables) is dict and not module.__name__.startswith(tuple(_BINARY)):
                for name, value in list(variables.items()):
                    if value is plain:
                        self._put(module, name, noting)

    def _redirect(self, function: FunctionType) -> None:
        """Have what everybody may have kept of the function lead to these."""
        real = FunctionType(function.__code__, function.__globals__, function.__name__, function.__defaults__)
        real.__kwdefaults__ = function.__kwdefaults__
        self.servers.real = real
        function.__globals__[_CONNECT] = self.servers.connect
        self._put(function, "__code__", _connect.__code__)

    def _noting_kind(self, plain: Any) -> Any:
        """libpq's own connections, in the eyes of whoever makes one."""
        stops = self._stops

        class Noting(type(plain)):  # type: ignore[misc]
            def __getattribute__(cls, name: str) -> Any:
                if name in _MAKES and stops.begun and not stops.inside:
                    stops.note("uncontrolled", f"{stops.place()} {PAST}, {_FREE}")
                return getattr(plain, name)

            def __instancecheck__(cls, one: object) -> bool:
                return isinstance(one, plain)

        return Noting(plain.__name__, (plain,), {})

    def _put(self, owner: Any, name: str, value: Any) -> None:
        known = vars(owner)
        self._before.append((owner, name, known[name] if name in known else getattr(owner, name)))
        setattr(owner, name, value)

    def _marking(self, real: Any) -> Any:
        def init(connection: Any, *arguments: Any, **named: Any) -> None:
            connection.__dict__[_KNOWN_IN] = os.getpid()
            real(connection, *arguments, **named)

        return init

    def _telling(self, real: Any) -> Any:
        """For connections that do not stop: what they do is told before it is done, as it may never end."""
        stops = self._stops

        def call(connection: Any, *arguments: Any, **named: Any) -> Any:
            if stops.begun and not stops.inside and getattr(connection, "_lab", None) is None:
                own = vars(connection).get(_KNOWN_IN) == os.getpid()
                told = (_TASKS if hasattr(type(connection), "__aenter__") else _ESCAPED) if own else _INHERITED
                stops.note("uncontrolled", f"{stops.place()} {told} {_FREE}")
                stops.step("uses", "a connection", ())
            return real(connection, *arguments, **named)

        return call

    def _noting(self, real: Any) -> Any:
        stops = self._stops

        def connect(cls: Any, *arguments: Any, **named: Any) -> Any:
            if stops.begun:
                stops.note("uncontrolled", f"{stops.place()} {_TASKS} {_FREE}")
            return real(cls, *arguments, **named)

        return connect


def _connect(cls: Any, *arguments: Any, **named: Any) -> Any:
    """Its code takes the place of the library's own; never called by itself."""
    return __lab_connect__(cls, *arguments, **named)  # type: ignore[name-defined]  # noqa: F821  # see `_CONNECT`


def says_nothing(package: str, name: str) -> bool:
    """Whether C code of that package and name is psycopg's, and only computes."""
    return package in _BINARY and not name.startswith(_TALKS)
