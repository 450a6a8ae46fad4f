"""File counter: two processes each count a visitor, and the file says one.

A number in a file is read, one is added, and it is written back.  Between the two the file belongs to nobody:

    alice   reads 0
    bob     reads 0
    bob     writes 1
    alice   writes 1                   should be 2

To write a temporary file and rename it makes each write whole, so no reader ever sees half a number.  It does
nothing for the sum: Alice's number is as old as it was.  A lock on the file has to be held from the read to the write.

The interpreter's lock is no help at all here: each process has its own.
"""

import fcntl
import os
from pathlib import Path

from lab import Scenario


class UnsafeCounter:
    def __init__(self):
        Path("visitors").write_text("0")

    def count(self, who):
        file = os.open("visitors", os.O_RDWR)
        visitors = int(os.read(file, 20))
        os.pwrite(file, str(visitors + 1).encode(), 0)
        os.close(file)


class StillUnsafeCounter(UnsafeCounter):
    def count(self, who):
        visitors = int(Path("visitors").read_text())
        Path(who).write_text(str(visitors + 1))
        os.replace(who, "visitors")  # the write is whole, the sum is not


class FixedCounter(UnsafeCounter):
    def count(self, who):
        with open("lock", "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)  # until the file is closed
            super().count(who)


def alice(counter):
    counter.count("alice")


def bob(counter):
    counter.count("bob")


def visitors(counter):
    return int(Path("visitors").read_text())


SCENARIO = Scenario(
    bug_class="lost update in a file",
    cwe=(367, 362),
    unsafe=UnsafeCounter,
    still_unsafe=StillUnsafeCounter,
    fixed=FixedCounter,
    actors={"alice": alice, "bob": bob},
    on="processes",
    outcome=visitors,
    allowed={2: "both visitors counted"},
    forbidden={1: "one visitor lost"},
    seen_in=("Perl's list of frequently asked questions: 'I just want to increment the number in the file'",),
    hint="What keeps the other process from reading the same number?",
    review=(
        "A file that is read, changed and written back, without a lock that spans all three.",
        "os.replace() as the only protection: it makes the write atomic, not the update.",
    ),
)
