"""Removed lock file: whoever waits for its lock gets the lock of a file that is no more.

A lock belongs to the file, not to its name.  Alice tidies up and removes the lock file while she still has the lock.
Bob had opened it before; what he gets is the lock of a file that has no name any more:

    alice   locks "lock"
    bob     opens "lock", and waits
    alice   removes "lock", and lets go
    bob     has the lock of a file without a name
    carol   makes a new "lock", and locks that: now both are in

To remove it after letting go changes nothing.  The right thing is to leave it where it is; it is empty.
"""

import fcntl
import os
from pathlib import Path

from lab import Scenario


class UnsafeDoor:
    def __init__(self):
        Path("inside").write_text("0")

    def work(self):
        file = os.open("inside", os.O_RDWR)
        inside = int(os.read(file, 20))
        os.pwrite(file, str(inside + 1).encode(), 0)
        os.close(file)

    def enter(self):
        with open("lock", "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            self.work()
            os.unlink("lock")  # others may have it open already


class StillUnsafeDoor(UnsafeDoor):
    def enter(self):
        with open("lock", "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            self.work()
        Path("lock").unlink(missing_ok=True)  # no better afterwards


class FixedDoor(UnsafeDoor):
    def enter(self):
        with open("lock", "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            self.work()


def enter(door):
    door.enter()


def work_done(door):
    return int(Path("inside").read_text())


SCENARIO = Scenario(
    bug_class="lock on a removed file",
    cwe=(367, 667),
    unsafe=UnsafeDoor,
    still_unsafe=StillUnsafeDoor,
    fixed=FixedDoor,
    actors={"alice": enter, "bob": enter, "carol": enter},
    on="processes",
    outcome=work_done,
    allowed={3: "one after the other"},
    forbidden={2: "two were in at the same time", 1: "all three were"},
    symptoms={"exception": "the lock file was removed twice"},
    seen_in=("py-filelock, which no longer removes its lock files on Unix (issue 31)",),
    hint="Is the file that was opened still the one of that name?",
    review=(
        "A lock file that is removed, before or after the lock is released.",
        "flock() on a file that others replace by renaming.",
    ),
)
