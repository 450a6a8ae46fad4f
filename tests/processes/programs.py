"""Programs of two processes that several tests run."""

import fcntl
import os
from pathlib import Path


def zero():
    Path("counter").write_text("0")


def value(state):
    return int(Path("counter").read_text())


def increment(state):
    with open("counter", "r+") as file:
        current = int(file.read())
        file.seek(0)
        file.write(str(current + 1))


def increment_locked(state):
    with open("counter", "r+") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        current = int(file.read())
        file.seek(0)
        file.write(str(current + 1))
        file.flush()  # the lock ends with the file, and what stands in the buffer would be written after it


def increment_by_hand(state):
    fd = os.open("counter", os.O_RDWR)
    current = int(os.read(fd, 10))
    os.pwrite(fd, str(current + 1).encode(), 0)
    os.close(fd)


def both(function):
    return {"alice": function, "bob": function}
