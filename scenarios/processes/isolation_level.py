"""Isolation level: two doctors each see that the other one is on call, and both go home.

One of the two has to stay.  Each of them looks how many are on call, and if it is two, signs off, in a transaction of
PostgreSQL.  They change different rows, so neither waits for the other:

    alice   sees 2 on call
    bob     sees 2 on call
    alice   signs off, and commits
    bob     signs off, and commits                        nobody is left

READ COMMITTED, which is what one gets without a word, shows each statement what is committed by then.  REPEATABLE READ
shows the whole transaction one moment and refuses a row that somebody has changed since; but each changes a row of her
own, and nothing is refused.  SERIALIZABLE notices that neither could have come after the other one, and ends one of
them with an error, after which the whole transaction has to be tried again.  A row lock on all that was looked at
(`SELECT ... FOR UPDATE`) is the other way.
"""

from contextlib import closing

from lab import Scenario
from lab.postgres import server

try:
    import psycopg
except ImportError:
    psycopg = None  # `needs` says so

READ_COMMITTED, REPEATABLE_READ, SERIALIZABLE = 2, 3, 4


class UnsafeDuty:
    level = READ_COMMITTED

    def __init__(self):
        with psycopg.connect(server(), autocommit=True) as db:
            db.execute("CREATE TABLE IF NOT EXISTS duty (doctor text PRIMARY KEY, on_call boolean)")
            db.execute("TRUNCATE duty")
            db.execute("INSERT INTO duty VALUES ('alice', true), ('bob', true)")

    def sign_off(self, doctor):
        with closing(psycopg.connect(server())) as db:
            db.isolation_level = psycopg.IsolationLevel(self.level)
            with db.transaction():
                (count,) = db.execute("SELECT count(*) FROM duty WHERE on_call").fetchone()
                if count == 2:
                    db.execute("UPDATE duty SET on_call = false WHERE doctor = %s", (doctor,))


class StillUnsafeDuty(UnsafeDuty):
    level = REPEATABLE_READ


class FixedDuty(UnsafeDuty):
    level = SERIALIZABLE

    def sign_off(self, doctor):
        while True:
            try:
                return super().sign_off(doctor)
            except psycopg.errors.SerializationFailure:
                pass  # somebody was faster: look again


def alice(duty):
    duty.sign_off("alice")


def bob(duty):
    duty.sign_off("bob")


def on_call(duty):
    with psycopg.connect(server()) as db:
        return db.execute("SELECT count(*) FROM duty WHERE on_call").fetchone()[0]


SCENARIO = Scenario(
    bug_class="write skew",
    cwe=(366, 362),
    unsafe=UnsafeDuty,
    still_unsafe=StillUnsafeDuty,
    fixed=FixedDuty,
    actors={"alice": alice, "bob": bob},
    outcome=on_call,
    allowed={1: "one of them stays"},
    forbidden={0: "nobody is left"},
    on="processes",
    needs=server,
    seen_in=(
        "Berenson and others, A Critique of ANSI SQL Isolation Levels (1995)",
        "the PostgreSQL wiki on serializable snapshot isolation",
    ),
    hint="Which row do both of them write?",
    review=(
        "A transaction that reads several rows, and writes one because of what the others say.",
        "REPEATABLE READ that is taken to be enough; SERIALIZABLE without a second try.",
    ),
)
