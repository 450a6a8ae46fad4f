"""`sqlite3` under control: each statement is a step, and who finds the database locked waits.

A statement of SQLite happens at once or not at all.  What waits inside of it, up to the connection's timeout, waits
here instead: until another actor has done something with the same database, or until the time is up.  When that is,
is a choice of its own, whoever else waits until what moment; of ten seconds or more it is when nobody else can go on.
"""

from __future__ import annotations

import gc
import os
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress
from typing import Any

from lab.filesystem.companions import Companions
from lab.filesystem.paths import Common
from lab.filesystem.statements import Statement, address
from lab.filesystem.stops import TIMED_OUT, Effect, Stops
from lab.hooks import uncontrolled
from lab.naming import short

try:
    import sqlite3
except ImportError:  # a Python built without it
    sqlite3 = None  # type: ignore[assignment]

_PRIVATE = ("", ":memory:")


class Databases:
    """What is called in place of `sqlite3.connect` and the methods of what it gives."""

    def __init__(self, stops: Stops) -> None:
        self._stops = stops
        self._real: Any = sqlite3.connect if sqlite3 is not None else None
        self._kinds: dict[Any, Any] = {}

    def connect(self, *arguments: Any, **named: Any) -> Any:
        """A connection that stops; one to a database that nobody else can reach is as it always is."""
        stops = self._stops
        database = arguments[0] if arguments else named.get("database")
        text = os.fsdecode(database) if isinstance(database, str | bytes | os.PathLike) else ""
        private = text in _PRIVATE
        if not stops.begun or (private and not stops.are_threads):
            return self._real(*arguments, **named)
        where, creates = address(text) if named.get("uri") else (None if text.startswith("file:") else text, True)
        if len(arguments) > 5 or where is None:
            stops.note("uncontrolled", f"{stops.place()} connects to {text} by an address, which is not under control")
            return self._real(*arguments, **named)
        private = where in _PRIVATE
        if private and not stops.are_threads:
            return self._real(*arguments, **named)
        timeout = arguments[1] if len(arguments) > 1 else named.get("timeout", 5.0)
        if len(arguments) > 1:
            arguments = (arguments[0], 0, *arguments[2:])
        else:
            named["timeout"] = 0
        path = "" if private else os.path.join(os.getcwd(), where)
        stops.step("connects to", text, ((path, "l+v" if creates else "lv"),) if path else ())
        with stops.known():
            companions = Companions(path) if path else None
        plain = named.get("factory") or sqlite3.Connection
        named["factory"] = self._kind_of(plain)
        # The C code makes a cache by `functools`, which is nothing that the program does.
        with stops.known(), uncontrolled() if plain is sqlite3.Connection else nullcontext():
            made = self._real(*arguments, **named)
        made._lab = _Connected(path, text or "a database", float(timeout), companions)
        if not named.get("check_same_thread", True) or (len(arguments) > 4 and not arguments[4]):
            made._lab.thread = 0
        else:
            made._lab.thread = stops.thread()
        if path:
            stops.connected.append(path)
        return made

    def _kind_of(self, kind: Any) -> Any:
        if kind not in self._kinds:
            self._kinds[kind] = self._connection_kind(kind)
        return self._kinds[kind]

    def _do(self, connection: Any, word: str, how: str, detail: str, do: Any, patient: bool = True) -> Any:
        """One statement, as soon as the database is not locked."""
        stops, about = self._stops, connection._lab
        if not stops.begun or about is None:
            return do()
        self._check_thread(about)
        effects = about.effects(how) if how else ()
        if stops.are_threads:
            effects = (*effects, (about, "!connection"))
        first = True
        while True:
            wait: tuple[Any, ...] = ()
            if not first or (how == "W" and patient and about.timeout and about.path and word == "executes in"):
                wait = ("database", about.path, about.timeout, first, about if stops.are_threads else None)
            if stops.step(word, about.label, effects, detail, wait=wait) == TIMED_OUT:
                raise sqlite3.OperationalError("database is locked")
            first = False
            try:
                with stops.known():
                    return do()
            except sqlite3.OperationalError as error:
                stops.came_to(str(error))
                if _code(error) not in ("SQLITE_BUSY", "SQLITE_BUSY_RECOVERY") or not patient or not about.timeout:
                    raise

    def _check_thread(self, about: Any) -> None:
        """Complain as SQLite does, where threads are not what they seem."""
        here = self._stops.thread()
        if about is not None and about.thread not in (0, here):
            raise sqlite3.ProgrammingError(
                "SQLite objects created in a thread can only be used in that same thread. "
                f"The object was created in thread id {about.thread} and this is thread id {here}."
            )

    def _leaves_unnoticed(self, connection: Any, about: Any) -> bool:
        """Whether a connection that is about to be closed has nothing that others wait for, and no log to copy back.

        The last one to leave a database with a write-ahead log copies that into the file and removes it.
        """
        if about.open_cursors or about.set_up or connection.in_transaction:
            return False
        if not about.used:
            return True
        cursor = sqlite3.Cursor(connection)
        cursor.row_factory = None
        with suppress(sqlite3.Error):
            return bool(cursor.execute("PRAGMA journal_mode").fetchone()[0] != "wal")
        return False

    def _connection_kind(self, kind: Any) -> Any:
        databases = self

        class Connection(kind):  # type: ignore[misc]
            _lab: Any = None

            def cursor(self, factory: Any = None) -> Any:
                databases._check_thread(self._lab)
                return super().cursor(databases._cursor_kind(factory or sqlite3.Cursor))

            def execute(self, sql: str, *parameters: Any) -> Any:
                return self.cursor().execute(sql, *parameters)

            def executemany(self, sql: str, parameters: Any) -> Any:
                return self.cursor().executemany(sql, parameters)

            def commit(self) -> None:
                if self.in_transaction:
                    databases._do(self, "commits to", "W", "", super().commit)
                    self._lab.reading = False
                    databases._tell(self, False)

            def rollback(self) -> None:
                if self.in_transaction:
                    databases._do(self, "rolls back in", "W", "", super().rollback)
                    self._lab.reading = False
                    databases._tell(self, False)

            def executescript(self, script: str) -> Any:
                return self.cursor().executescript(script)

            def close(self) -> None:
                about, stops = self._lab, databases._stops
                if about is not None and stops.begun and about.path in stops.connected:
                    databases._check_thread(about)
                    with stops.known():
                        unnoticed = databases._leaves_unnoticed(self, about)
                        effects = () if unnoticed else ((about.path, "lW"), *about.companions.leaving())
                        stops.step("leaves", about.label, effects or ((about.path, "l"),))
                    if about.path in stops.connected:  # not one of an execution that is over
                        stops.connected.remove(about.path)
                    if about.writing:
                        stops.writes(about.path, None)
                    self._lab = None
                with stops.known():
                    super().close()

            def __del__(self) -> None:
                with suppress(sqlite3.ProgrammingError):  # it ends in another thread, where C code closes it
                    self.close()

            def __exit__(self, kind: Any, error: Any, trace: Any) -> None:
                if kind is None:
                    try:
                        self.commit()
                    except BaseException:
                        with suppress(Exception):
                            self.rollback()
                        raise
                else:
                    self.rollback()

        for name in _UNKNOWN:
            if hasattr(kind, name):
                setattr(Connection, name, _noting(databases._stops, name, getattr(kind, name)))
        for name in _LISTENING:
            setattr(Connection, name, _setting_up(getattr(kind, name)))
        return Connection

    def _cursor_kind(self, kind: Any) -> Any:
        if kind not in self._kinds:
            self._kinds[kind] = self._make_cursor_kind(kind)
        return self._kinds[kind]

    def _statement(self, cursor: Any, statement: str, word: str, do: Any) -> Any:
        connection = cursor.connection
        about = connection._lab
        what = Statement(statement)
        if what.sets_timeout:
            self._stops.note("uncontrolled", f"{self._stops.place()} sets how long a database waits")
        if what.sets_up and about is not None:
            about.sets_up()
        if what.is_elsewhere:
            self._stops.note("uncontrolled", f"{self._stops.place()} uses another database, {_BY_ANOTHER_WAY}")
        detail = short(" ".join(statement.split())) or ""
        if what.begins:  # which touches nothing yet but the connection
            return self._do(connection, word, "", detail, do) if self._stops.are_threads else do()
        word = what.ends or word
        # Who reads in a transaction and then wants to write is told at once that it cannot, as it might deadlock.
        patient = about is None or bool(what.ends) or not (about.reading and connection.in_transaction)
        result = self._do(connection, word, "r" if what.reads else "W", detail, do, patient)
        if about is not None:
            goes_on = connection.in_transaction
            about.temporary = about.temporary or what.is_temporary
            writes = what.writes and not about.temporary
            if goes_on and not (writes or about.writing or what.reads or what.ends):
                self._stops.note("doubt", f"{self._stops.place()} executes {detail} in a transaction, {_LOCKS}")
            about.reading = (about.reading or what.reads) and goes_on
            self._tell(connection, about.writing or writes)
            about.used = True
            self._note_open(cursor, "r" if what.reads else "W")
        return result

    def _doubt_rows(self, connection: Any, rows: list[Any]) -> None:
        """Each row is a transaction of its own where the connection begins none by itself."""
        autocommit = getattr(connection, "autocommit", -1)  # from 3.12 on, where -1 leaves it to the other one
        alone = autocommit is True or (autocommit == -1 and connection.isolation_level is None)
        if len(rows) > 1 and alone and not connection.in_transaction:
            self._stops.note("doubt", f"{self._stops.place()} executes {len(rows)} statements, {_ONE_STEP}")

    def _tell(self, connection: Any, writes: bool) -> None:
        """Whether it has written in the transaction that goes on, so that nobody else can."""
        about = connection._lab
        if about is not None and about.writing != (writes and connection.in_transaction):
            about.writing = not about.writing
            if about.path:
                self._stops.writes(about.path, about if about.writing else None)

    def _note_open(self, cursor: Any, how: str = "") -> None:
        """Note whether a statement that gives rows goes on, and so keeps the database: as before if ``how`` is empty.

        A cursor has its statement until there are no more rows, as the collector of garbage can tell.
        """
        goes_on = any(type(one).__name__ == "Statement" for one in gc.get_referents(cursor))
        about, now = cursor.connection._lab, (how or cursor._open) if goes_on else ""
        if about is not None:
            about.open_cursors += bool(now) - bool(cursor._open)
        cursor._open = now

    def _make_cursor_kind(self, kind: Any) -> Any:
        databases = self

        class Cursor(kind):  # type: ignore[misc]
            def execute(self, sql: str, *parameters: Any) -> Any:
                do = super().execute
                return databases._statement(self, sql, "executes in", lambda: do(sql, *parameters))

            def executemany(self, sql: str, parameters: Any) -> Any:
                rows = list(parameters)
                do = super().executemany
                databases._doubt_rows(self.connection, rows)
                return databases._statement(self, sql, "executes in", lambda: do(sql, rows))

            def executescript(self, script: str) -> Any:
                stops = databases._stops
                stops.note("doubt", f"{stops.place()} executes a script, which was taken to be one step")
                do = super().executescript
                return databases._statement(self, script, "executes in", lambda: do(script))

            _open = ""  # how a statement keeps the database that has not come to the end of its rows

            def _fetch(self, do: Any) -> Any:
                try:
                    result = databases._do(self.connection, "fetches from", self._open or "r", "", do)
                finally:
                    databases._note_open(self)
                databases._stops.came_to(short(result))
                if self.connection._lab is not None and isinstance(result, list) and len(result) > 1:
                    databases._stops.several(_ROWS, self.connection._lab, "connection")
                return result

            def _let_go(self) -> None:
                about, stops = self.connection._lab, databases._stops
                if self._open and about is not None and stops.begun and about.path:
                    effects, self._open = about.effects(self._open), ""
                    about.open_cursors -= 1
                    with stops.known():
                        stops.step("lets go of", about.label, effects)

            def close(self) -> None:
                self._let_go()
                super().close()

            def __del__(self) -> None:
                self._let_go()

            def fetchone(self) -> Any:
                return self._fetch(super().fetchone)

            def fetchmany(self, *size: Any, **named: Any) -> Any:
                return self._fetch(lambda: super(Cursor, self).fetchmany(*size, **named))

            def fetchall(self) -> Any:
                return self._fetch(super().fetchall)

            def __next__(self) -> Any:
                return self._fetch(super().__next__)

        return Cursor

    @contextmanager
    def in_place(self) -> Iterator[None]:
        """Let programs come to these."""
        if sqlite3 is None:
            yield
            return
        self._kind_of(sqlite3.Connection)  # once, and not in each process that uses them
        self._cursor_kind(sqlite3.Cursor)
        modules: tuple[Any, Any] = (sqlite3, sqlite3.dbapi2)
        before = [(module, module.connect) for module in modules]
        for module, _ in before:
            module.connect = self.connect
        try:
            yield
        finally:
            for module, connect in before:
                module.connect = connect


