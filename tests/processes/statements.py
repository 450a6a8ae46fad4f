"""Generated transactions of two actors, run through every order of their statements by nothing but libpq.

An actor is one connection and a list of statements, of which an error leaves out all but the end.  What it has seen,
and how it ended, is a part of the outcome.
"""

import random
import select

import psycopg
from psycopg import pq

NAMES = ("alice", "bob")
_LEVELS = ("READ COMMITTED", "REPEATABLE READ", "SERIALIZABLE")
_SOON = 0.1  # seconds in which a statement that need not wait has an answer, and a deadlock has been ended
_KINDS = {
    "reads": "SELECT taken FROM seats WHERE id = {row}",
    "locks": "SELECT taken FROM seats WHERE id = {row} FOR UPDATE",
    "sums": "SELECT sum(taken) FROM seats",
    "adds": "UPDATE seats SET taken = taken * 2 + {number} WHERE id = {row}",
    "copies": "UPDATE seats SET taken = taken + (SELECT taken + 1 FROM seats WHERE id = 3 - {row}) WHERE id = {row}",
    "writes what it read to": "UPDATE seats SET taken = {{last}} + {number} WHERE id = {row}",
}


def programs(seed):
    """Two lists of statements, of which the first begins a transaction, or not, and the last one ends it."""
    chance = random.Random(seed)
    found = []
    for number in (1, 10):
        chosen = [chance.choice(tuple(_KINDS.values())) for _ in range(chance.choice((2, 2, 3)))]
        body = [one.format(row=chance.choice((1, 1, 2)), number=number) for one in chosen]
        if chance.random() < 0.8:
            body = [f"BEGIN ISOLATION LEVEL {chance.choice(_LEVELS)}", *body, "COMMIT"]
        found.append(body)
    return found


def actor(name, body, conninfo):
    """The same for the lab; what it has seen stands in a file afterwards."""

    def run(state):
        seen, last = [], 0
        with psycopg.connect(conninfo, autocommit=True) as db:
            for statement in body:
                try:
                    answer = db.execute(statement.format(last=last))
                except psycopg.Error as error:
                    seen.append(error.sqlstate)
                    db.execute("ROLLBACK")
                    break
                if answer.description:
                    (last,) = answer.fetchone()
                    seen.append(last)
        with open(name, "w") as file:
            file.write(repr(seen))

    return run


class _Party:
    """One actor, of which a statement may be going on in the server."""

    def __init__(self, body, conninfo):
        self.connection = psycopg.connect(conninfo, autocommit=True)
        self.body, self.seen, self.last, self.waits = list(body), [], 0, False

    def can_go_on(self):
        return bool(self.body) and not self.waits

    def go_on(self):
        self.connection.pgconn.send_query(self.body.pop(0).format(last=self.last).encode())
        self.waits = True
        self.hear()

    def hear(self):
        """Take in the answer if there is one soon."""
        pgconn, poll = self.connection.pgconn, select.poll()
        poll.register(pgconn.socket, select.POLLIN)
        while self.waits and (pgconn.flush() or poll.poll(_SOON * 1000)):
            pgconn.consume_input()
            while not pgconn.is_busy() and self.waits:
                self.take(pgconn.get_result())

    def take(self, result):
        if result is None:
            self.waits = False
        elif result.status == pq.ExecStatus.TUPLES_OK:
            self.last = int(result.get_value(0, 0))
            self.seen.append(self.last)
        elif result.status == pq.ExecStatus.FATAL_ERROR:
            self.seen.append(result.error_field(pq.DiagnosticField.SQLSTATE).decode())
            self.body = ["ROLLBACK"]


def every_outcome(bodies, setup, rows, conninfo):
    """What comes of all orders."""
    found, pending = set(), [()]
    while pending:
        order = pending.pop()
        setup()
        parties = [_Party(body, conninfo) for body in bodies]
        try:
            for party in parties:
                party.connection.execute("SET deadlock_timeout = '10ms'")
            at = 0
            while able := [index for index, party in enumerate(parties) if party.can_go_on()]:
                if at == len(order):
                    pending += [(*order, other) for other in able[1:]]
                    order = (*order, able[0])
                parties[order[at]].go_on()
                at += 1
                for party in parties:
                    party.hear()
        finally:
            for party in parties:
                party.connection.close()
        found.add((rows(None), *[repr(party.seen) for party in parties]))
    return found
