"""A value for a new process: it is handed over by its name, which is gone before it is looked up.

With the start methods spawn and forkserver a process gets what it is given as a pickle. Of a lock, or of a value that
has one, there is only the name in it, under which the system has the semaphore. The name ends with the object, and the
new process needs a while until it looks:

    alice    counter = Value("i"); Process(target=count, args=(counter,)).start()
    alice    returns, and nothing refers to the counter any more: its name is removed
    worker   reads the pickle, looks for the name, and ends with a FileNotFoundError

To wait a little makes it rarer. Whoever starts the process has to keep the object until that has ended.
"""

import time
from multiprocessing import get_context
from pathlib import Path

from lab import Scenario

SPAWN = get_context("spawn")


def count(counter):
    with counter.get_lock():
        counter.value += 1
    Path("counted").touch()


class UnsafeOffice:
    def hire(self):
        counter = SPAWN.Value("i")
        worker = SPAWN.Process(target=count, args=(counter,))
        worker.start()  # the pickle has the name of the counter's lock
        return worker  # and here the counter ends


class StillUnsafeOffice(UnsafeOffice):
    def hire(self):
        counter = SPAWN.Value("i")
        worker = SPAWN.Process(target=count, args=(counter,))
        worker.start()
        time.sleep(0.5)  # long enough, most of the time
        return worker


class FixedOffice(UnsafeOffice):
    def __init__(self):
        self.counter = SPAWN.Value("i")  # for as long as there is the office

    def hire(self):
        worker = SPAWN.Process(target=count, args=(self.counter,))
        worker.start()
        return worker


def alice(office):
    office.hire().join()


def bob(office):
    Path("open").touch()  # whatever else goes on


def counted(office):
    return Path("counted").exists()


SCENARIO = Scenario(
    bug_class="order violation",
    cwe=(362, 672),
    unsafe=UnsafeOffice,
    still_unsafe=StillUnsafeOffice,
    fixed=FixedOffice,
    actors={"alice": alice, "bob": bob},
    on="processes",
    outcome=counted,
    allowed={True: "the worker has counted"},
    forbidden={False: "the worker did not find what it was given"},
    symptoms={"exception": "a worker ends with a FileNotFoundError"},
    seen_in=("python/cpython#94765, a value that is an argument of a process and nothing else",),
    hint="What is in the pickle of a lock, and who has to keep what it names?",
    review=(
        "A lock, queue, event or value of multiprocessing that only the arguments of a process refer to.",
        "A function that makes such an object, starts a process with it, and returns before that has ended.",
    ),
)
