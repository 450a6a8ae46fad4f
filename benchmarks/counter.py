"""Executions per second of the lab on the two-actor unlocked counter, random schedules.

python benchmarks/counter.py [--strategy random] [--seconds 5] [--actors 2] [--carrier auto]
"""

from __future__ import annotations

import argparse
import json
import time

import lab


class Counter:
    def __init__(self):
        self.value = 0

    def increment(self):
        current = self.value
        self.value = current + 1


def add_one(counter):
    counter.increment()


def final_value(counter):
    return counter.value


def main() -> None:
    """Print one line of JSON, as the programs for the peers do."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--strategy", default="random")
    parser.add_argument("--carrier", default="auto")
    parser.add_argument("--actors", type=int, default=2)
    parser.add_argument("--seconds", type=float, default=5.0)
    args = parser.parse_args()
    actors = [add_one] * args.actors
    explore = lab.explore  # imports the engine
    began, spent = time.perf_counter(), time.process_time()
    verdict = explore(
        Counter, actors, outcome=final_value, strategy=args.strategy, carrier=args.carrier, seconds=args.seconds
    )
    seconds, cpu = time.perf_counter() - began, time.process_time() - spent  # with instrumenting, without imports
    outcomes = dict(sorted(verdict.outcomes.items()))
    figures = {"executions": verdict.schedules, "seconds": round(seconds, 3), "outcomes": outcomes}
    figures["executions_per_cpu_second"] = round(verdict.schedules / cpu)
    print(json.dumps({"peer": "race-lab", **vars(args), **figures}))


if __name__ == "__main__":
    main()
