"""Lock across a fork: a lock that a thread holds at a fork is given back by nobody in the child.

A fork copies all memory, held locks included, but only the thread that forks. A lock that another thread holds at that
moment (a logger's, a cache's, one of a module) stays held in the child for ever:

    parent   a thread takes the lock
    parent   forks Alice and Bob
    alice    waits for the lock, and the thread that holds it does not exist in her process

Not to wait for it lets her go on without what the lock guards. Fork before there are threads, or use spawn; else see to
it that the child has a lock of its own, as `os.register_at_fork` can.
"""

import os
import threading
from pathlib import Path

from lab import Scenario


class UnsafeLog:
    def __init__(self):
        self.lock = threading.Lock()
        self.stop = threading.Event()
        taken = threading.Event()
        self.flusher = threading.Thread(target=self.flush, args=(taken,))
        self.flusher.start()
        taken.wait()  # so the workers are forked while it holds the lock

    def flush(self, taken):
        with self.lock:
            taken.set()
            self.stop.wait()

    def close(self):
        self.stop.set()
        self.flusher.join()

    def write(self, who):
        with self.lock:
            Path(who).write_text("guarded")


class StillUnsafeLog(UnsafeLog):
    def write(self, who):
        taken = self.lock.acquire(blocking=False)
        Path(who).write_text("guarded" if taken else "not guarded")
        if taken:
            self.lock.release()


class FixedLog(UnsafeLog):
    def __init__(self):
        super().__init__()
        self.owner = os.getpid()

    def write(self, who):
        if self.owner != os.getpid():  # after a fork: only this thread is here
            self.lock, self.owner = threading.Lock(), os.getpid()
        super().write(who)


def alice(log):
    log.write("alice")


def bob(log):
    log.write("bob")


def written(log):
    return Path("alice").read_text(), Path("bob").read_text()


SCENARIO = Scenario(
    bug_class="deadlock through a fork",
    cwe=(833, 667),
    unsafe=UnsafeLog,
    still_unsafe=StillUnsafeLog,
    fixed=FixedLog,
    actors={"alice": alice, "bob": bob},
    on="processes",
    outcome=written,
    allowed={("guarded", "guarded"): "both wrote with a lock"},
    forbidden={("not guarded", "not guarded"): "both wrote without"},
    symptoms={"deadlock": "Alice waits for a thread that does not exist in her process"},
    teardown=UnsafeLog.close,
    seen_in=("python/cpython#50970, the lock of a logging handler after a fork",),
    hint="Which threads are there in a process that was just forked?",
    review=(
        "A fork, or multiprocessing with the start method fork, in a process that has threads.",
        "A lock of a module that is taken in a forked process and was never made anew there.",
    ),
)
