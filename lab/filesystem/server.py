"""`psycopg` under control: what a connection asks a PostgreSQL server for is a step, and who waits there waits here.

All that changes something in a server, or may, touches all of it; what only looks depends on that and not on others
that look.  Which rows a statement sees, and whether a transaction can be committed, is the server's own business, and
so is who has to wait (`lab.filesystem.sessions`).
"""

from __future__ import annotations

import re
import select
import sys
from collections.abc import Iterator
from contextlib import suppress
from typing import Any, Protocol
from weakref import WeakSet

from lab.filesystem.sessions import DETECTION
from lab.filesystem.stops import Effect, Stops
from lab.hooks import uncontrolled
from lab.naming import short
from lab.origin import LAB, is_library

_WORDS = {
    "_execute_gen": "executes in",
    "_executemany_gen_no_pipeline": "executes in",
    "_commit_gen": "commits to",
    "_rollback_gen": "rolls back in",
    "_enter_gen": "begins in",
    "_exit_gen": "ends a transaction in",
    "_fetch_gen": "fetches from",
    "_declare_gen": "executes in",
    "_close_gen": "lets go of",
    "_set_autocommit_gen": "",
    "_set_isolation_level_gen": "",
    "_set_read_only_gen": "",
    "_set_deferrable_gen": "",
}
"""What the library waits for, by the name of its generator -> the verb; empty for what the server is not asked for."""
_LOOKS = re.compile(r"\s*SELECT\b(?!.*\bFOR\s+(?:NO\s+KEY\s+)?(?:UPDATE|SHARE|KEY)\b)(?!.*\bINTO\b)", re.I | re.S)
_CALLS = re.compile(r"(\w+|\")\s*\(")
_OTHERS = re.compile(r";\s*\S|--|/\*")  # another statement, or a comment, which may hide one
_COMMITS = re.compile(r"\s*(?:CALL|DO)\b|\b(?:COMMIT|END|ROLLBACK|ABORT)\b[^;]*;\s*\S", re.I)
_HARMLESS = frozenset(
    ("count", "sum", "min", "max", "avg", "coalesce", "exists", "in", "any", "all", "and", "or", "not")
)
_PATIENCE = re.compile(r"\b(?:lock_timeout|statement_timeout|idle_in_transaction_session_timeout|pg_sleep)\b", re.I)
_LISTENS = re.compile(r"\s*LISTEN\b", re.I)
PAST = "uses libpq's own connection to a server"
_CANCELS, _PIPES = "cancels what a connection asks a server for", "asks a server for several things at once"
_ONE_STEP = "which was taken to be one step"
_HEARS = "listens to what others notify it of"
_IDLE = 0  # the state of a connection without a transaction
_OF_TRANSACTIONS = frozenset(("_commit_gen", "_rollback_gen"))  # which ask for nothing where there is none
_IDENTITY = "SELECT extract(epoch FROM pg_postmaster_start_time())::text"
"""By which a server is told from others, however it is come to, and of which database."""
_GLANCE = 0.002  # seconds after which it is asked why there is no answer yet


def looks(statement: str) -> bool:
    """Whether a statement is known to change nothing, and to take no lock that others wait for."""
    if _LOOKS.match(statement) is None or _OTHERS.search(statement):
        return False
    return all(name.lower() in _HARMLESS for name in _CALLS.findall(statement))


class Turn:
    """In place of a connection's own lock, which would be held while others go on: who asks the server something."""

    def __init__(self) -> None:
        self.taken = False

    def is_free(self) -> bool:
        """Whether nobody is asking."""
        return not self.taken

    def __enter__(self) -> None:
        pass

    def __exit__(self, *_: object) -> None:
        pass


class Session(Protocol):
    """A connection, as whoever is asked about it sees it."""

    server: Any
    """What stands for the server in an effect."""

    @property
    def where(self) -> Any:
        """What stands for the session itself."""

    def waits(self) -> bool:
        """Whether what it has asked for has to wait for others, and not in a circle."""

    def holds(self) -> bool:
        """Whether it has locks, which at its end others may find free."""

    def ended(self) -> bool:
        """The connection is closed: wait until the server has let go of what it held."""

    def end(self) -> None:
        """The same of one that was left in the middle of something."""


class Reach(Protocol):
    """Whoever asks servers about sessions; see `lab.filesystem.sessions.Sessions`."""

    def open(self, identity: str, name: str, conninfo: str, pid: int) -> Session:
        """There is another session, in the database of that name on the server of that identity."""


