"""PostgreSQL as threads use it: isolation levels, row locks and advisory locks, and who waits in the server."""

import multiprocessing
import os
import signal
import time
from pathlib import Path

import pytest

import lab
from lab.postgres import NoServer, _private_server, server
from tests.files.seats import (
    LEVELS,
    admin,  # noqa: F401  # a fixture
    advised,
    both,
    connected,
    explored,
    psycopg,
    skewed,
    table,
    take,
    taken,
)

pytestmark = [pytest.mark.usefixtures("admin")]
CARRIERS = pytest.mark.parametrize("carrier", ["greenlet", "thread"])
EITHER = pytest.mark.parametrize("on", ["threads", "processes"])


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
    verdict = explored(take(level=LEVELS.REPEATABLE_READ), take(level=LEVELS.REPEATABLE_READ), allowed={(2, 0)})
    assert verdict.failure.kind == "exception"
    assert "SerializationFailure: could not serialize access due to concurrent update" in verdict.failure.message


def test_a_deadlock_is_the_servers_to_end():
    verdict = explored(both(1, 2), both(2, 1))
    assert verdict.failure.kind == "exception"
    assert "DeadlockDetected: deadlock detected" in verdict.failure.message


def test_two_rows_that_belong_together_need_serializable():
    run = skewed(LEVELS.REPEATABLE_READ)
    verdict = explored(run(1), run(2), allowed={(1, 0), (0, 1)})
    assert verdict.failure.message == "outcome (1, 1) (allowed: (0, 1), (1, 0))"
    run = skewed(LEVELS.SERIALIZABLE)
    explored(run(1), run(2), allowed={(1, 0), (0, 1)}, strategy="dpor").assert_holds()


def test_an_advisory_lock_is_waited_for():
    verdict = explored(advised, advised, allowed={(2, 0)}, schedules=20)
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


# ------------------------------------------------------------ what is alike for threads and processes


def hurries(state):
    """A transaction, and another statement right after it."""
    with connected(autocommit=True) as db:
        with db.transaction():
            db.execute("UPDATE seats SET taken = taken + 1 WHERE id = 1")
        db.execute("UPDATE seats SET taken = taken * 2 WHERE id = 1")


def adds_what_it_sees(state):
    """A statement that sees its row as it is when it goes on, and looks once more at how it was when it began."""
    with connected(autocommit=True) as db:
        db.execute("UPDATE seats SET taken = taken + 10 + (SELECT taken FROM seats WHERE id = 1) WHERE id = 1")


@EITHER
def test_who_may_be_faster_than_what_goes_on_in_the_server_is_told(on):
    verdict = explored(hurries, adds_what_it_sees, on=on, strategy="dpor")
    assert verdict.status == "unknown"  # (12, 0) can come of it, where alice is faster
    assert verdict.reason == (
        "4 classes of schedules covered, but bob's statement waited in the server and came before alice went on, "
        "which may be the other way round"
    )
    assert set(verdict.outcomes) == {(22, 0), (24, 0), (14, 0)}


def by_another_name(name):
    def run(state):
        with connected(application_name=name) as db:
            (count,) = db.execute("SELECT taken FROM seats WHERE id = 1").fetchone()
            db.execute("UPDATE seats SET taken = %s WHERE id = 1", (count + 1,))

    return run


@EITHER
def test_a_database_is_the_same_whatever_leads_to_it(on):
    verdict = explored(by_another_name("alice"), by_another_name("bob"), allowed={(2, 0)}, on=on, strategy="dpor")
    assert verdict.failure.message == "outcome (1, 0) (allowed: (2, 0))"


@EITHER
def test_what_setup_does_not_make_anew_is_told(on):
    def take_once(state):
        with connected(autocommit=True) as db:
            (count,) = db.execute("SELECT taken FROM seats WHERE id = 2").fetchone()
            if not count:
                db.execute("UPDATE seats SET taken = taken + 1 WHERE id = 2")

    table()
    actors = {"alice": take_once, "bob": take_once}
    verdict = lab.explore(lambda: None, actors, outcome=taken, on=on, strategy="dpor", seconds=60)
    assert verdict.status == "unknown"
    assert verdict.reason == (
        "1 class of schedules covered, but setup does not make everything anew: public.seats in the database "
        "postgres is not as the execution before found it"
    )


@EITHER
@pytest.mark.parametrize("how", ["SIGQUIT", "SIGKILL"])
def test_a_server_that_goes_away_is_no_failure_of_the_program(on, how):
    conninfo = _private_server()
    base = conninfo.split()[0].removeprefix("host=")
    pid = int(Path(base, "data", "postmaster.pid").read_text().split()[0])
    assert "/dev/shm/PostgreSQL" not in Path(f"/proc/{pid}/maps").read_text()  # which nobody would remove
    begun = []

    def setup():
        begun.append(1)
        with psycopg.connect(conninfo, autocommit=True) as db:
            db.execute("DROP TABLE IF EXISTS seats")
            db.execute("CREATE TABLE seats AS SELECT 1 AS id, 0 AS taken")

    def alice(state):
        with psycopg.connect(conninfo) as db:
            db.execute("UPDATE seats SET taken = taken + 1")
            if len(begun) == 3:
                os.kill(pid, getattr(signal, how))
                time.sleep(0.01)
            db.execute("UPDATE seats SET taken = taken + 1")

    def bob(state):
        with psycopg.connect(conninfo) as db:
            db.execute("UPDATE seats SET taken = taken + 1")

    with pytest.raises(lab.errors.LabError) as caught:
        lab.explore(setup, {"alice": alice, "bob": bob}, on=on, strategy="dpor", seconds=60)
    assert str(caught.value).startswith(
        "the PostgreSQL server that the actors use went away in the middle of an exploration: "
    )
    assert multiprocessing.active_children() == []


@EITHER
def test_tables_that_setup_keeps_locked_are_not_compared(on):
    def setup():
        db = connected()
        db.execute("LOCK TABLE seats")
        return db

    def run(db):
        with connected(autocommit=True) as own:
            own.execute("SELECT 1")

    verdict = lab.explore(
        setup, {"alice": run, "bob": run}, teardown=lambda db: db.close(), on=on, strategy="dpor", seconds=60
    )
    assert verdict.status == "unknown"
    assert verdict.reason.endswith(
        "setup does not make everything anew: what nobody may look into in the database postgres "
        "is not as the execution before found it"
    )
