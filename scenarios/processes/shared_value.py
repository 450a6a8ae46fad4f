"""Shared value: a `multiprocessing.Value` has a lock of its own, and `+= 1` takes it twice.

Each access to a Value is guarded, so it looks safe.  But `tickets.value += 1` is two accesses, and the lock is free
between them:

    alice   takes the lock, reads 0, lets go
    bob     takes the lock, reads 0, lets go
    bob     takes the lock, writes 1, lets go
    alice   takes the lock, writes 1, lets go

The lock has to be held around both: `with tickets.get_lock():`.
"""

from multiprocessing import Value

from lab import Scenario


class UnsafeTickets:
    def __init__(self):
        self.sold = Value("i", 0)

    def sell(self):
        self.sold.value += 1  # a guarded read, and a guarded write


class StillUnsafeTickets(UnsafeTickets):
    def sell(self):
        sold = self.sold.value
        with self.sold.get_lock():
            self.sold.value = sold + 1  # the number is from before


class FixedTickets(UnsafeTickets):
    def sell(self):
        with self.sold.get_lock():
            self.sold.value += 1


def sell(tickets):
    tickets.sell()


def tickets_sold(tickets):
    return tickets.sold.value


SCENARIO = Scenario(
    bug_class="atomicity violation in shared memory",
    cwe=(366, 362),
    unsafe=UnsafeTickets,
    still_unsafe=StillUnsafeTickets,
    fixed=FixedTickets,
    actors={"alice": sell, "bob": sell},
    on="processes",
    outcome=tickets_sold,
    allowed={2: "both tickets counted"},
    forbidden={1: "one ticket lost"},
    seen_in=("the documentation of multiprocessing.Value, which warns of +=",),
    hint="How often is the lock taken in `value += 1`?",
    review=(
        "`+=` on the value of a multiprocessing.Value or an element of an Array, without get_lock().",
        "Value(..., lock=False) that more than one process writes.",
    ),
)
