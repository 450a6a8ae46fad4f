"""Stale row: a row is read and written back, and what was written in between is gone.

A database keeps its tables consistent, not the numbers that a program carries around.  Outside of a transaction the
row that was read is free for everybody:

    alice   SELECT seats               10
    bob     SELECT seats               10
    bob     UPDATE seats = 9
    alice   UPDATE seats = 9           should be 8

To begin a transaction before the UPDATE is too late.  The database can do the sum itself, in one statement; or the
transaction begins with `BEGIN IMMEDIATE`, before anything is read.
"""

import sqlite3

from lab import Scenario

PATIENCE = 60  # seconds to wait for a locked database


class UnsafeSeats:
    def __init__(self):
        connection = sqlite3.connect("seats")
        connection.execute("CREATE TABLE seats (free)")
        connection.execute("INSERT INTO seats VALUES (10)")
        connection.commit()
        connection.close()

    def book(self):
        connection = sqlite3.connect("seats", timeout=PATIENCE)
        (free,) = connection.execute("SELECT free FROM seats").fetchone()
        connection.execute("UPDATE seats SET free = ?", (free - 1,))  # from a number that may be old
        connection.commit()
        connection.close()


class StillUnsafeSeats(UnsafeSeats):
    def book(self):
        connection = sqlite3.connect("seats", timeout=PATIENCE, isolation_level=None)
        (free,) = connection.execute("SELECT free FROM seats").fetchone()
        connection.execute("BEGIN IMMEDIATE")  # nobody else may write now, but the number is from before
        connection.execute("UPDATE seats SET free = ?", (free - 1,))
        connection.execute("COMMIT")
        connection.close()


class FixedSeats(UnsafeSeats):
    def book(self):
        connection = sqlite3.connect("seats", timeout=PATIENCE)
        connection.execute("UPDATE seats SET free = free - 1")  # one statement
        connection.commit()
        connection.close()


def book(seats):
    seats.book()


def free_seats(seats):
    connection = sqlite3.connect("seats")
    (free,) = connection.execute("SELECT free FROM seats").fetchone()
    connection.close()
    return free


SCENARIO = Scenario(
    bug_class="lost update in a database",
    cwe=(367, 362),
    unsafe=UnsafeSeats,
    still_unsafe=StillUnsafeSeats,
    fixed=FixedSeats,
    actors={"alice": book, "bob": book},
    on="processes",
    outcome=free_seats,
    allowed={8: "both seats booked"},
    forbidden={9: "one booking lost"},
    seen_in=("Django, whose SQLite backend got an option for BEGIN IMMEDIATE in version 5.1",),
    hint="Who may change the row between SELECT and UPDATE?",
    review=(
        "A value that is read by one statement and written by another, outside of one transaction.",
        "A transaction that begins with a read and ends with a write: SQLite may refuse the write.",
    ),
)
