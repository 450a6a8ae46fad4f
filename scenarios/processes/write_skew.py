"""Write skew: each of two doctors sees the other one on duty, and both go home.

At least one has to stay. Each transaction asks how many are on duty, and then writes a row of its own; neither writes
what the other one writes, so nothing is overwritten:

    alice   two are on duty
    bob     two are on duty
    alice   goes home
    bob     goes home                   nobody is left

In SQLite every statement outside of a transaction is one of its own, and then the answer is old by the time of the
write. To put the decision into the row (`WHERE on_duty = 1`) helps as little: the row that it looks at is not the one
that changes. `BEGIN IMMEDIATE` lets one transaction in at a time, from the question to the write. (Where there are
snapshots, as in PostgreSQL, this needs SERIALIZABLE: with REPEATABLE READ both still go home.)
"""

import sqlite3

from lab import Scenario


class UnsafeRota:
    def __init__(self):
        with sqlite3.connect("rota") as rota:
            rota.execute("CREATE TABLE doctor (name, on_duty)")
            rota.execute("INSERT INTO doctor VALUES ('alice', 1), ('bob', 1)")
        rota.close()

    def leave(self, name):
        rota = sqlite3.connect("rota", timeout=60, isolation_level=None)
        if on_duty(rota) > 1:
            rota.execute("UPDATE doctor SET on_duty = 0 WHERE name = ?", (name,))
        rota.close()


class StillUnsafeRota(UnsafeRota):
    def leave(self, name):
        rota = sqlite3.connect("rota", timeout=60, isolation_level=None)
        if on_duty(rota) > 1:
            rota.execute("UPDATE doctor SET on_duty = 0 WHERE name = ? AND on_duty = 1", (name,))
        rota.close()


class FixedRota(UnsafeRota):
    def leave(self, name):
        rota = sqlite3.connect("rota", timeout=60, isolation_level=None)
        rota.execute("BEGIN IMMEDIATE")
        if on_duty(rota) > 1:
            rota.execute("UPDATE doctor SET on_duty = 0 WHERE name = ?", (name,))
        rota.execute("COMMIT")
        rota.close()


def on_duty(rota):
    return rota.execute("SELECT count(*) FROM doctor WHERE on_duty = 1").fetchone()[0]


def alice(rota):
    rota.leave("alice")


def bob(rota):
    rota.leave("bob")


def left(state):
    rota = sqlite3.connect("rota")
    number = on_duty(rota)
    rota.close()
    return number


SCENARIO = Scenario(
    bug_class="write skew",
    cwe=(362, 367),
    unsafe=UnsafeRota,
    still_unsafe=StillUnsafeRota,
    fixed=FixedRota,
    actors={"alice": alice, "bob": bob},
    on="processes",
    outcome=left,
    allowed={1: "one doctor stays"},
    forbidden={0: "nobody is on duty"},
    seen_in=("Cahill, Röhm and Fekete, Serializable Isolation for Snapshot Databases, 2008: the doctors",),
    hint="What does a transaction read that it does not write?",
    review=(
        "A rule over several rows, checked by a SELECT and followed by an UPDATE of one of them.",
        "An isolation level chosen because nothing is overwritten under it.",
    ),
)