class _Connected:
    """What is kept beside a connection."""

    def __init__(self, session: Session, label: str) -> None:
        self.session, self.label = session, label
        self.turn = Turn()


class Servers:
    """What is called in place of `psycopg.Connection.connect`."""

    def __init__(self, stops: Stops, sessions: Reach) -> None:
        self._stops = stops
        self._sessions = sessions
        self._kinds: dict[Any, Any] = {}
        self._open: WeakSet[Any] = WeakSet()  # connections that actors have made
        self._has_made = False
        self.real: Any = None  # the function behind `psycopg.Connection.connect`, where it is another one by now

    def connect(self, kind: Any, *arguments: Any, **named: Any) -> Any:
        """A connection of the class that stops."""
        stops = self._stops
        real = self.real or kind.connect.__func__
        if not stops.begun:
            return real(kind, *arguments, **named)
        with stops.known(), uncontrolled():
            made = real(kind if issubclass(kind, _Stopping) else self._kind_of(kind), *arguments, **named)
            info = made.info
            identity = _ask_directly(made.pgconn, _IDENTITY)
            if info.parameter_status("is_superuser") == "on":
                _ask_directly(made.pgconn, f"SET deadlock_timeout = '{DETECTION * 1000:.0f}ms'")
            conninfo = _with_password(info.dsn, info.password)
            made._lab = _Connected(self._sessions.open(identity, info.dbname, conninfo, info.backend_pid), info.dbname)
        if stops.are_threads:
            made.lock = made._lab.turn
        self._open.add(made)
        self._has_made = True
        return made

    def left(self) -> tuple[Effect, ...]:
        """What is touched by the end of the process, as its connections end with it."""
        found: dict[Any, Effect] = {}
        for connection in list(self._open) if self._has_made else ():
            about = connection._lab
            if not connection.closed and _goes_on(connection):
                found[about.session.server] = (about.session.server, "!data")
        return tuple(found.values())

    def _kind_of(self, kind: Any) -> Any:
        if kind not in self._kinds:
            self._kinds[kind] = self._make_kind(kind)
        return self._kinds[kind]

    def _make_kind(self, kind: Any) -> Any:
        servers = self

        class Connection(_Stopping, kind):  # type: ignore[misc]
            _stops = servers._stops

            def wait(self, gen: Any, *arguments: Any, **named: Any) -> Any:
                about = self._lab
                if about is None or not servers._stops.begun:
                    return super().wait(gen, *arguments, **named)
                try:
                    return servers._ask(self, about, gen)
                except Exception:
                    raise
                except BaseException:  # the execution ends here, and nobody waits for the answer any more
                    servers._leave(self, about)
                    raise

            def close(self) -> None:
                about, stops = self._lab, servers._stops
                goes = False
                if about is not None and stops.begun and not self.closed:
                    goes = _goes_on(self)
                    try:
                        stops.step("leaves", about.label, ((about.session.server, "!data"),) if goes else ())
                    except BaseException:
                        servers._leave(self, about)
                        raise
                with stops.known(), uncontrolled():
                    super().close()
                if goes and about is not None:
                    about.session.ended()

            def cancel(self) -> None:
                self._note(_CANCELS)
                super().cancel()

            def cancel_safe(self, **named: Any) -> None:
                self._note(_CANCELS)
                super().cancel_safe(**named)

            def _note(self, what: str) -> None:
                if self._lab is not None:
                    servers._stops.note("uncontrolled", f"{servers._stops.place()} {what}, which is not under control")

            def __del__(self) -> None:
                super().__del__()  # which warns of what is still open
                if self._lab is not None and not self.closed:
                    with suppress(Exception):
                        self.close()  # as the end of what is inside of it would

        Connection.__name__, Connection.__qualname__, Connection.__module__ = (
            kind.__name__,
            kind.__qualname__,
            kind.__module__,
        )
        return Connection

    def _leave(self, connection: Any, about: _Connected) -> None:
        """End a connection in the middle of something."""
        connection.pgconn.finish()
        about.session.end()

    def _ask(self, connection: Any, about: _Connected, gen: Any) -> Any:
        """One step: something that the server is asked for."""
        stops, session = self._stops, about.session
        name = getattr(gen, "__name__", "")
        word = _WORDS.get(name)
        if word is None:
            stops.note("uncontrolled", f"{stops.place()} has psycopg do {name}, which is not under control")
            word = "uses"
        statement = _statement(gen)
        if connection._pipeline is not None:
            stops.note("uncontrolled", f"{stops.place()} {_PIPES}, which is not under control")
        if _COMMITS.search(statement) or (name == "_executemany_gen_no_pipeline" and connection.autocommit):
            stops.note("doubt", f"{stops.place()} may end a transaction in the middle, {_ONE_STEP}")
        if _LISTENS.match(statement):
            stops.note("uncontrolled", f"{stops.place()} {_HEARS}, which is not under control")
        if _PATIENCE.search(statement):
            stops.note("uncontrolled", f"{stops.place()} counts on real time in the database")
        effects: tuple[Effect, ...] = ((session.server, "data" if looks(statement) else "!data"),)
        idle = connection.info.transaction_status == _IDLE and connection._pipeline is None
        if not word or name == "_enter_gen" or (idle and name in _OF_TRANSACTIONS):
            effects = ()
        effects = (*effects, (session.where, "!session"))
        stops.step(word, about.label, effects, short(" ".join(statement.split())) or "" if statement else "")
        turn = about.turn
        while stops.are_threads and turn.taken:  # by somebody who went on first
            stops.step("waits for", about.label, ((session.where, "!session"),), wait=("file", turn))
        turn.taken = True
        frame = getattr(gen, "gi_frame", None)
        cursor = frame.f_locals.get("self") if frame is not None else None
        try:
            result = self._drive(connection, about, gen, effects)
        finally:
            turn.taken = False
        rows = getattr(cursor, "rowcount", 0)
        if word == "executes in" and rows > 1 and not looks(statement):
            stops.note("doubt", f"{stops.place()} comes to {rows} rows one after the other, {_ONE_STEP}")
        return result

    def _drive(self, connection: Any, about: _Connected, gen: Any, effects: tuple[Effect, ...]) -> Any:
        """Have it done, and give others their turn while it waits for them in the server."""
        going = self._going(connection, gen)
        stops, session = self._stops, about.session
        while True:
            with stops.known():
                try:
                    next(going)
                except StopIteration as end:
                    return end.value
            if session.waits():
                stops.step("waits in", about.label, effects, wait=("server", session.where))

    def _going(self, connection: Any, gen: Any) -> Iterator[None]:
        """Each time that there is no answer for a moment comes out here."""
        ready: int | None = None  # nothing has been waited for yet
        poll = select.poll()
        number = connection.pgconn.socket
        while True:
            try:
                with uncontrolled():
                    state = int(gen.send(ready))
            except StopIteration as end:
                return end.value  # type: ignore[no-any-return]
            poll.register(number, (select.POLLIN if state & 1 else 0) | (select.POLLOUT if state & 2 else 0))
            while not (found := poll.poll(_GLANCE * 1000)):
                yield
            events = found[0][1]
            ready = (1 if events & ~select.POLLOUT else 0) | (2 if events & select.POLLOUT else 0)


