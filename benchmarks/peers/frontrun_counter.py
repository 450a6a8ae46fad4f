"""Executions per second of frontrun on an unlocked counter.

Run it as ``frontrun python frontrun_counter.py``: the peer insists on its launcher.
The check always passes, so the search never stops at the lost update.
"""

import argparse
import json
import time
from collections import Counter as Tally
from importlib.metadata import version

import frontrun


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


WORKERS = {1: Counter.increment, 3: Counter.increment_thrice}


def measure(args, seconds):
    worker, outcomes = WORKERS[args.increments], Tally()
    created, reported, searches = 0, 0, 0
    random = args.strategy == "random"  # runs until the time is up
    options = {"max_attempts": 10**9} if random else {"stop_on_first": False}
    options |= {"strategy": args.strategy, "count": args.actors}
    options |= {"detect_io": not args.no_io}

    def setup():
        nonlocal created
        created += 1
        return Counter()

    def record_outcome(counter):
        outcomes[counter.value] += 1
        return True

    started = time.perf_counter()
    # A systematic search ends when it has seen every order: then start another.
    while (left := started + seconds - time.perf_counter()) > 0:
        options["total_timeout"] = left
        result = frontrun.explore(setup, worker, record_outcome, **options)
        searches += 1
        reported += result.num_explored
    elapsed = round(time.perf_counter() - started, 3)
    if not created == reported == outcomes.total():
        raise SystemExit(f"counts differ: {created}, {reported}, {outcomes}")
    figures = {"executions": created, "seconds": elapsed, "searches": searches}
    return figures | {"outcomes": dict(sorted(outcomes.items()))}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--strategy", choices=("random", "dpor"), default="random")
    parser.add_argument("--actors", type=int, default=2)
    parser.add_argument("--increments", type=int, choices=WORKERS, default=1)
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--no-io", action="store_true", help="do not watch I/O")
    args = parser.parse_args()
    measure(args, 0.2)  # warm-up: imports made on first use
    about = {"peer": "frontrun", "version": version("frontrun")}
    print(json.dumps(about | vars(args) | measure(args, args.seconds)))


if __name__ == "__main__":
    main()
