"""`psycopg` under control: what a connection asks a PostgreSQL server for is a step, and who waits there waits here.

Whether a statement has to wait for somebody's lock is not guessed from the time that it takes: the server is asked, by
a connection of the lab's own (`pg_blocking_pids`).  Of those who wait for each other it ends one itself; so they are
waited for, until it has.

All that changes a database, or may, touches all of it; what only looks depends on that and not on others that look.
Which rows a statement sees, and whether a transaction can be committed, is the server's own business.
"""

from __future__ import annotations

import re
import select
import time
from typing import Any

from lab.filesystem.paths import Common
from lab.filesystem.stops import Effect, Stops
from lab.hooks import uncontrolled
from lab.naming import short

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
_CALLS = re.compile(r"\b(\w+)\s*\(")
_HARMLESS = frozenset(
    ("count", "sum", "min", "max", "avg", "coalesce", "exists", "in", "any", "all", "and", "or", "not")
)
_PATIENCE = re.compile(r"\b(?:lock_timeout|statement_timeout|idle_in_transaction_session_timeout|pg_sleep)\b", re.I)
_KEEPS = re.compile(r"\b(?:pg_(?:try_)?advisory_lock\w*|LISTEN|TEMP|TEMPORARY|PREPARE|HOLD)\b", re.I)
"""What a session has for longer than a transaction, as far as others may notice."""
_IDLE = 0  # the state of a connection without a transaction
_BLOCKED = """
WITH RECURSIVE before(pid) AS (
    SELECT unnest(pg_blocking_pids(%(pid)s)) UNION SELECT unnest(pg_blocking_pids(pid)) FROM before
) SELECT count(*) > 0, coalesce(bool_or(pid = %(pid)s), false) FROM before
"""
_DETECTION = 0.01  # seconds after which the server looks whether those who wait do so for each other, where it obeys
_GLANCE = 0.002  # seconds after which it is asked why there is no answer yet


def looks(statement: str) -> bool:
    """Whether a statement is known to change nothing, and to take no lock that others wait for."""
    return _LOOKS.match(statement) is not None and all(name.lower() in _HARMLESS for name in _CALLS.findall(statement))


class Server:
    """A database of a server, as a connection of the lab's own sees it."""

    def __init__(self, conninfo: str) -> None:
        self._conninfo = conninfo
        self._connection: Any = None

    def waits(self, pid: int) -> bool:
        """Whether the statement of a session has to wait for somebody else, and not in a circle."""
        waits, in_circle = self._ask(_BLOCKED, pid)
        return bool(waits and not in_circle)

    def knows(self, pid: int) -> bool:
        """Whether there is such a session."""
        return bool(self._ask("SELECT count(*) FROM pg_stat_activity WHERE pid = %(pid)s", pid)[0])

    def end(self, pid: int) -> None:
        """Have a session ended whose client has left in the middle."""
        self._ask("SELECT pg_terminate_backend(%(pid)s)", pid)

    def _ask(self, question: str, pid: int) -> Any:
        import psycopg

        with uncontrolled():
            if self._connection is None:
                self._connection = psycopg.connect(self._conninfo, autocommit=True)
            return self._connection.execute(question, {"pid": pid}).fetchone()

    def close(self) -> None:
        """End the lab's own connection."""
        if self._connection is not None:
            with uncontrolled():
                self._connection.close()
            self._connection = None


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


class Session(Common):
    """What is kept beside a connection."""

    def __init__(self, server: Server, database: Common, label: str, pid: int) -> None:
        self.server, self.database, self.label, self.pid = server, database, label, pid
        self.turn = Turn()
        self.keeps = False  # something that goes on past its transactions

    def is_free(self) -> bool:
        """Whether what it has asked for can come to its end."""
        return not self.server.waits(self.pid)


