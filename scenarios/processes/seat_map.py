"""A seat map in shared memory: a byte that is looked at and then written has no owner in between.

`multiprocessing.shared_memory` gives processes the same bytes and nothing else: no lock goes with them, as one does
with `multiprocessing.Array`.

    alice   seats.buf[12]            0: it is free
    bob     seats.buf[12]            0: it is free
    bob     seats.buf[12] = 2        it is bob's
    alice   seats.buf[12] = 1        it is alice's, and bob has a ticket

To look once more after writing does not help: whoever writes first may have looked by then.  A lock around both does.
"""

from multiprocessing import Lock
from multiprocessing.shared_memory import SharedMemory

from lab import Scenario

SEAT, TICKETS = 12, 20


class UnsafeTrain:
    def __init__(self):
        self.seats = SharedMemory(create=True, size=32)
        self.lock = Lock()

    def book(self, passenger):
        if self.seats.buf[SEAT] == 0:  # a look
            self.seats.buf[SEAT] = passenger  # and only then a reservation
            self.seats.buf[TICKETS + passenger] = 1


class StillUnsafeTrain(UnsafeTrain):
    def book(self, passenger):
        if self.seats.buf[SEAT] == 0:
            self.seats.buf[SEAT] = passenger
            if self.seats.buf[SEAT] == passenger:  # nobody else has written, so far
                self.seats.buf[TICKETS + passenger] = 1


class FixedTrain(UnsafeTrain):
    def book(self, passenger):
        with self.lock:
            super().book(passenger)


def alice(train):
    train.book(1)


def bob(train):
    train.book(2)


def tickets(train):
    return sum(train.seats.buf[TICKETS:])


def close(train):
    train.seats.close()
    train.seats.unlink()


SCENARIO = Scenario(
    bug_class="check then act",
    cwe=(367, 362),
    unsafe=UnsafeTrain,
    still_unsafe=StillUnsafeTrain,
    fixed=FixedTrain,
    actors={"alice": alice, "bob": bob},
    on="processes",
    outcome=tickets,
    teardown=close,
    allowed={1: "one ticket for one seat"},
    forbidden={2: "two tickets for one seat"},
    seen_in=("the documentation of multiprocessing.shared_memory, which leaves it to the program to synchronize",),
    hint="Who may write to a byte between a look at it and the next line?",
    review=(
        "A test of `buf[...]`, and a write to it because of that, with no lock that all processes take.",
        "`buf[i] += 1`: a read and a write.",
    ),
)
