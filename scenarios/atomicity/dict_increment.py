"""Dict increment: two visitors pass the gate, and the tally sheet says one.

`visits[gate] += 1` fits on one line and looks like one action.  It is three:
look the number up in the dict, add one, store the sum under the key.  Bob can
pass between the look-up and the store.

    alice   visits["north"]            reads 0
    bob     visits["north"]            reads 0
    bob     visits["north"] = 1
    alice   visits["north"] = 1        two visitors, one stroke

A lookup and a store on a dict are each safe, and the two of them are not.  A
Counter does not help: it spares you the check for a missing key, not the gap.
"""

import threading
from collections import Counter

from lab import Scenario


class UnsafeGate:
    def __init__(self):
        self.visits = {"north": 0}

    def count_in(self, gate):
        self.visits[gate] += 1  # a look-up and a store, and a gap between them

    def total(self, gate):
        return self.visits[gate]


class StillUnsafeGate(UnsafeGate):
    def __init__(self):
        self.visits = Counter()  # it counts, but it does not count in one go


class FixedGate(UnsafeGate):
    def __init__(self):
        super().__init__()
        self._lock = threading.Lock()  # guards visits

    def count_in(self, gate):
        with self._lock:
            super().count_in(gate)


class LoggedGate(UnsafeGate):
    def __init__(self):
        self.log = []

    def count_in(self, gate):
        self.log.append(gate)  # one operation of the list, which reads nothing first

    def total(self, gate):
        return self.log.count(gate)


def visitor(gate):
    gate.count_in("north")


def strokes(gate):
    return gate.total("north")


SCENARIO = Scenario(
    bug_class="atomicity violation",
    cwe=(366, 362),
    unsafe=UnsafeGate,
    still_unsafe=StillUnsafeGate,
    fixed=FixedGate,
    variants={"fixed_log": LoggedGate},
    actors={"alice": visitor, "bob": visitor},
    outcome=strokes,
    allowed={2: "a stroke for each visitor"},
    forbidden={1: "one visitor was not counted"},
    seen_in=(
        "Python's own FAQ names `D[x] = D[x] + 1` among the operations that are not thread-safe",
        "Dispersy: its statistics added up in shared dicts with no lock (Tribler/dispersy pull request 198)",
    ),
    hint="How often does `d[k] += 1` touch the dict?",
    review=(
        "`d[k] += v`, `counter[k] += 1` or `d[k] = d.get(k, 0) + 1` on a dict that threads share.",
        "A collection called thread-safe because each of its methods is: a store after a look-up is two.",
    ),
)
