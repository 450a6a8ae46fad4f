"""SQLite as threads use it: through a connection that they have in common, and through one each."""

import os
import shutil
import sqlite3
import tempfile
import threading
from types import SimpleNamespace

import pytest

import lab
from tests.files.places import in_new_directory, removed

CARRIERS = pytest.mark.parametrize("carrier", ["greenlet", "thread"])


def table(connection):
    connection.execute("CREATE TABLE t(v)")
    connection.execute("INSERT INTO t VALUES(0)")
    return connection


def in_memory():
    return SimpleNamespace(
        db=table(sqlite3.connect(":memory:", check_same_thread=False, isolation_level=None)), lock=threading.Lock()
    )


def increment(db):
    (value,) = db.execute("SELECT v FROM t").fetchone()
    db.execute("UPDATE t SET v = ?", (value + 1,))


def value(state):
    return state.db.execute("SELECT v FROM t").fetchone()[0]


def closed(state):
    state.db.close()


@CARRIERS
def test_one_connection_loses_an_update(carrier):
    run = lambda state: increment(state.db)  # noqa: E731  # two actors of one body
    verdict = lab.explore(
        in_memory, {"alice": run, "bob": run}, outcome=value, allowed={2}, teardown=closed, carrier=carrier, seconds=60
    )
    verdict.assert_fails()
    assert verdict.failure.message == "outcome 1 (allowed: 2)"


@CARRIERS
def test_under_a_lock_it_does_not(carrier):
    def run(state):
        with state.lock:
            increment(state.db)

    verdict = lab.explore(
        in_memory, {"alice": run, "bob": run}, outcome=value, allowed={2}, teardown=closed, carrier=carrier, seconds=60
    )
    verdict.assert_holds()
    assert verdict.schedules == 2


def test_one_statement_needs_none():
    run = lambda state: state.db.execute("UPDATE t SET v = v + 1")  # noqa: E731  # two actors of one body
    verdict = lab.explore(
        in_memory, {"alice": run, "bob": run}, outcome=value, allowed={2}, teardown=closed, seconds=60
    )
    verdict.assert_holds()


@CARRIERS
def test_a_connection_belongs_to_its_thread(carrier):
    verdict = lab.explore(
        lambda: SimpleNamespace(db=table(sqlite3.connect(":memory:"))),
        {"alice": lambda state: increment(state.db)},
        teardown=closed,
        carrier=carrier,
        seconds=60,
    )
    verdict.assert_fails()
    assert "SQLite objects created in a thread can only be used in that same thread" in verdict.failure.message


def on_disk():
    db = table(sqlite3.connect("t.db", isolation_level=None))
    db.close()


def stored(state):
    db = sqlite3.connect("t.db")
    try:
        return db.execute("SELECT v FROM t").fetchone()[0]
    finally:
        db.close()


def own_connection(*before):
    def run(state):
        db = sqlite3.connect("t.db", isolation_level=None)
        for statement in before:
            db.execute(statement)
        increment(db)
        if before:
            db.execute("COMMIT")
        db.close()

    return run


@CARRIERS
def test_a_connection_each_loses_an_update(carrier):
    verdict = lab.explore(
        in_new_directory(on_disk),
        {"alice": own_connection(), "bob": own_connection()},
        outcome=stored,
        allowed={2},
        teardown=removed,
        carrier=carrier,
        seconds=60,
    )
    verdict.assert_fails()
    assert verdict.failure.message == "outcome 1 (allowed: 2)"


@CARRIERS
def test_who_writes_from_the_beginning_keeps_others_waiting(carrier):
    run = own_connection("BEGIN IMMEDIATE")
    verdict = lab.explore(
        in_new_directory(on_disk),
        {"alice": run, "bob": run},
        outcome=stored,
        allowed={2},
        teardown=removed,
        carrier=carrier,
        schedules=400,
        strategy="dpor",
    )
    assert verdict.failure is None or "database is locked" in verdict.failure.message  # a wait of 5 s may be too short


def test_several_rows_through_a_common_connection_are_several_steps():
    def setup():
        state = in_memory()
        state.db.execute("INSERT INTO t VALUES(1)")
        return state

    verdict = lab.explore(
        setup,
        {
            "alice": lambda state: state.db.execute("SELECT v FROM t").fetchall(),
            "bob": lambda state: state.db.execute("DELETE FROM t"),
        },
        teardown=closed,
        strategy="dpor",
    )
    assert verdict.status == "unknown"
    assert "reads several rows in one step, through a connection that others use" in verdict.reason


def test_nothing_is_left_behind():
    folder = tempfile.mkdtemp()
    try:
        before = os.listdir("/proc/self/fd") if os.path.isdir("/proc/self/fd") else []
        lab.explore(in_memory, {"alice": lambda state: increment(state.db)}, teardown=closed, seconds=60)
        assert not before or len(os.listdir("/proc/self/fd")) <= len(before)
    finally:
        shutil.rmtree(folder)


def test_who_begins_a_transaction_is_seen_on_a_connection_that_others_use():
    def run(state):
        try:
            state.db.execute("BEGIN")
        except sqlite3.OperationalError:
            return
        state.db.execute("UPDATE t SET v = v + 1")
        state.db.execute("COMMIT")

    verdict = lab.explore(
        in_memory, {"alice": run, "bob": run}, outcome=value, teardown=closed, strategy="dpor", seconds=60
    )
    assert (verdict.failure, set(verdict.outcomes)) == (None, {1, 2})
