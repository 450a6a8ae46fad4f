"""Executions per second of interleave-test on an unlocked counter.

The model records the final value where a test would assert it, so the search
never stops at the lost update.
"""

import argparse
import json
import time
from collections import Counter as Tally
from importlib.metadata import version

from interleave_test import DFSStrategy, PCTStrategy, RandomStrategy, explore, spawn

# "dfs" makes at most two preemptions, "pct" has depth 3: the peer's defaults.
STRATEGIES = {"random": RandomStrategy, "pct": PCTStrategy, "dfs": DFSStrategy}


class Counter:
    def __init__(self):
        self.value = 0

    def increment(self):
        current = self.value
        self.value = current + 1

    def increment_thrice(self):
        self.increment()
        self.increment()
        self.increment()


ACTORS = {1: Counter.increment, 3: Counter.increment_thrice}


def measure(args, seconds):
    actor, count, values = ACTORS[args.increments], args.actors, []

    def model():
        counter = Counter()
        tasks = [spawn(actor, counter) for _ in range(count)]
        for task in tasks:
            task.join()
        values.append(counter.value)

    strategy = STRATEGIES[args.strategy]()
    options = {"iterations": 50, "granularity": args.granularity}
    reported, searches, calls = 0, 1, 0
    started = time.perf_counter()
    while time.perf_counter() < started + seconds:
        if strategy.more() is False:  # a systematic search ended: start another
            strategy = STRATEGIES[args.strategy]()
            searches += 1
        result = explore(model, strategy=strategy, seed=calls, **options)
        reported += result.schedules_run
        calls += 1
    elapsed = round(time.perf_counter() - started, 3)
    if reported != len(values):
        raise SystemExit(f"counts differ: {reported}, {len(values)}")
    figures = {"executions": reported, "seconds": elapsed, "searches": searches}
    return figures | {"outcomes": dict(sorted(Tally(values).items()))}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--strategy", choices=STRATEGIES, default="random")
    parser.add_argument("--granularity", choices=("opcode", "line"), default="opcode")
    parser.add_argument("--actors", type=int, default=2)
    parser.add_argument("--increments", type=int, choices=ACTORS, default=1)
    parser.add_argument("--seconds", type=float, default=5.0)
    args = parser.parse_args()
    measure(args, 0.2)  # warm-up
    about = {"peer": "interleave-test", "version": version("interleave-test")}
    print(json.dumps(about | vars(args) | measure(args, args.seconds)))


if __name__ == "__main__":
    main()
