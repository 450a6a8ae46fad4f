"""Lost update: two threads each add one, and the counter says one.

An increment looks like one action but is three: read, add, write.  If Bob
runs between Alice's read and her write, she stores a sum worked out from a
value that is no longer there, and his increment is gone.

    alice   current = 0                value is 0
    bob     current = 0                value is 0
    bob     value = current + 1        value is 1
    alice   value = current + 1        value is 1, should be 2

`self.value += 1` is the same bug on one line.  A lock around the write alone
changes nothing: the stale number is already in Alice's hand when she takes it.

A green stress run proves little: a GIL build from 3.10 on never switches
threads between these two operations, so the bug sleeps until someone adds a
call or drops the GIL.
"""

import threading

from lab import Scenario


class UnsafeCounter:
    def __init__(self):
        self.value = 0

    def increment(self):
        current = self.value  # true now ...
        self.value = current + 1  # ... but perhaps no longer true here


class StillUnsafeCounter:
    def __init__(self):
        self.value = 0
        self._lock = threading.Lock()

    def increment(self):
        current = self.value  # still read without the lock
        with self._lock:  # makes the writes take turns, but not the sums
            self.value = current + 1


class FixedCounter:
    def __init__(self):
        self.value = 0
        self._lock = threading.Lock()  # guards value

    def increment(self):
        with self._lock:  # nobody else can come between read and write
            current = self.value
            self.value = current + 1


def add_one(counter):
    counter.increment()


def final_value(counter):
    return counter.value


SCENARIO = Scenario(
    bug_class="atomicity violation",
    cwe=(366, 362),  # most specific first
    unsafe=UnsafeCounter,
    still_unsafe=StillUnsafeCounter,
    fixed=FixedCounter,
    actors={"alice": add_one, "bob": add_one},
    outcome=final_value,  # read once, after every actor has finished
    allowed={2: "both increments counted"},
    forbidden={1: "one increment lost"},
    seen_in=("a pool documented as thread-safe that counts its connections with `+=` and no lock",),
    hint="What if the other thread runs between the two lines of increment()?",
    review=(
        "`x += 1`, `d[k] = d[k] + v`, or read-then-assign, on anything shared.",
        "A lock around the write only. The read must be under the same lock.",
    ),
)
