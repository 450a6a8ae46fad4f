"""Joined queue: Bob waits for Alice to end, and she for room in the queue that he would empty.

What is put into a `multiprocessing.Queue` goes through a pipe, and that holds some 64 KiB. A process that has put more
does not end before somebody has taken it out: its end waits for the thread that sends (`join_thread`). So whoever waits
for that process before draining the queue waits for ever:

    alice   puts the result, and ends as soon as all of it is sent
    bob     waits for the end of Alice
    alice   waits for room

With a small result it works, and so it passes every test. A `SimpleQueue` has no such thread; there `put` itself waits.
Take out what there is, and wait for the end after that.
"""

from multiprocessing import Queue, Semaphore, SimpleQueue
from pathlib import Path

from lab import Scenario

RESULT = b"x" * 200_000


class UnsafeJob:
    def __init__(self):
        self.queue = Queue()
        self.ended = Semaphore(0)

    def produce(self):
        self.queue.put(RESULT)
        self.queue.close()
        self.queue.join_thread()  # as the end of a process does
        self.ended.release()

    def consume(self):
        self.ended.acquire()
        return self.queue.get()


class StillUnsafeJob(UnsafeJob):
    def __init__(self):
        self.queue = SimpleQueue()
        self.ended = Semaphore(0)

    def produce(self):
        self.queue.put(RESULT)
        self.ended.release()


class FixedJob(UnsafeJob):
    def consume(self):
        result = self.queue.get()
        self.ended.acquire()
        return result


def alice(job):
    job.produce()


def bob(job):
    Path("received").write_text(str(len(job.consume())))


def received(job):
    return int(Path("received").read_text())


SCENARIO = Scenario(
    bug_class="deadlock through a full pipe",
    cwe=(833,),
    unsafe=UnsafeJob,
    still_unsafe=StillUnsafeJob,
    fixed=FixedJob,
    actors={"alice": alice, "bob": bob},
    on="processes",
    outcome=received,
    allowed={200_000: "the whole result is received"},
    symptoms={"deadlock": "Alice waits for room, Bob for Alice"},
    seen_in=("the guidelines of multiprocessing: 'Joining processes that use queues'",),
    hint="Where is a result of 200 KB before anybody has taken it out?",
    review=(
        "join() of a process before all that it put into a queue is taken out.",
        "A result in a pipe or queue of which nobody knows how large it gets.",
    ),
)
