"""CPU seconds of the first exploration in a process, without the imports.

python benchmarks/first.py counter|logging|asyncio
"""

from __future__ import annotations

import asyncio
import logging
import sys
import time

from counter import Counter, add_one, final_value

import lab


class Log(Counter):
    def __init__(self):
        super().__init__()
        self.log = logging.getLogger("race-lab benchmark")
        self.log.addHandler(logging.NullHandler())


def log_and_add(counter):
    counter.log.warning("adding")
    counter.increment()


def run_loop(counter):
    asyncio.run(asyncio.sleep(0))
    counter.increment()


PROGRAMS = {
    "counter": (Counter, add_one, ()),
    "logging": (Log, log_and_add, ("logging",)),
    "asyncio": (Counter, run_loop, ("asyncio",)),
}


def main(name: str) -> None:
    """Ten executions, found by name."""
    setup, act, trace = PROGRAMS[name]
    explore = lab.explore  # imports the engine
    began = time.process_time()
    explore(setup, [act, act], outcome=final_value, strategy="random", schedules=10, trace=trace)
    print(time.process_time() - began)


if __name__ == "__main__":
    main(sys.argv[1])
