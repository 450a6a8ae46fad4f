"""A booking by two processes in one sqlite database, as both tools of `processes.py` run it."""

import sqlite3


def open_office(path):
    """Ten seats free, whatever was there before."""
    connection = sqlite3.connect(path, timeout=60, isolation_level=None)
    connection.execute("DROP TABLE IF EXISTS seats")
    connection.execute("CREATE TABLE seats (free INTEGER)")
    connection.execute("INSERT INTO seats VALUES (10)")
    connection.close()


def book(path):
    """Look, then write what was seen less one."""
    connection = sqlite3.connect(path, timeout=60, isolation_level=None)
    (free,) = connection.execute("SELECT free FROM seats").fetchone()
    connection.execute("UPDATE seats SET free = ?", (free - 1,))
    connection.close()


def free_seats(path):
    connection = sqlite3.connect(path)
    (free,) = connection.execute("SELECT free FROM seats").fetchone()
    connection.close()
    return free
