"""Compound action: a parcel on its way from the van to the shelf is nowhere.

Van and shelf are each thread-safe: every method takes a lock.  The move is two
such calls, and so is the search.  Safe calls do not add up to a safe pair.

    alice   van.remove("parcel")       not in the van any more
    bob     "parcel" in van?           no
    bob     "parcel" in shelf?         no: Bob reports it stolen
    alice   shelf.add("parcel")        and there it is

"Then put it on the shelf first" only swaps the mistake: now there is a moment
when the parcel is in both places, and Bob counts two.
"""

import threading

from lab import Scenario


class Place:
    """A set of parcels whose every method is thread-safe."""

    def __init__(self, *parcels):
        self._parcels = set(parcels)
        self._lock = threading.Lock()

    def add(self, parcel):
        with self._lock:
            self._parcels.add(parcel)

    def remove(self, parcel):
        with self._lock:
            self._parcels.remove(parcel)

    def count(self, parcel):
        with self._lock:
            return 1 if parcel in self._parcels else 0


class UnsafeDepot:
    def __init__(self):
        self.van = Place("parcel")
        self.shelf = Place()
        self.found = None  # how many parcels bob saw

    def unload(self, parcel):
        self.van.remove(parcel)
        self.shelf.add(parcel)

    def search(self, parcel):
        in_van = self.van.count(parcel)
        return in_van + self.shelf.count(parcel)  # the first count may be out of date


class StillUnsafeDepot(UnsafeDepot):
    def unload(self, parcel):
        self.shelf.add(parcel)  # never nowhere, but for a moment in both
        self.van.remove(parcel)


class FixedDepot(UnsafeDepot):
    def __init__(self):
        super().__init__()
        self._lock = threading.Lock()  # guards "each parcel is in exactly one place"

    def unload(self, parcel):
        with self._lock:
            super().unload(parcel)

    def search(self, parcel):
        with self._lock:  # readers too: the rule does not hold halfway through a move
            return super().search(parcel)


def alice(depot):
    depot.unload("parcel")


def bob(depot):
    depot.found = depot.search("parcel")


def parcels_found(depot):
    return depot.found


SCENARIO = Scenario(
    bug_class="atomicity violation",
    cwe=(366, 362),
    unsafe=UnsafeDepot,
    still_unsafe=StillUnsafeDepot,
    fixed=FixedDepot,
    actors={"alice": alice, "bob": bob},
    outcome=parcels_found,
    allowed={1: "bob found the parcel"},
    forbidden={0: "the parcel was nowhere", 2: "the parcel was in two places"},
    seen_in=(
        "queue.Queue: `empty()` promises nothing about the next `get()`, as documented",
        "composed ConcurrentMap calls in Java programs (Shacham et al., OOPSLA 2011)",
    ),
    hint="Each call is safe. What can another thread see between two of them?",
    review=(
        "Two calls on thread-safe objects that must be seen together, or not at all.",
        "The writer locks the pair, but the reader looks at both halves without that lock.",
    ),
)
