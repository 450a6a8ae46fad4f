"""SQLite: each statement is a step, and who finds the database locked waits or is told so."""

import os
import pathlib
import sqlite3
from contextlib import closing

import pytest

import lab
from lab.filesystem.statements import address
from tests.processes.programs import both


def setup():
    connection = sqlite3.connect("db")
    connection.execute("CREATE TABLE t (n)")
    connection.execute("INSERT INTO t VALUES (0)")
    connection.commit()
    connection.close()


def number(state):
    connection = sqlite3.connect("db")
    found = connection.execute("SELECT n FROM t").fetchone()[0]
    connection.close()
    return found


def explore(actors, **options):
    return lab.explore(setup, actors, outcome=number, on="processes", strategy="dpor", seconds=60, **options)


def read_and_write(state):
    connection = sqlite3.connect("db", timeout=60)
    with connection:
        (found,) = connection.execute("SELECT n FROM t").fetchone()
        connection.execute("UPDATE t SET n = ?", (found + 1,))
    connection.close()


def write(state):
    with sqlite3.connect("db", timeout=60) as connection:
        connection.execute("UPDATE t SET n = n + 1")


def write_at_once(state):
    connection = sqlite3.connect("db", timeout=60, isolation_level=None)
    connection.execute("BEGIN IMMEDIATE")
    (found,) = connection.execute("SELECT n FROM t").fetchone()
    connection.execute("UPDATE t SET n = ?", (found + 1,))
    connection.execute("COMMIT")


def write_or_not(state):
    connection = sqlite3.connect("db", timeout=0)
    try:
        with connection:
            connection.execute("UPDATE t SET n = n + 1")
    except sqlite3.OperationalError:
        pass


def write_in_time(state):
    with sqlite3.connect("db", timeout=1) as connection:
        connection.execute("UPDATE t SET n = n + 1")


def test_what_was_read_before_the_transaction_began_is_lost():
    verdict = explore(both(read_and_write), allowed={2})
    assert (verdict.status, verdict.failure.message) == ("fails", "outcome 1 (allowed: 2)")
    again = lab.replay(verdict.witness, setup, both(read_and_write), outcome=number, allowed={2})
    assert again.reason.startswith("fails again")


@pytest.mark.parametrize("actor", [write, write_at_once])
def test_writers_wait_for_each_other(actor):
    verdict = explore(both(actor), allowed={2})
    assert (verdict.status, set(verdict.outcomes)) == ("unknown", {2})
    assert "timeout" in verdict.reason or "wait until a moment" in verdict.reason
    assert verdict.uncontrolled == ()


def test_who_does_not_wait_may_write_or_not():
    verdict = explore(both(write_or_not))
    assert (verdict.status, set(verdict.outcomes)) == ("holds", {1, 2})


def test_a_short_timeout_may_be_up():
    verdict = explore(both(write_in_time), allowed={2})
    assert verdict.failure.message.startswith("OperationalError: database is locked left ")


def test_two_readers_who_want_to_write_are_told_at_once():
    def upgrade(state):
        connection = sqlite3.connect("db", timeout=60, isolation_level=None)
        connection.execute("BEGIN")
        connection.execute("SELECT n FROM t").fetchall()
        connection.execute("UPDATE t SET n = n + 1")
        connection.execute("COMMIT")

    verdict = explore(both(upgrade), allowed={2})
    assert verdict.failure.message.startswith("OperationalError: database is locked left ")


def test_an_open_transaction_ends_with_its_process():
    def leave(state):
        connection = sqlite3.connect("db", timeout=60)
        connection.execute("UPDATE t SET n = n + 10")
        state["kept"] = connection

    verdict = lab.explore(
        lambda: setup() or {}, {"alice": leave, "bob": write}, outcome=number, on="processes", strategy="dpor"
    )
    assert set(verdict.outcomes) == {1}, str(verdict)


def lists(state):
    with open("seen", "w") as file:
        file.write(" ".join(sorted(name for name in os.listdir(".") if name.startswith("db"))))


def looks_for_it(state):
    with open("seen", "w") as file:
        file.write(" ".join(name for name in ("db-journal", "db-wal") if os.path.exists(name)))


def only_reads(state):
    connection = sqlite3.connect("db")
    connection.execute("SELECT n FROM t").fetchone()
    connection.close()


def seen(state):
    with open("seen") as file:
        return file.read()


@pytest.mark.parametrize(
    ("logged", "actor", "looks", "outcomes"),
    [
        (False, write, lists, {"db", "db db-journal"}),
        (False, write, looks_for_it, {"", "db-journal"}),
        (False, only_reads, lists, {"db"}),
        (True, write, lists, {"db", "db db-shm db-wal"}),
        (True, only_reads, looks_for_it, {"", "db-wal"}),
    ],
)
def test_files_that_stand_beside_a_database_are_seen(logged, actor, looks, outcomes):
    def begin():
        setup()
        if logged:
            with closing(sqlite3.connect("db")) as connection:
                connection.execute("PRAGMA journal_mode=WAL")

    actors = {"alice": actor, "bob": looks}
    verdict = lab.explore(begin, actors, outcome=seen, on="processes", strategy="dpor", seconds=60)
    assert (verdict.status, set(verdict.outcomes)) == ("holds", outcomes)


def add_and_close(state):
    connection = sqlite3.connect("db", isolation_level=None)
    connection.execute("UPDATE t SET n = n + 1")
    connection.close()


def keep_until_closed(state):
    connection = sqlite3.connect("db", isolation_level=None)
    connection.execute("PRAGMA locking_mode=EXCLUSIVE")
    connection.execute("UPDATE t SET n = n + 10")
    connection.close()


