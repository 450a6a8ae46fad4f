"""Programs of two processes that several tests run."""

import fcntl
import os
import tempfile
from pathlib import Path

SEGMENTS = "/dev/shm"


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


def left_directories():
    """The private directories of this process that are still there."""
    there = (os.path.join(folder, name) for folder in {tempfile.gettempdir(), SEGMENTS} for name in os.listdir(folder))
    return [path for path in there if os.path.basename(path).startswith(f"race-lab-{os.getpid()}-")]


def segments():
    """What stands among the segments of shared memory, but for what processes that run beside this one have there:
    private directories, and semaphores with names."""
    return {name for name in os.listdir(SEGMENTS) if not name.startswith(("race-lab-", "sem."))}
