"""Lost wakeup: the bell rings while nobody listens, and Alice waits for ever.

`notify` wakes whoever is waiting now.  It leaves no note for those who come
later.  If Bob delivers before Alice has sat down to wait, the one notification
there will ever be is gone, and she sits by the door till the program is killed.

    bob     parcel = "book"
    bob     bell.notify()              nobody is waiting
    alice   bell.wait()                for ever

"Look at the doorstep first" is the right idea, if nothing can happen between
the look and the wait.  Without the lock it can:

    alice   parcel is None?            yes, so she will wait
    bob     parcel = "book"; notify    nobody is waiting yet
    alice   bell.wait()                for ever, beside the parcel
"""

import threading

from lab import Scenario


class UnsafeDoor:
    def __init__(self):
        self.parcel = None
        self.bell = threading.Condition()
        self.received = None  # what alice carried in

    def deliver(self, parcel):
        with self.bell:
            self.parcel = parcel
            self.bell.notify()

    def wait_for_parcel(self):
        with self.bell:
            self.bell.wait()  # waits even if the bell has already rung
            return self.parcel


class StillUnsafeDoor(UnsafeDoor):
    def wait_for_parcel(self):
        while self.parcel is None:  # true here ...
            with self.bell:
                self.bell.wait()  # ... but perhaps no longer true here
        return self.parcel


class FixedDoor(UnsafeDoor):
    def wait_for_parcel(self):
        with self.bell:  # deliver() needs this lock too, so it cannot fall in between
            while self.parcel is None:
                self.bell.wait()  # lets go of the lock and waits, in one action
            return self.parcel


def alice(door):
    door.received = door.wait_for_parcel()


def bob(door):
    door.deliver("book")


def what_alice_received(door):
    return door.received


SCENARIO = Scenario(
    bug_class="order violation",
    cwe=(821, 662),
    unsafe=UnsafeDoor,
    still_unsafe=StillUnsafeDoor,
    fixed=FixedDoor,
    actors={"alice": alice, "bob": bob},
    outcome=what_alice_received,
    allowed={"book": "alice has her parcel"},
    forbidden={},  # when it goes wrong there is no outcome at all
    symptoms={"lost wakeup": "bob notified before alice waited; nobody will wake her"},
    seen_in=(
        "PyTorch autograd: notified while the main thread was not yet asleep (pull request 1140)",
        "Zeek: a stop flag was checked, then waited for, without the lock (pull request 761)",
    ),
    hint="What does notify() do when nobody is waiting?",
    review=(
        "`wait()` without a condition that is checked under the same lock.",
        "State that a waiter checks, changed or read outside that lock.",
    ),
)