def add_if_free(state):
    connection = sqlite3.connect("db", timeout=0, isolation_level=None)
    try:
        connection.execute("UPDATE t SET n = n + 1")
    except sqlite3.OperationalError:
        pass
    connection.close()


def keep_by_a_cursor(state):
    connection = sqlite3.connect("db", isolation_level=None)
    cursor = connection.execute("UPDATE t SET n = n + 10 RETURNING n")
    del cursor
    connection.close()


def test_who_closes_a_connection_with_nothing_open_is_noticed_by_nobody():
    verdict = explore(both(add_and_close))
    assert (verdict.status, verdict.schedules, verdict.outcomes.keys()) == ("holds", 2, {2})


@pytest.mark.parametrize("keeps", [keep_until_closed, keep_by_a_cursor])
def test_what_a_connection_keeps_for_longer_than_a_statement_is_waited_for(keeps):
    verdict = explore({"alice": keeps, "bob": add_if_free})
    assert (verdict.status, set(verdict.outcomes)) == ("holds", {10, 11})


BEGIN = ["BEGIN", "SAVEPOINT before", "/* as it was */ BEGIN DEFERRED TRANSACTION", "-- as it was\nBEGIN"]
LOOK = ["SELECT n FROM t", "WITH all_of AS (SELECT n FROM t) SELECT n FROM all_of", "/* all */ SELECT n FROM t"]


@pytest.mark.parametrize(
    ("begin", "look"), [*((begin, LOOK[0]) for begin in BEGIN), *((BEGIN[0], one) for one in LOOK[1:])]
)
def test_to_begin_and_to_look_keeps_nobody_from_writing(begin, look, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def anew():
        for name in ("db", "db-wal", "db-shm"):
            pathlib.Path(name).unlink(missing_ok=True)
        connection = sqlite3.connect("db")
        connection.execute("PRAGMA journal_mode = WAL")
        connection.close()
        setup()
        return []

    def upgrade(state):
        connection = sqlite3.connect("db", timeout=0, isolation_level=None)
        try:
            connection.execute(begin)
            connection.execute(look).fetchone()
            connection.execute("UPDATE t SET n = n + 10")
            connection.commit()
        except sqlite3.OperationalError as error:
            pathlib.Path("why").write_text(str(error))
        connection.close()

    def write_patiently(state):
        connection = sqlite3.connect("db", timeout=60, isolation_level=None)
        connection.execute("UPDATE t SET n = n + 1")
        connection.close()

    def told(state):
        try:
            return number(state), pathlib.Path("why").read_text()
        except FileNotFoundError:
            return number(state), ""
        finally:
            pathlib.Path("why").unlink(missing_ok=True)

    actors = {"alice": upgrade, "bob": write_patiently}
    where = "threads" if begin == BEGIN[1] else "processes"
    verdict = lab.explore(anew, actors, outcome=told, on=where, strategy="dpor", seconds=60)
    assert (verdict.failure, verdict.uncontrolled) == (None, ())
    assert set(verdict.outcomes) == {(11, ""), (1, "database is locked")}


def test_what_a_statement_locks_is_not_guessed():
    def keep(state):
        connection = sqlite3.connect("db", timeout=60)
        connection.execute("CREATE TEMP TABLE own (n)")
        connection.execute("INSERT INTO own VALUES (1)")
        write(state)
        connection.commit()

    verdict = explore({"alice": keep})
    assert (verdict.status, set(verdict.outcomes)) == ("unknown", {1})
    line = keep.__code__.co_firstlineno + 3
    assert verdict.reason == (
        f"1 class of schedules covered, but {keep.__qualname__} (test_database.py:{line}) executes "
        "'INSERT INTO own VALUES (1)' in a transaction, of which it is not known what it locks"
    )


def test_either_of_two_patient_writers_comes_first():
    def first(name):
        def run(state):
            connection = sqlite3.connect("db", timeout=60)
            with connection:
                connection.execute("UPDATE t SET n = ? WHERE n = 0", (name,))
            connection.close()

        return run

    verdict = explore({"alice": first("alice"), "bob": first("bob")})
    assert set(verdict.outcomes) == {"alice", "bob"}


def test_an_address_leads_to_the_file_of_that_name():
    def look(state):
        connection = sqlite3.connect("file:d%62?mode=ro", uri=True, timeout=1)
        state["db"] = connection
        (found,) = connection.execute("SELECT n FROM t").fetchone()
        pathlib.Path("seen").write_text(str(found))

    verdict = lab.explore(
        lambda: setup() or {},
        {"alice": look, "bob": write_or_not},
        outcome=lambda state: pathlib.Path("seen").read_text(),
        on="processes",
        strategy="dpor",
    )
    assert verdict.uncontrolled == ()
    assert set(verdict.outcomes) == {"0", "1"}


@pytest.mark.parametrize(
    ("text", "path", "creates"),
    [
        ("plain", "plain", True),
        ("file:plain", "plain", True),
        ("file:a%20b?mode=rw#end", "a b", False),
        ("file:///var/db?mode=rwc", "/var/db", True),
        ("file://localhost/var/db?cache=private", "/var/db", True),
        ("file://elsewhere/var/db", None, False),
        ("file:any?mode=memory", "", False),
        ("file:any?mode=memory&cache=shared", None, False),
        ("file:any?immutable=1", None, False),
        ("file::memory:", ":memory:", True),
    ],
)
def test_where_addresses_lead(text, path, creates):
    assert address(text) == (path, creates)