class Servers:
    """What is called in place of `psycopg.Connection.connect`."""

    def __init__(self, stops: Stops) -> None:
        self._stops = stops
        self._kinds: dict[Any, Any] = {}
        self._servers: dict[str, Server] = {}
        self._databases: dict[str, Common] = {}

    def close(self) -> None:
        """End the lab's own connections."""
        for server in self._servers.values():
            server.close()

    def connect(self, kind: Any, *arguments: Any, **named: Any) -> Any:
        """A connection of the class that stops."""
        stops = self._stops
        if not stops.begun:
            return kind.connect(*arguments, **named)
        with uncontrolled():
            made = self._kind_of(kind).connect(*arguments, **named)
            info = made.info
            conninfo = _with_password(info.dsn, info.password)
            if info.parameter_status("is_superuser") == "on":
                command = f"SET deadlock_timeout = '{_DETECTION * 1000:.0f}ms'"
                made.pgconn.exec_(command.encode())
        server = self._servers.setdefault(conninfo, Server(conninfo))
        database = self._databases.setdefault(conninfo, Common())
        made._lab = Session(server, database, info.dbname, info.backend_pid)
        made.lock = made._lab.turn
        return made

    def _kind_of(self, kind: Any) -> Any:
        if kind not in self._kinds:
            self._kinds[kind] = self._make_kind(kind)
        return self._kinds[kind]

    def _make_kind(self, kind: Any) -> Any:
        servers = self

        class Connection(kind):  # type: ignore[misc]
            _lab: Session | None = None

            def wait(self, gen: Any, *arguments: Any, **named: Any) -> Any:
                session = self._lab
                if session is None or not servers._stops.begun:
                    return super().wait(gen, *arguments, **named)
                try:
                    return servers._ask(self, session, gen)
                except Exception:
                    raise
                except BaseException:  # the execution ends here, and nobody waits for the answer any more
                    servers._leave(self, session)
                    raise

            def close(self) -> None:
                session, stops = self._lab, servers._stops
                goes = False
                if session is not None and stops.begun and not self.closed:
                    goes = session.keeps or self.info.transaction_status != _IDLE
                    try:
                        stops.step("leaves", session.label, ((session.database, "!data"),) if goes else ())
                    except BaseException:
                        servers._leave(self, session)
                        raise
                with uncontrolled():
                    super().close()
                    if session is not None and goes:
                        _wait_for_end(session)

        Connection.__name__, Connection.__qualname__, Connection.__module__ = (
            kind.__name__,
            kind.__qualname__,
            kind.__module__,
        )
        return Connection

    def _leave(self, connection: Any, session: Session) -> None:
        """End a connection in the middle of something."""
        connection.pgconn.finish()
        session.server.end(session.pid)

    def _ask(self, connection: Any, session: Session, gen: Any) -> Any:
        """One step: something that the server is asked for."""
        stops = self._stops
        name = getattr(gen, "__name__", "")
        word = _WORDS.get(name)
        if word is None:
            stops.note("uncontrolled", f"{stops.place()} has psycopg do {name}, which is not under control")
            word = "uses"
        statement = _statement(gen)
        if _PATIENCE.search(statement):
            stops.note("uncontrolled", f"{stops.place()} counts on real time in the database")
        effects: tuple[Effect, ...] = ((session.database, "data" if looks(statement) else "!data"),)
        if not word or name == "_enter_gen":
            effects = ()
        session.keeps = session.keeps or _KEEPS.search(statement) is not None
        effects = (*effects, (session, "!session"))
        stops.step(word, session.label, effects, short(" ".join(statement.split())) or "" if statement else "")
        while session.turn.taken:  # by somebody who went on first
            stops.step("waits for", session.label, ((session, "!session"),), wait=("file", session.turn))
        session.turn.taken = True
        try:
            with stops.known():
                return self._drive(connection, session, gen, effects)
        finally:
            session.turn.taken = False

    def _drive(self, connection: Any, session: Session, gen: Any, effects: tuple[Effect, ...]) -> Any:
        ready: int | None = None  # nothing has been waited for yet
        poll = select.poll()
        number = connection.pgconn.socket
        try:
            while True:
                with uncontrolled():
                    state = int(gen.send(ready))
                while True:
                    poll.register(number, (select.POLLIN if state & 1 else 0) | (select.POLLOUT if state & 2 else 0))
                    found = poll.poll(_GLANCE * 1000)
                    if found:
                        break
                    if session.server.waits(session.pid):
                        time_of_detection()
                        if session.server.waits(session.pid):
                            self._stops.step("waits in", session.label, effects, wait=("server", session))
                events = found[0][1]
                ready = (1 if events & ~select.POLLOUT else 0) | (2 if events & select.POLLOUT else 0)
        except StopIteration as end:
            return end.value


def time_of_detection() -> None:
    """Until who waits has been looked at: so of a circle, whoever closes it is ended, in every execution."""
    _sleep(2 * _DETECTION)


_sleep = time.sleep


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


def _wait_for_end(session: Session) -> None:
    """Until the server has let go of what the session held: it does so a moment after it was told."""
    until = time.monotonic() + 5
    while time.monotonic() < until:
        found = session.server.knows(session.pid)
        if not found:
            return
        _sleep(0.0005)
