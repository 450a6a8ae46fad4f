"""Programs on a table of a PostgreSQL server, as actors of any kind run them."""

import pytest

import lab
from lab.postgres import NoServer, server

psycopg = pytest.importorskip("psycopg", reason="psycopg, of the extra postgres, is not installed")
LEVELS = psycopg.IsolationLevel
ADMIN = []


@pytest.fixture(scope="module")
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


def connected(**named):
    return psycopg.connect(server(), **named)


def table():
    ADMIN[0].execute("UPDATE seats SET taken = 0")


def taken(state):
    return tuple(one for (one,) in ADMIN[0].execute("SELECT taken FROM seats ORDER BY id").fetchall())


def explored(alice, bob, **named):
    return lab.explore(table, {"alice": alice, "bob": bob}, outcome=taken, **{"seconds": 60, **named})


# ------------------------------------------------------------ actors


def take(lock="", level=None):
    """Read, and write what was read and one more, in one transaction."""

    def run(state):
        with connected() as db:
            db.isolation_level = level
            (count,) = db.execute(f"SELECT taken FROM seats WHERE id = 1 {lock}").fetchone()
            db.execute("UPDATE seats SET taken = %s WHERE id = 1", (count + 1,))

    return run


def both(first, second):
    """Change two rows, one after the other."""

    def run(state):
        with connected() as db:
            for number in (first, second):
                db.execute("UPDATE seats SET taken = taken + 1 WHERE id = %s", (number,))

    return run


def skewed(level):
    """Take a seat if none is taken."""

    def run(number):
        def go(state):
            with connected() as db:
                db.isolation_level = level
                try:
                    with db.transaction():
                        (count,) = db.execute("SELECT sum(taken) FROM seats").fetchone()
                        if not count:
                            db.execute("UPDATE seats SET taken = 1 WHERE id = %s", (number,))
                except psycopg.errors.SerializationFailure:
                    pass

        return go

    return run


def advised(state):
    """Read and write, with an advisory lock around it."""
    with connected(autocommit=True) as db:
        db.execute("SELECT pg_advisory_lock(1)")
        (count,) = db.execute("SELECT taken FROM seats WHERE id = 1").fetchone()
        db.execute("UPDATE seats SET taken = %s WHERE id = 1", (count + 1,))
        db.execute("SELECT pg_advisory_unlock(1)")


def add(amount, number=1):
    """One statement, which is a transaction."""

    def run(state):
        with connected(autocommit=True) as db:
            db.execute("UPDATE seats SET taken = taken + %s WHERE id = %s", (amount, number))

    return run
