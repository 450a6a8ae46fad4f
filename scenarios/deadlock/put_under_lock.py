"""Put under a lock: the hatch is full, and the cook blocks the only way to it.

Alice cooks, numbers each dish and puts it in the hatch, which holds one.  A lock
guards the order pad.  She puts while she holds it, so that dishes and numbers
come out in the same order.  Bob takes a dish out of the hatch, and before the
next one he ticks the pad.

    alice   takes the pad: dish 1; put     the hatch is full
    alice   takes the pad: dish 2; put     waits for room, with the pad in her hand
    bob     wants the pad                  waits for alice, who waits for him

`put` on a queue with a maxsize is a wait, and to hold a lock through a wait is
to make everyone wait who needs that lock.  If the one who makes room needs it,
it is for ever.  A bigger hatch only has to be filled by one dish more: it moves
the bug from the tests into the rush hour.
"""

import queue
import threading

from lab import Scenario

DISHES = 3


class UnsafeHatch:
    size = 1

    def __init__(self):
        self.pad = threading.Lock()  # guards cooked and ticked
        self.hatch = queue.Queue(maxsize=self.size)
        self.cooked = 0
        self.ticked = 0
        self.eaten = []

    def cook(self):
        with self.pad:
            self.cooked += 1
            self.hatch.put(self.cooked)  # may wait, and keeps the pad meanwhile

    def serve(self):
        with self.pad:
            self.ticked += 1
        self.eaten.append(self.hatch.get())


class StillUnsafeHatch(UnsafeHatch):
    size = 2  # "it hung because it was too small"


class FixedHatch(UnsafeHatch):
    def cook(self):
        with self.pad:
            self.cooked += 1
            dish = self.cooked
        self.hatch.put(dish)  # nobody waits for what she holds: she holds nothing


def alice(hatch):
    for _ in range(DISHES):
        hatch.cook()


def bob(hatch):
    for _ in range(DISHES):
        hatch.serve()


def dishes_eaten(hatch):
    return tuple(hatch.eaten)


SCENARIO = Scenario(
    bug_class="deadlock",
    cwe=(833, 667),
    unsafe=UnsafeHatch,
    still_unsafe=StillUnsafeHatch,
    fixed=FixedHatch,
    actors={"alice": alice, "bob": bob},
    outcome=dishes_eaten,
    allowed={(1, 2, 3): "every dish was served, in order"},
    forbidden={},  # when it goes wrong there is no outcome at all
    symptoms={"deadlock": "the cook holds the pad and waits for room, the waiter waits for the pad"},
    seen_in=(
        "ProcessPoolExecutor: submit() wrote to a full pipe with the lock its reader needs (CPython issue 105829)",
        "Vespa: its feeder put into a full queue while it held the global lock (pull request 7346)",
    ),
    hint="Who makes room in the queue, and which locks do they need on the way there?",
    review=(
        "`put`, `get`, `join`, `result` or any other wait inside a `with lock:`.",
        "A hang that was cured by a larger maxsize.",
    ),
)
