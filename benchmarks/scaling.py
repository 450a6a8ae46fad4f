"""What a step costs as programs grow: more actors, longer ones.

    python benchmarks/scaling.py [--seconds 1] [--strategy random dpor]

Every actor adds to one counter, without a lock (two steps a turn) and with one (four).  CPU time, in which executions
with a bound of schedules are counted; a strategy scales when the last column, the cost of one step, stays flat.
"""

from __future__ import annotations

import argparse
import time
from functools import partial

from programs import Counter, times

import lab

ACTORS = (2, 4, 8)
STEPS = (10, 100, 1000)
KINDS = {"unlocked": (Counter.add, 2), "locked": (Counter.add_locked, 4)}


def cost(strategy: str, kind: str, actors: int, steps: int, seconds: float) -> float:
    """CPU seconds of an execution in which all actors together take so many steps."""
    method, each = KINDS[kind]
    bodies = [partial(times, max(1, steps // actors // each), method)] * actors

    def explore(schedules: int) -> float:
        began = time.process_time()
        found = lab.explore(Counter, bodies, strategy=strategy, steps=10 * steps, schedules=schedules)
        assert found.failure is None, found
        return (time.process_time() - began) / found.schedules

    explore(5)
    return explore(max(20, min(5_000, int(seconds / explore(20)))))


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, default=1.0)
    parser.add_argument("--strategy", nargs="+", default=["random", "dpor"])
    args = parser.parse_args()
    print(
        f"{'strategy':<9} {'counter':<9} {'actors':>6} {'steps':>6} {'executions/s':>13} {'steps/s':>9} {'us/step':>8}"
    )
    for strategy in args.strategy:
        for kind in KINDS:
            for actors in ACTORS:
                for steps in STEPS:
                    spent = cost(strategy, kind, actors, steps, args.seconds)
                    figures = f"{1 / spent:>13,.0f} {steps / spent:>9,.0f} {1e6 * spent / steps:>8.2f}"
                    print(f"{strategy:<9} {kind:<9} {actors:>6} {steps:>6,} {figures}", flush=True)


if __name__ == "__main__":
    main()
