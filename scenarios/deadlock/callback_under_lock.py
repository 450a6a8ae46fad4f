"""Callback under a lock: Bob rings a bell and waits for himself.

The bell calls its listeners while it holds its own lock.  One of them wants to
hear it only once and unsubscribes, which needs the lock that Bob is holding
already.  A plain lock does not care who asks: Bob waits for Bob.

    alice   subscribe(once, always)
    bob     ring(): takes the lock
    bob     once(): unsubscribe()      wants the lock: waits for himself, for ever

Had Bob rung before Alice subscribed, nothing would have happened, so the tests
stay green.  An RLock ends the wait, and only hides what it was for: now the list
shrinks under the loop that walks it, and the next listener is skipped.
"""

import threading

from lab import Scenario


class UnsafeBell:
    def __init__(self):
        self._lock = threading.Lock()  # guards listeners
        self.listeners = []
        self.heard = []

    def subscribe(self, *listeners):
        with self._lock:
            self.listeners.extend(listeners)

    def unsubscribe(self, listener):
        with self._lock:
            self.listeners.remove(listener)

    def ring(self):
        with self._lock:
            for listener in self.listeners:
                listener(self)  # foreign code: who knows which locks it takes?


class StillUnsafeBell(UnsafeBell):
    def __init__(self):
        super().__init__()
        self._lock = threading.RLock()  # lets its owner in again, halfway through the loop


class FixedBell(UnsafeBell):
    def ring(self):
        with self._lock:
            listeners = self.listeners.copy()
        for listener in listeners:  # no lock held: they may do what they like
            listener(self)


def once(bell):
    bell.heard.append("once")
    bell.unsubscribe(once)


def always(bell):
    bell.heard.append("always")


def alice(bell):
    bell.subscribe(once, always)


def bob(bell):
    bell.ring()


def who_heard_it(bell):
    return tuple(bell.heard)


SCENARIO = Scenario(
    bug_class="deadlock",
    cwe=(764, 833, 667),
    unsafe=UnsafeBell,
    still_unsafe=StillUnsafeBell,
    fixed=FixedBell,
    actors={"alice": alice, "bob": bob},
    outcome=who_heard_it,
    allowed={
        (): "the bell rang before anyone listened",
        ("once", "always"): "both listeners heard it",
    },
    forbidden={("once",): "the second listener was skipped"},
    symptoms={"deadlock": "ring() holds the lock that its own listener waits for"},
    seen_in=("queue.Queue: a destructor that calls `put` in the middle of another `put` (bpo-14976)",),
    hint="Which locks does the thread hold while it runs code it does not know?",
    review=(
        "A callback, listener, hook or overridable method called with a lock held.",
        "A Lock turned into an RLock to make a hang go away.",
    ),
)
