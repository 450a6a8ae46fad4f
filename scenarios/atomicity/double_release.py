"""Double release: Alice hands back one key twice, and two people share the booth.

The booth has one key, a semaphore with one permit.  Alice's call fails, so she
hands the key back in the error path, and then `finally` hands it back again.
A semaphore does not know who holds what.  It just counts, and now it counts one
too many: Bob and Carol both get in.

    alice   takes the key; the line is dead
    alice   release(), release()       two keys, one booth
    bob     takes a key and goes in
    carol   takes a key and goes in    two in the booth

A BoundedSemaphore complains when it is given more keys than it began with, and
its ValueError is often caught as "handed back already, never mind".  But if Bob
has taken the key between her two releases there is no excess to complain of:

    alice   release()                  handed back
    bob     takes the key and goes in
    alice   release()                  hands back Bob's key; no complaint
    carol   takes it and goes in       two in the booth
"""

import threading
from contextlib import suppress

from lab import Scenario


class UnsafeBooth:
    def __init__(self):
        self.keys = threading.Semaphore(1)
        self.inside = []
        self.met = []  # who found someone else inside

    def call(self, caller):
        self.keys.acquire()
        try:
            self.talk(caller)
        except ConnectionError:
            self.hand_back()  # the key is returned here ...
        finally:
            self.hand_back()  # ... and here

    def hand_back(self):
        self.keys.release()

    def talk(self, caller):
        if caller == "alice":
            raise ConnectionError("the line is dead")
        self.inside.append(caller)
        if len(self.inside) > 1:
            self.met.append(caller)
        self.inside.remove(caller)


class StillUnsafeBooth(UnsafeBooth):
    def __init__(self):
        super().__init__()
        self.keys = threading.BoundedSemaphore(1)

    def hand_back(self):
        with suppress(ValueError):  # "was handed back already": yes, if nobody has taken it since
            self.keys.release()


class FixedBooth(UnsafeBooth):
    def call(self, caller):
        with self.keys, suppress(ConnectionError):  # the key is given back once, however the call ends
            self.talk(caller)


def alice(booth):
    booth.call("alice")


def bob(booth):
    booth.call("bob")


def carol(booth):
    booth.call("carol")


def crowded(booth):
    return "shared" if booth.met else "private"


SCENARIO = Scenario(
    bug_class="unbalanced release",
    cwe=(1341, 765),
    unsafe=UnsafeBooth,
    still_unsafe=StillUnsafeBooth,
    fixed=FixedBooth,
    actors={"alice": alice, "bob": bob, "carol": carol},
    outcome=crowded,
    allowed={"private": "never more than one in the booth"},
    forbidden={"shared": "two in a booth that has one key"},
    seen_in=("SirixDB: a `finally` released the one permit of a semaphore it had never got (issue 1072)",),
    hint="Whose key does the second release hand back?",
    review=(
        "`release()` in more than one place for one `acquire()`; use `with`.",
        "`release()` in a `finally` that is also reached when `acquire()` failed.",
        "A ValueError of BoundedSemaphore that is swallowed: it is the only alarm, and not a sure one.",
    ),
)
