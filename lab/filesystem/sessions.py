"""Sessions of a PostgreSQL server, and what a connection of the lab's own is told of them.

Whether a statement has to wait for somebody's lock is not guessed from the time that it takes: the server is asked
(`pg_blocking_pids`).  Of those who wait for each other it ends one itself; so they are waited for, until it has.

There is one object for each server and one for each session, whoever asks: threads of this process, or the processes of
actors, which ask the runner and have no part in its connections.
"""

from __future__ import annotations

import select
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from lab.errors import LabError
from lab.filesystem.paths import Common
from lab.hooks import uncontrolled

_BLOCKED = """
WITH RECURSIVE before(pid) AS (
    SELECT unnest(pg_blocking_pids($1::int)) UNION SELECT unnest(pg_blocking_pids(pid)) FROM before
) SELECT (count(*) > 0 AND NOT coalesce(bool_or(pid = $1::int), false))::int FROM before
"""
_KNOWN = "SELECT count(*) FROM pg_stat_activity WHERE pid = $1::int"
_HOLDS = "SELECT count(*) FROM pg_locks WHERE pid = $1::int"
_SHUT = "SELECT count(*) FROM pg_locks WHERE mode = 'AccessExclusiveLock' AND locktype = 'relation' AND granted"
_ENDS = "SELECT pg_terminate_backend($1::int)::int"
_THERE = "SELECT 1"
_CONTENTS = """
SELECT 'SELECT json_object_agg(name, contents) FROM (' || string_agg(format('SELECT %L AS name, (', name) || CASE
    WHEN kind IN ('r', 'm') AND has_table_privilege(oid, 'SELECT') AND pg_relation_size(oid) <= 1048576 THEN
        format('SELECT md5(string_agg(t::text, chr(10) ORDER BY t::text)) FROM %s t', name)
    WHEN kind = 'S' AND has_sequence_privilege(oid, 'SELECT') THEN
        format('SELECT last_value::text || is_called::text FROM %s', name)
    ELSE 'NULL::text' END || ') AS contents', ' UNION ALL ' ORDER BY name) || ') AS tables'
FROM (
    SELECT c.oid, relkind AS kind, format('%I.%I', nspname, relname) AS name
    FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace
    WHERE relpersistence <> 't' AND nspname <> 'information_schema' AND nspname NOT LIKE 'pg\\_%'
) AS named
"""
"""Gives the question what is in all tables and sequences; of what is larger than a mebibyte, only what there is."""
DETECTION = 0.01
"""Seconds after which the server looks whether those who wait do so for each other, where it obeys."""
_PATIENCE = 15.0  # seconds in which the server has to answer, and to notice that a client is no more
_sleep, _now = time.sleep, time.monotonic


class Server(Common):
    """A server, as a connection of the lab's own sees it; it stands for all that is in it."""

    def __init__(self, conninfo: str) -> None:
        self._conninfo = conninfo
        self._connection: Any = None

    def waits(self, pid: int) -> bool:
        """Whether the statement of a session has to wait for somebody else, and not in a circle."""
        return self.ask(_BLOCKED, pid) != "0"

    def knows(self, pid: int) -> bool:
        """Whether there is such a session."""
        return self.ask(_KNOWN, pid) != "0"

    def holds(self, pid: int) -> bool:
        """Whether a session has locks, which at its end others may find free."""
        return self.ask(_HOLDS, pid) != "0"

    def end(self, pid: int) -> None:
        """Have a session ended whose client has left in the middle."""
        self.ask(_ENDS, pid)

    def is_there(self) -> None:
        """Raises LabError if it is not."""
        self.ask(_THERE)

    def is_shut(self) -> bool:
        """Whether somebody keeps everybody else from looking into a table."""
        return self.ask(_SHUT) != "0"

    def contents(self) -> dict[str, str]:
        """A digest of what is in each table of the database that the lab's own connection is to."""
        import json

        question = self.ask(_CONTENTS)
        found: dict[str, str] = json.loads(self.ask(question)) if question else {}
        return found

    def ask(self, question: str, *values: object) -> str:
        """The first column of the first row, as text; raises LabError if there is no answer."""
        import psycopg

        with uncontrolled():
            try:
                if self._connection is None:
                    self._connection = psycopg.connect(
                        self._conninfo, autocommit=True, connect_timeout=int(_PATIENCE), prepare_threshold=None
                    )
                return self._answer(self._connection.pgconn, question, values)
            except psycopg.Error as error:
                self.close()
                raise LabError(_GONE.format(" ".join(str(error).split()))) from None

    def _answer(self, pgconn: Any, question: str, values: tuple[object, ...]) -> str:
        import psycopg

        pgconn.send_query_params(question.encode(), [str(one).encode() for one in values])
        until, poll = _now() + _PATIENCE, select.poll()
        poll.register(pgconn.socket, select.POLLIN)
        found = ""
        while True:
            pgconn.flush()
            while pgconn.is_busy():
                if not poll.poll(max(0.0, until - _now()) * 1000):
                    raise psycopg.OperationalError(f"it gave no answer for {_PATIENCE:.0f} s")
                pgconn.consume_input()
            result = pgconn.get_result()
            if result is None:
                return found
            if result.error_message:
                raise psycopg.OperationalError(result.error_message.decode(errors="replace"))
            found = (result.get_value(0, 0) or b"").decode()

    @property
    def fd(self) -> int:
        """The file descriptor of the lab's own connection; -1 where there is none."""
        return int(self._connection.pgconn.socket) if self._connection is not None else -1

    def close(self) -> None:
        """End the lab's own connection."""
        if self._connection is not None:
            with uncontrolled():
                self._connection.close()
            self._connection = None


