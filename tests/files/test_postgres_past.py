"""What is asked of a PostgreSQL server past the operations that stop is named, on threads as on processes."""

import functools

import pytest

import lab
from lab.filesystem.server import looks
from lab.postgres import server
from tests.files.seats import admin, connected, explored, psycopg, table, taken  # noqa: F401  # one is a fixture

pytestmark = [pytest.mark.usefixtures("admin")]
EITHER = pytest.mark.parametrize("on", ["threads", "processes"])


def increments(db):
    (count,) = db.execute("SELECT taken FROM seats WHERE id = 1").fetchone()
    db.execute("UPDATE seats SET taken = %s WHERE id = 1", (count + 1,))


def by_libpq(state):
    with connected() as db:
        count = int(db.pgconn.exec_(b"SELECT taken FROM seats WHERE id = 1").get_value(0, 0))
        db.pgconn.exec_(b"UPDATE seats SET taken = %d WHERE id = 1" % (count + 1))


def by_libpq_alone(state):
    db = psycopg.pq.PGconn.connect(server().encode())
    db.exec_(b"UPDATE seats SET taken = taken + 1 WHERE id = 1")
    db.finish()


def cancels(state):
    with connected() as db:
        increments(db)
        db.cancel()


def listens(state):
    with connected(autocommit=True) as db:
        db.execute("LISTEN seats")
        db.execute("NOTIFY seats")


def copies(state):
    with connected() as db, db.cursor() as cursor, cursor.copy("COPY seats TO STDOUT") as copy:
        list(copy)


def several(state):
    with connected() as db, db.pipeline():
        increments(db)


@EITHER
@pytest.mark.parametrize(
    ("actor", "what"),
    [
        (by_libpq, "uses libpq's own connection to a server"),
        (by_libpq_alone, "uses libpq's own connection to a server"),
        (cancels, "cancels what a connection asks a server for"),
        (listens, "listens to what others notify it of"),
        (copies, "has psycopg do _start_copy_gen"),
        (several, "asks a server for several things at once"),
    ],
)
def test_it_is_named(on, actor, what):
    verdict = explored(actor, actor, on=on, strategy="dpor", schedules=30)
    assert verdict.status != "holds"
    assert any(one.endswith(f" {what}, which is not under control") for one in verdict.uncontrolled), str(verdict)


class Special(psycopg.Connection):
    @classmethod
    def connect(cls, *arguments, **named):
        return super().connect(*arguments, **named)


BOUND = psycopg.Connection.connect
PARTIAL = functools.partial(psycopg.connect)


@EITHER
@pytest.mark.parametrize("connect", [BOUND, PARTIAL, Special.connect], ids=["bound", "partial", "special"])
def test_however_it_is_come_to(on, connect):
    def run(state):
        with connect(server()) as db:
            increments(db)

    verdict = explored(run, run, on=on, allowed={(2, 0)}, strategy="dpor")
    assert verdict.failure.message == "outcome (1, 0) (allowed: (2, 0))"
    assert verdict.uncontrolled == ()


BEFORE = " uses a connection to a server that was opened before, or by another way, which is not under control"
KEPT = []


def test_a_connection_that_was_there_before_is_named():
    with connected(autocommit=True) as db:
        verdict = explored(lambda state: increments(db), lambda state: increments(db), strategy="dpor")
    assert verdict.status == "unknown"
    assert verdict.reason.endswith(BEFORE)
    assert {one.endswith(BEFORE) for one in verdict.uncontrolled} == {True}


def test_a_connection_that_is_kept_from_one_exploration_to_the_next_is_named():
    def setup():
        table()
        if not KEPT:
            KEPT.append(connected(autocommit=True))
        return KEPT[0]

    verdict = lab.explore(setup, {"alice": increments, "bob": increments}, outcome=taken, strategy="dpor")
    KEPT.pop().close()
    assert verdict.status == "unknown"
    assert verdict.reason.endswith(BEFORE)


@pytest.mark.parametrize(
    ("statement", "changes_nothing"),
    [
        ("SELECT taken FROM seats", True),
        (" select count(*) FROM seats;", True),
        ("SELECT taken FROM seats WHERE id IN (SELECT max (id) FROM seats)", True),
        ("SELECT taken FROM seats FOR NO KEY UPDATE", False),
        ("SELECT taken INTO more FROM seats", False),
        ("SELECT nextval('numbers')", False),
        ("SELECT \"nextval\"('numbers')", False),
        ("SELECT nextval/**/('numbers')", False),
        ("SELECT 1; UPDATE seats SET taken = 1", False),
        ("WITH more AS (DELETE FROM seats RETURNING id) SELECT id FROM more", False),
    ],
)
def test_statements_that_change_nothing(statement, changes_nothing):
    assert looks(statement) is changes_nothing


def hidden(state):
    with connected(autocommit=True) as db:
        (count,) = db.execute("SELECT taken FROM seats WHERE id = 1").fetchone()
        db.execute(f"SELECT 1; UPDATE seats SET taken = {count + 1} WHERE id = 1")


@EITHER
def test_what_stands_behind_a_statement_that_changes_nothing(on):
    verdict = explored(hidden, hidden, on=on, allowed={(2, 0)}, strategy="dpor")
    assert verdict.failure.message == "outcome (1, 0) (allowed: (2, 0))"


def all_rows(order):
    def run(state):
        with connected() as db:
            db.execute(f"SELECT id FROM seats ORDER BY id {order} FOR UPDATE")

    return run


@EITHER
def test_rows_that_are_locked_one_after_the_other_are_no_step(on):
    verdict = explored(all_rows("ASC"), all_rows("DESC"), on=on, strategy="dpor")  # which can come to a deadlock
    assert verdict.status == "unknown"
    assert verdict.reason.endswith(" comes to 2 rows one after the other, which was taken to be one step")


def in_the_middle(state):
    with connected(autocommit=True) as db:
        db.execute("DO $$ BEGIN UPDATE seats SET taken = 1; COMMIT; UPDATE seats SET taken = 2; END $$")


@EITHER
def test_a_transaction_that_ends_inside_of_a_statement_is_no_step(on):
    verdict = explored(in_the_middle, in_the_middle, on=on, strategy="dpor")
    assert verdict.status == "unknown"
    assert verdict.reason.endswith(" may end a transaction in the middle, which was taken to be one step")
