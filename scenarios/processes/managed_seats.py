"""Managed seats: a dictionary of a manager makes each request one step, and a booking is two requests.

`multiprocessing.Manager().dict()` may be used by many processes, as its manager does one thing after the other.  But to
look whether a seat is free and to take it are two things:

    alice   asks: is 12a taken?       no
    bob     asks: is 12a taken?       no
    bob     12a is bob's
    alice   12a is alice's            two people have a ticket for one seat

A lock of the manager around both keeps them together.  So does the one request that looks and takes in one:
`setdefault`.
"""

from multiprocessing import Manager

from lab import Scenario


class UnsafeTrain:
    def __init__(self):
        self.manager = Manager()
        self.taken = self.manager.dict()
        self.tickets = self.manager.list()

    def book(self, passenger):
        if "12a" not in self.taken:  # one request
            self.taken["12a"] = passenger  # another one
            self.tickets.append(passenger)


class StillUnsafeTrain(UnsafeTrain):
    def book(self, passenger):
        if self.taken.get("12a") is None:  # still a request of its own
            self.taken.update({"12a": passenger})
            self.tickets.append(passenger)


class FixedTrain(UnsafeTrain):
    def book(self, passenger):
        if self.taken.setdefault("12a", passenger) == passenger:
            self.tickets.append(passenger)


def alice(train):
    train.book("alice")


def bob(train):
    train.book("bob")


def tickets(train):
    return len(train.tickets)


def close(train):
    train.manager.shutdown()


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
    seen_in=("the documentation of multiprocessing.managers, whose proxies pass on one method at a time",),
    hint="How many requests is a booking, and who may ask in between?",
    review=(
        "A test of a managed dictionary or list, and a change because of it.",
        "`+=` on a managed value or an element of a managed dictionary: a request to read and one to write.",
    ),
)