_LOCKS = "of which it is not known what it locks"
_ONE_STEP = "each a transaction of its own, which was taken to be one step"
_BY_ANOTHER_WAY = "which is not under control where a connection of another one comes to it"
_UNKNOWN = ("backup", "iterdump", "blobopen", "deserialize", "load_extension", "enable_load_extension")
_LISTENING = ("set_trace_callback", "set_authorizer", "set_progress_handler")
"""Who calls these would be told of what the lab asks."""


def _noting(stops: Stops, name: str, real: Any) -> Any:
    def method(connection: Any, *arguments: Any, **named: Any) -> Any:
        stops.note("uncontrolled", f"{stops.place()} uses {name}() of a database, which is not under control")
        return real(connection, *arguments, **named)

    return method


def _setting_up(real: Any) -> Any:
    def method(connection: Any, *arguments: Any, **named: Any) -> Any:
        if connection._lab is not None:
            connection._lab.sets_up()
        return real(connection, *arguments, **named)

    return method


_ROWS = "reads several rows in one step, through a connection that others use"


class _Connected(Common):
    """What is kept beside a connection."""

    def __init__(self, path: str, label: str, timeout: float, companions: Companions | None) -> None:
        self.path, self.label, self.timeout, self.companions = path, label, timeout, companions
        self.thread = 0  # that made it, where nobody else may use it
        self.writing = False  # so was something written
        self.reading = False  # something was read in the transaction that goes on
        self.temporary = False  # it may have tables that nobody else can reach, so that to write locks nothing
        self.used = False  # it has executed a statement
        self.set_up = False  # perhaps in a way that it keeps what others wait for until it is closed
        self.open_cursors = 0  # of which a statement goes on

    def effects(self, how: str) -> tuple[Effect, ...]:
        """What a statement that reads (r) or writes (W) touches."""
        return () if self.companions is None else ((self.path, f"l{how}"), *self.companions.effects(how))

    def sets_up(self) -> None:
        """Something is set of which the lab does not know what comes of it."""
        self.set_up = True
        if self.companions is not None:
            self.companions.set_up()


def _code(error: Any) -> str:
    return str(getattr(error, "sqlite_errorname", "")) or ("SQLITE_BUSY" if "is locked" in str(error) else "")
