"""Iterating while mutating: a late guest sits down and the host's count blows up.

Alice walks round the table and adds up the plates.  A `for` loop is not one
look at the dict but one look per guest, and Bob may add a guest in between.
The dict notices that it has grown and stops the loop with an exception.

    alice   for guest in plates        looks at ann
    bob     plates["late"] = 1         the dict has grown
    alice   next guest                 RuntimeError: dictionary changed size during iteration

"Loop over a copy" is the right idea, if the copy is made in one go.  A
comprehension is a Python loop like the first, with the same gaps in it, and no
GIL fills them: it may change hands after every round of a Python loop.
"""

import threading

from lab import Scenario


class UnsafeTable:
    def __init__(self):
        self.plates = {"ann": 2, "ben": 1}
        self.counted = None  # what alice counted

    def sit_down(self, guest):
        self.plates[guest] = 1

    def count(self):
        total = 0
        for guest in self.plates:  # asks the dict anew for every guest
            total += self.plates[guest]
        return total


class StillUnsafeTable(UnsafeTable):
    def count(self):
        # Copies first and adds up later, but the copying is a loop over the dict too.
        copy = [self.plates[guest] for guest in self.plates]
        return sum(copy)


class FixedTable(UnsafeTable):
    def __init__(self):
        super().__init__()
        self._lock = threading.Lock()  # guards plates

    def sit_down(self, guest):
        with self._lock:
            super().sit_down(guest)

    def count(self):
        with self._lock:  # for the whole loop, not for each look
            return super().count()


class SnapshotTable(UnsafeTable):
    def count(self):
        return sum(self.plates.copy().values())  # one operation of the dict makes the copy


def alice(table):
    table.counted = table.count()


def bob(table):
    table.sit_down("late")


def plates_counted(table):
    return table.counted


SCENARIO = Scenario(
    bug_class="atomicity violation",
    cwe=(366, 362),
    unsafe=UnsafeTable,
    still_unsafe=StillUnsafeTable,
    fixed=FixedTable,
    variants={"fixed_snapshot": SnapshotTable},
    actors={"alice": alice, "bob": bob},
    outcome=plates_counted,
    allowed={3: "counted before the late guest came", 4: "counted with the late guest"},
    forbidden={},  # when it goes wrong alice dies and there is no count
    symptoms={"exception": "RuntimeError: dictionary changed size during iteration"},
    seen_in=(
        "concurrent.futures: a comprehension over the dict of worker processes (bpo-43498)",
        "weakref: copying a WeakValueDictionary while another thread adds to it (bpo-35615)",
    ),
    hint="How often does the loop look at the dict, and who may come in between?",
    review=(
        "A `for` or a comprehension over a shared dict, set or list.",
        "Writers take a lock, but the loop that reads does not.",
    ),
)
