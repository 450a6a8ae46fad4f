"""Nested submit: every porter waits for a parcel that only a porter could fetch.

A delivery is a task of the pool.  It asks the same pool for a parcel and waits
for it.  While it waits it still occupies its worker, and the fetch needs one.
With a single worker that can never work.  So a second is hired, and one delivery
after the other comes through all the tests:

    alice   submits a delivery         the first porter starts
    bob     submits a delivery         the second porter starts
    porter  pool.submit(fetch).result()    both porters wait,
    porter  pool.submit(fetch).result()    and there is no third to fetch

As many deliveries at a time as there are workers, and all of them wait for ever.
A larger pool only asks for more deliveries.  A task must not wait for a task of its own
pool: let someone outside do the waiting, or give the inner tasks a pool of their own.
"""

from concurrent.futures import ThreadPoolExecutor

from lab import Scenario


class UnsafeDepot:
    porters = 1

    def __init__(self):
        self.pool = ThreadPoolExecutor(self.porters, thread_name_prefix="porter")
        self.delivered = []

    def fetch(self, parcel):
        return parcel

    def deliver(self, parcel):
        fetched = self.pool.submit(self.fetch, parcel)
        self.delivered.append(fetched.result())  # waits, and keeps its worker busy with that

    def order(self, parcel):
        self.pool.submit(self.deliver, parcel).result()

    def close(self):
        self.pool.shutdown()


class StillUnsafeDepot(UnsafeDepot):
    porters = 2  # enough for one delivery at a time


class FixedDepot(UnsafeDepot):
    porters = 1

    def order(self, parcel):
        fetched = self.pool.submit(self.fetch, parcel).result()  # who orders waits, and is no worker
        self.delivered.append(fetched)


def alice(depot):
    depot.order("atlas")


def bob(depot):
    depot.order("barometer")


def parcels_delivered(depot):
    return tuple(sorted(depot.delivered))


SCENARIO = Scenario(
    bug_class="deadlock",
    cwe=(833, 410),
    unsafe=UnsafeDepot,
    still_unsafe=StillUnsafeDepot,
    fixed=FixedDepot,
    actors={"alice": alice, "bob": bob},
    outcome=parcels_delivered,
    allowed={("atlas", "barometer"): "both parcels were delivered"},
    forbidden={},  # when it goes wrong there is no outcome at all
    symptoms={"deadlock": "all workers wait for tasks that no worker is left to run"},
    teardown=UnsafeDepot.close,
    seen_in=(
        "the documentation of concurrent.futures warns of it, with this as an example",
        "xorq: a task and the two it waits for shared one pool, and nested exchanges hung (issue 2243)",
    ),
    hint="Which worker is to run the inner task while the outer one waits for it?",
    review=(
        "`.result()`, `wait()` or `map()` inside a function that itself runs in a pool.",
        "An executor that is shared by the whole program, and so by those who wait in it.",
        "A hang that was cured by a larger max_workers.",
    ),
)
