"""Dining philosophers: everyone takes the left fork, and nobody eats.

Three philosophers sit round a table with a fork between each two of them.  To
eat takes both.  Each takes the left one first, which is the next one's right:

    alice   takes the fork on her left
    bob     takes the fork on his left
    carol   takes the fork on her left
    alice   wants her right one        it is in carol's hand
    bob     wants his right one        it is in alice's hand
    carol   wants her right one        it is in bob's hand: a ring, for ever

No two of them use the same two forks, so no pair is at fault; it takes all three.
"If you do not get the second, put the first back and leave" ends the waiting and
the dinner: all three may do it at once, and no one has eaten.  A waiter who does
not let everybody sit at the same time helps, if he can count.  Or number the
forks, and let everyone take the lower number first: then there is no ring.
"""

import threading

from lab import Scenario

SEATS = 3


class UnsafeTable:
    def __init__(self):
        self.forks = [threading.Lock() for _ in range(SEATS)]
        self.fed = [False] * SEATS

    def dine(self, seat):
        left, right = seat, (seat + 1) % SEATS
        with self.forks[left]:
            with self.forks[right]:  # waits here with the left one in hand
                self.fed[seat] = True


class StillUnsafeTable(UnsafeTable):
    def dine(self, seat):
        with self.forks[seat]:
            right = self.forks[(seat + 1) % SEATS]
            if right.acquire(blocking=False):  # a timeout instead only makes it rarer
                self.fed[seat] = True
                right.release()


class BadWaiterTable(UnsafeTable):
    places = SEATS  # all of them: one too many

    def __init__(self):
        super().__init__()
        self._waiter = threading.Semaphore(self.places)

    def dine(self, seat):
        with self._waiter:
            super().dine(seat)


class WaiterTable(BadWaiterTable):
    places = SEATS - 1  # so there is always one who gets both forks


class FixedTable(UnsafeTable):
    def dine(self, seat):
        lower, higher = sorted((seat, (seat + 1) % SEATS))
        with self.forks[lower], self.forks[higher]:  # whoever holds the highest waits for nobody
            self.fed[seat] = True


def alice(table):
    table.dine(0)


def bob(table):
    table.dine(1)


def carol(table):
    table.dine(2)


def plates_emptied(table):
    return sum(table.fed)


SCENARIO = Scenario(
    bug_class="deadlock",
    cwe=(833, 667),
    unsafe=UnsafeTable,
    still_unsafe=StillUnsafeTable,
    fixed=FixedTable,
    variants={"still_unsafe_waiter": BadWaiterTable, "fixed_waiter": WaiterTable},
    actors={"alice": alice, "bob": bob, "carol": carol},
    outcome=plates_emptied,
    allowed={SEATS: "everybody has eaten"},
    forbidden={
        0: "all were polite and nobody ate",
        1: "two went hungry",
        2: "one went hungry",
    },
    symptoms={"deadlock": "a ring: each holds one fork and waits for the next"},
    seen_in=(
        "E. W. Dijkstra, Hierarchical ordering of sequential processes (1971): the dining philosophers",
        "The Little Book of Semaphores (A. Downey), which counts the footman among its solutions",
    ),
    hint="Is there an order of all the forks in which everybody takes theirs?",
    review=(
        "Locks that form a ring: each pair is in order, and all of them together are not.",
        "try-lock and timeout as a cure: ask what becomes of the work that was given up.",
        "A limit on the number of users that equals the number of resources: it takes one less.",
    ),
)