_GONE = "the PostgreSQL server that the actors use went away in the middle of an exploration: {}"


class _Database:
    """What is in one of the databases of a server when setup has made the state."""

    def __init__(self, name: str, conninfo: str) -> None:
        self.server, self._name = Server(conninfo), name
        self._known: dict[str, str] | None = None

    def changed(self) -> str:
        """What is not as at the last time; empty if all is, or if this is the first one."""
        if self.server.is_shut():  # by setup, which has not come to the end of a transaction
            return f"what nobody may look into in the database {self._name}"
        before, self._known = self._known, self.server.contents()
        if before is None or before == self._known:
            return ""
        name = min(name for name, _ in before.items() ^ self._known.items())
        return f"{name} in the database {self._name}"


class Session(Common):
    """One connection, as the server sees it."""

    def __init__(self, server: Server, pid: int, owner: object) -> None:
        self.server, self.pid = server, pid
        self.owner = owner  # the actor that has it, where no other one can
        self.over = False  # the server has let go of it

    @property
    def where(self) -> Any:
        """What an operation touches that is about it alone."""
        return self

    def is_free(self) -> bool:
        """Whether what it has asked for can come to its end."""
        return not self.server.waits(self.pid)

    def waits(self) -> bool:
        """Whether what it has asked for has to wait for others, and would do so for longer than for a circle to end.

        So of a circle, whoever closes it is ended, in every execution.
        """
        if not self.server.waits(self.pid):
            return False
        _sleep(2 * DETECTION)
        return self.server.waits(self.pid)

    def holds(self) -> bool:
        """Whether it has locks."""
        return self.server.holds(self.pid)

    def ended(self) -> bool:
        """Its client is no more: wait until the server has let go of what it held, which is a moment later.

        False where the server goes on with it, as it waits for somebody else's lock.
        """
        until = _now() + _PATIENCE
        while not self.over and self.server.knows(self.pid):
            if self.server.waits(self.pid):
                return False
            if _now() > until:
                raise LabError(f"the PostgreSQL server goes on with a session that was left {_PATIENCE:.0f} s ago")
            _sleep(0.0005)
        self.over = True
        return True

    def end(self) -> None:
        """The same of one that was left in the middle of something, which the server has to end."""
        if not self.over and self.server.knows(self.pid):
            self.server.end(self.pid)
            self.ended()


class Sessions:
    """Those of one execution."""

    def __init__(self, is_quiet: Callable[[], bool] = lambda: False) -> None:
        self._is_quiet = is_quiet  # whether it is no actor that goes on
        self._servers: dict[str, Server] = {}  # by what it says that it is, however it is come to
        self._databases: dict[tuple[str, str], _Database] = {}
        self._unknown = Common()  # stands for whatever a thread that nobody controls has opened
        self._sessions: dict[tuple[str, int], Session] = {}

    def begin(self) -> None:
        """Another execution."""
        self._sessions = {}

    def open(self, identity: str, name: str, conninfo: str, pid: int, owner: object = None) -> Session:
        """There is another session, in the database of that name on the server of that identity."""
        server = self._servers.get(identity)
        if server is None:
            server = self._servers[identity] = Server(conninfo)
            server.is_there()  # connected before actors have all the connections that there can be
        database = self._databases.get((identity, name))
        if database is None:
            database = self._databases[identity, name] = _Database(name, conninfo)
            if not self._is_quiet():
                database.changed()  # for the first time
        session = self._sessions[identity, pid] = Session(server, pid, owner)
        return session

    def find(self, identity: str, pid: int) -> Session | None:
        """A session; None for one that was opened where nobody could tell."""
        return self._sessions.get((identity, pid))

    def place(self, identity: str, pid: int) -> Common:
        """What stands for a session, or for the server itself where the number is 0."""
        found: Common | None = self.find(identity, pid) if pid else self._servers.get(identity)
        return found if found is not None else self._unknown

    def changed(self) -> str:
        """Asked when setup has made another state: what of databases is not as the execution before found it."""
        if not self._databases:
            return ""
        return next(filter(None, [database.changed() for database in self._databases.values()]), "")

    def left(self, owner: object) -> bool:
        """The process of an actor is no more: wait until servers have noticed; false where one goes on nevertheless."""
        over = [session.ended() for session in self._sessions.values() if session.owner is owner]
        return all(over)

    def settle(self) -> None:
        """All actors have come to their ends: wait until what servers still do for one that was killed is done."""
        for session in self._sessions.values():
            session.ended()

    def finish(self) -> None:
        """Everybody who had a session is no more, wherever it stood: let nothing go on in the servers."""
        for session in self._sessions.values():
            session.end()

    def are_there(self) -> None:
        """Raises LabError if a server is no longer there that was."""
        for server in self._servers.values():
            server.is_there()

    def _all(self) -> list[Server]:
        return [*self._servers.values(), *[database.server for database in self._databases.values()]]

    def fds(self) -> list[int]:
        """The file descriptors of the lab's own connections."""
        if not self._servers:  # without one there is no database of one
            return []
        return [server.fd for server in self._all() if server.fd >= 0]

    def close(self) -> None:
        """End the lab's own connections."""
        for server in self._all():
            with suppress(Exception):  # of a server that is no more
                server.close()
