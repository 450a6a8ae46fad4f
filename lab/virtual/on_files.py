"""The tables of the operations on files and databases that have a twin, by the way in which they are called."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from lab.filesystem import files, locks, system
from lab.filesystem.server import PAST
from lab.virtual.redirection import own

if TYPE_CHECKING:
    from lab.carriers.control import Control
    from lab.instrument import Site


def _twin(real: Any) -> Callable[..., Any]:
    def call(control: Control, _site: Site, /, *arguments: Any, **named: Any) -> Any:
        return control.twins.files.instead[real](*arguments, **named)

    return call


def _connect(control: Control, _site: Site, /, *arguments: Any, **named: Any) -> Any:
    return control.twins.files.databases.connect(*arguments, **named)


_MADE_BEFORE = "uses a connection to a server that was opened before, or by another way"
LATE = {"connect": _connect}
"""The twins of operations of `_sqlite3`, which is not imported for their sake."""


def late_functions() -> dict[Any, Callable[..., Any]]:
    """The twins of what is not imported for their sake."""
    found: dict[Any, Callable[..., Any]] = {}
    tempfile: Any = sys.modules.get("tempfile")
    if tempfile is not None:
        found[tempfile._get_candidate_names] = _candidate_names
    psycopg: Any = sys.modules.get("psycopg")
    if psycopg is not None:
        found[psycopg.Connection.connect.__func__] = _connect_to_server
        for name in ("connect", "connect_start"):
            made = getattr(psycopg.pq.PGconn, name)
            found[getattr(made, "__func__", made)] = _past_the_library(made)
    return found


def _connect_to_server(control: Control, _site: Site, kind: Any, /, *arguments: Any, **named: Any) -> Any:
    return control.twins.files.servers.connect(kind, *arguments, **named)


def redirected_functions() -> dict[Any, Callable[..., Any]]:
    """The same of those that the library, in which there are no hooks, calls by itself."""
    psycopg: Any = sys.modules.get("psycopg")
    return {} if psycopg is None else {psycopg.Connection.wait: _wait_for_server}


def _wait_for_server(control: Control, _site: Site, connection: Any, /, *arguments: Any, **named: Any) -> Any:
    """What stops has a method of its own; what comes here was connected before, or by another way."""
    files = control.twins.files
    files.note("uncontrolled", f"{files.place()} {_MADE_BEFORE}, which is not under control")
    return own(sys.modules["psycopg"].Connection.wait)(connection, *arguments, **named)


def _past_the_library(real: Any) -> Callable[..., Any]:
    def call(control: Control, _site: Site, /, *arguments: Any, **named: Any) -> Any:
        files = control.twins.files
        files.note("uncontrolled", f"{files.place()} {PAST}, which is not under control")
        return real(*arguments[hasattr(real, "__func__") :], **named)

    return call


def _candidate_names(control: Control, _site: Site, /) -> Iterator[str]:
    return control.twins.files.names()


_OPERATIONS = [*system.operations(), *locks.operations()]
FUNCTIONS: dict[Any, Callable[..., Any]] = {real: _twin(real) for real in system.questions()}
PLAIN: dict[Any, Callable[..., Any]] = {real: _twin(real) for real in (open, *_OPERATIONS)}
RAW = files.RAW