class _Stopping:
    """A class of connections that stop."""

    _lab: _Connected | None = None
    _stops: Stops

    @property
    def pgconn(self) -> Any:
        """What the library has to say something to the server; whoever else uses it goes past what stops."""
        stops = self._stops
        if self._lab is not None and stops.begun and not _is_known(sys._getframe(1).f_code.co_filename):
            stops.note("uncontrolled", f"{stops.place()} {PAST}, which is not under control")
        return self.__dict__["pgconn"]

    @pgconn.setter
    def pgconn(self, value: Any) -> None:
        self.__dict__["pgconn"] = value


def _is_known(file: str) -> bool:
    return file.startswith(LAB) or is_library(file)


def _goes_on(connection: Any) -> bool:
    """Whether the server lets go of something when the connection ends."""
    return bool(connection.info.transaction_status != _IDLE or connection._lab.session.holds())


def _ask_directly(pgconn: Any, command: str) -> str:
    """What a connection is told where nobody else has part in it; never for longer than an attempt to connect."""
    from psycopg import generators, waiting

    pgconn.send_query(command.encode())
    (result,) = waiting.wait(generators.execute(pgconn), pgconn.socket, interval=0.1)
    return (result.get_value(0, 0) or b"").decode() if result.ntuples else ""


def _statement(gen: Any) -> str:
    frame = getattr(gen, "gi_frame", None)
    if frame is None:
        return ""
    query = frame.f_locals.get("query", "")
    if isinstance(query, bytes):
        return query.decode(errors="replace")
    return query if isinstance(query, str) else str(getattr(query, "as_string", lambda _=None: "")(None))


def _with_password(conninfo: str, password: str) -> str:
    from psycopg.conninfo import make_conninfo

    return make_conninfo(conninfo, password=password) if password else conninfo
