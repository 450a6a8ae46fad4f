"""Thread-local leak: a guest is greeted by the name of whoever was there before.

The waiter notes who is logged in, in a `threading.local`, so that every function
may ask.  A local belongs to the thread, though, and not to the request, and the
thread is a pool's: it is used again.  Bob is not logged in, and the notes say alice.

    waiter  notes.user = "alice"       alice's request
    waiter  ends it; the notes stay
    waiter  takes bob's request        he has no login: nothing is noted
    waiter  getattr(notes, "user")     "alice": her data for him

With a new thread for every request it would be right, and had Bob been first,
too.  "Tidy up at the end of the request" is the right idea, if the end is
always reached.  Alice's request fails, so her name is not wiped off.
"""

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

from lab import Scenario


class UnsafeCafe:
    def __init__(self):
        self.workers = ThreadPoolExecutor(max_workers=1, thread_name_prefix="waiter")
        self.notes = threading.local()  # each worker has its own
        self.greeted = {}

    def serve(self, guest, login):
        if login is not None:
            self.notes.user = login
        self.greet(guest)

    def greet(self, guest):
        self.greeted[guest] = getattr(self.notes, "user", None) or "stranger"
        if guest == "alice":
            raise LookupError("no tea left")

    def visit(self, guest, login):
        with suppress(LookupError):
            self.workers.submit(self.serve, guest, login).result()

    def close(self):
        self.workers.shutdown()


class StillUnsafeCafe(UnsafeCafe):
    def serve(self, guest, login):
        super().serve(guest, login)
        self.notes.user = None  # not reached if there was an error


class FixedCafe(UnsafeCafe):
    def serve(self, guest, login):
        try:
            super().serve(guest, login)
        finally:
            self.notes.user = None


def alice(cafe):
    cafe.visit("alice", login="alice")


def bob(cafe):
    cafe.visit("bob", login=None)


def who_was_greeted_how(cafe):
    return cafe.greeted["alice"], cafe.greeted["bob"]


SCENARIO = Scenario(
    bug_class="order violation",
    cwe=(488, 226, 459),
    unsafe=UnsafeCafe,
    still_unsafe=StillUnsafeCafe,
    fixed=FixedCafe,
    actors={"alice": alice, "bob": bob},
    outcome=who_was_greeted_how,
    allowed={("alice", "stranger"): "bob, who is not logged in, is a stranger"},
    forbidden={("alice", "alice"): "bob was taken for alice, who was there before him"},
    teardown=UnsafeCafe.close,
    seen_in=(
        "Fairspace: a pool's thread kept the last request's user for the next one (thehyve/fairspace 1582)",
        "Zuul: request data left in a thread-local unless it was unset in a `finally` (Netflix/zuul 103)",
    ),
    hint="How long does a thread of a pool live, and how long a request?",
    review=(
        "A `threading.local` that is set in a task, with no reset in a `finally`.",
        "A task that sets it only sometimes, and reads it always.",
        "Tests in which each request has a thread of its own, or comes first.",
    ),
)
