"""PostgreSQL as threads use it: isolation levels, row locks and advisory locks, and who waits in the server."""

import contextlib

import pytest

import lab
from lab.postgres import NoServer, server

psycopg = pytest.importorskip("psycopg", reason="psycopg, of the extra postgres, is not installed")
CARRIERS = pytest.mark.parametrize("carrier", ["greenlet", "thread"])


@pytest.fixture(scope="module", autouse=True)
def admin():
    """A connection that is not under control, for what is made and looked at between executions."""
    try:
        conninfo = server()
    except NoServer as why:
        pytest.skip(str(why))
    with psycopg.connect(conninfo, autocommit=True) as db:
        db.execute("DROP TABLE IF EXISTS seats")
        db.execute("CREATE TABLE seats(id int PRIMARY KEY, taken int)")
        db.execute("INSERT INTO seats VALUES (1, 0), (2, 0)")
        ADMIN.append(db)
        yield db
    ADMIN.clear()


ADMIN = []


def connected(**named):
    return psycopg.connect(server(), **named)


def table():
    ADMIN[0].execute("UPDATE seats SET taken = 0")


def taken(state):
    return tuple(one for (one,) in ADMIN[0].execute("SELECT taken FROM seats ORDER BY id").fetchall())


def take(lock="", level=None):
    def run(state):
        with connected() as db:
            db.isolation_level = level
            (count,) = db.execute(f"SELECT taken FROM seats WHERE id = 1 {lock}").fetchone()
            db.execute("UPDATE seats SET taken = %s WHERE id = 1", (count + 1,))

    return run


def explored(alice, bob, **named):
    return lab.explore(table, {"alice": alice, "bob": bob}, outcome=taken, **{"seconds": 60, **named})


@CARRIERS
def test_read_committed_loses_an_update(carrier):
    verdict = explored(take(), take(), allowed={(2, 0)}, carrier=carrier)
    verdict.assert_fails()
    assert verdict.failure.message == "outcome (1, 0) (allowed: (2, 0))"


def test_a_row_lock_keeps_it_and_who_waits_is_seen():
    verdict = explored(take("FOR UPDATE"), take("FOR UPDATE"), allowed={(2, 0)}, strategy="dpor")
    verdict.assert_holds()
    assert verdict.outcomes.keys() == {(2, 0)}


def test_repeatable_read_refuses_the_second_one():
    level = psycopg.IsolationLevel.REPEATABLE_READ
    verdict = explored(take(level=level), take(level=level), allowed={(2, 0)})
    assert verdict.failure.kind == "exception"
    assert "SerializationFailure: could not serialize access due to concurrent update" in verdict.failure.message


def test_a_deadlock_is_the_servers_to_end():
    def both(first, second):
        def run(state):
            with connected() as db:
                for number in (first, second):
                    db.execute("UPDATE seats SET taken = taken + 1 WHERE id = %s", (number,))

        return run

    verdict = explored(both(1, 2), both(2, 1))
    assert verdict.failure.kind == "exception"
    assert "DeadlockDetected: deadlock detected" in verdict.failure.message


def skewed(level):
    def run(number):
        def go(state):
            with contextlib.closing(connected()) as db, contextlib.suppress(psycopg.errors.SerializationFailure):
                db.isolation_level = level
                with db.transaction():
                    (count,) = db.execute("SELECT sum(taken) FROM seats").fetchone()
                    if not count:
                        db.execute("UPDATE seats SET taken = 1 WHERE id = %s", (number,))

        return go

    return run


def test_two_rows_that_belong_together_need_serializable():
    levels = psycopg.IsolationLevel
    run = skewed(levels.REPEATABLE_READ)
    verdict = explored(run(1), run(2), allowed={(1, 0), (0, 1)})
    assert verdict.failure.message == "outcome (1, 1) (allowed: (0, 1), (1, 0))"
    run = skewed(levels.SERIALIZABLE)
    explored(run(1), run(2), allowed={(1, 0), (0, 1)}, strategy="dpor").assert_holds()


def test_an_advisory_lock_is_waited_for():
    def run(state):
        with connected(autocommit=True) as db:
            db.execute("SELECT pg_advisory_lock(1)")
            (count,) = db.execute("SELECT taken FROM seats WHERE id = 1").fetchone()
            db.execute("UPDATE seats SET taken = %s WHERE id = 1", (count + 1,))
            db.execute("SELECT pg_advisory_unlock(1)")

    verdict = explored(run, run, allowed={(2, 0)}, schedules=20)
    assert verdict.failure is None, str(verdict)


def test_who_waits_for_the_session_of_one_that_has_ended():
    def holds(state):
        state.append(connected())
        state[-1].execute("UPDATE seats SET taken = 1 WHERE id = 1")

    def setup():
        table()
        return []

    def teardown(state):
        for db in state:
            db.close()

    verdict = lab.explore(setup, {"alice": holds, "bob": take()}, teardown=teardown, schedules=20, strategy="dpor")
    assert verdict.failure.kind == "deadlock"


def test_times_of_the_server_are_no_part_of_a_proof():
    def run(state):
        with connected() as db:
            db.execute("SET lock_timeout = '1s'")

    verdict = explored(run, take(), strategy="dpor")
    assert verdict.status == "unknown"
    assert any(one.endswith("counts on real time in the database") for one in verdict.uncontrolled)


def test_no_server_is_told(monkeypatch):
    monkeypatch.delenv("LAB_POSTGRES", raising=False)
    monkeypatch.setattr("lab.postgres._BINARIES", "/nowhere/*/bin")
    with pytest.raises(NoServer) as caught:
        server.__wrapped__()
    assert str(caught.value) == (
        "no PostgreSQL server: LAB_POSTGRES is not set and there is none in /nowhere/*/bin; "
        "set it to a connection string, or install the package postgresql"
    )
    monkeypatch.setenv("LAB_POSTGRES", "host=elsewhere")
    assert server.__wrapped__() == "host=elsewhere"
