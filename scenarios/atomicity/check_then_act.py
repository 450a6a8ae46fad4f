"""Check then act: seat 12A is free, so it is sold to two passengers.

"If the seat is free, take it" is a question and then an action, and the answer
can go stale in between.  Alice sees a free seat.  So does Bob.  Both take it,
and both walk off with a ticket.

    alice   "12A" not in seats         true, the seat is free
    bob     "12A" not in seats         true, it still is
    bob     seats["12A"] = "bob"       bob prints his ticket
    alice   seats["12A"] = "alice"     alice prints hers, for the same seat

A lock around the question and again around the action helps nobody: between
the two it is open, and that is where Bob comes in.
"""

import threading

from lab import Scenario


class UnsafePlane:
    def __init__(self):
        self.seats = {}
        self.tickets = []

    def book(self, seat, name):
        if seat not in self.seats:
            self.seats[seat] = name  # by now someone else may sit there
            self.tickets.append(name)


class StillUnsafePlane(UnsafePlane):
    def __init__(self):
        super().__init__()
        self._lock = threading.Lock()

    def book(self, seat, name):
        with self._lock:
            free = seat not in self.seats
        if free:  # the lock is open here, and the answer can grow old
            with self._lock:
                self.seats[seat] = name
                self.tickets.append(name)


class FixedPlane(UnsafePlane):
    def __init__(self):
        super().__init__()
        self._lock = threading.Lock()  # guards seats and tickets

    def book(self, seat, name):
        with self._lock:  # one hold for the question and the action
            if seat not in self.seats:
                self.seats[seat] = name
                self.tickets.append(name)


class SetdefaultPlane(UnsafePlane):
    def book(self, seat, name):
        # One operation of the dict asks and acts; its answer says who was first.
        if self.seats.setdefault(seat, name) == name:
            self.tickets.append(name)


def alice(plane):
    plane.book("12A", "alice")


def bob(plane):
    plane.book("12A", "bob")


def tickets_sold(plane):
    return tuple(sorted(plane.tickets))


SCENARIO = Scenario(
    bug_class="atomicity violation",
    cwe=(367, 362),
    unsafe=UnsafePlane,
    still_unsafe=StillUnsafePlane,
    fixed=FixedPlane,
    variants={"fixed_setdefault": SetdefaultPlane},
    actors={"alice": alice, "bob": bob},
    outcome=tickets_sold,
    allowed={("alice",): "the seat is alice's", ("bob",): "the seat is bob's"},
    forbidden={("alice", "bob"): "one seat, two tickets"},
    seen_in=(
        "os.makedirs: checked that a directory is missing, then failed to make it (bpo-1675)",
        "functools.cached_property: racing threads may run the getter twice, as documented",
    ),
    hint="How long does the answer to `seat not in self.seats` stay true?",
    review=(
        "`if key not in d: d[key] = ...`, `if exists(path): open(path)`, `if q.qsize(): q.get()`.",
        "Check and act under one and the same hold of the lock, or in one atomic operation.",
    ),
)
