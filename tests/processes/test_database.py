"""SQLite: each statement is a step, and who finds the database locked waits or is told so."""

import sqlite3

import pytest

import lab
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
