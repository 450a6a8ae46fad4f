"""Peak memory after more and more executions: it has to stay flat.

    python benchmarks/memory.py [10000 100000 1000000] [--strategy random dpor]

`random` runs the two-actor counter; `dpor` three actors with three turns each, which have more than a million
classes of schedules.  Each figure comes from a process of its own.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
from functools import partial

from counter import Counter, add_one, final_value
from programs import times

import lab

ACTORS = {"random": [add_one] * 2, "dpor": [partial(times, 3, Counter.increment)] * 3}


def peak(executions: int, strategy: str) -> int:
    """Run that many executions here; the peak resident memory in KiB."""
    verdict = lab.explore(Counter, ACTORS[strategy], outcome=final_value, strategy=strategy, schedules=executions)
    if verdict.status != "unknown":
        raise SystemExit(f"not all {executions:,} executions were needed: {verdict.reason}")
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def main() -> None:
    """Print one row a count, with the ratio to the first of its strategy."""
    parser = argparse.ArgumentParser()
    parser.add_argument("counts", nargs="*", type=int, default=[10_000, 100_000, 1_000_000])
    parser.add_argument("--strategy", nargs="+", choices=ACTORS, default=list(ACTORS))
    parser.add_argument("--one", action="store_true", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.one:
        print(peak(args.counts[0], args.strategy[0]))
        return
    print(f"{'strategy':<8}  {'executions':>10}  {'peak KiB':>9}  {'ratio':>6}")
    for strategy in args.strategy:
        first = 0
        for count in args.counts:
            command = [sys.executable, __file__, "--one", str(count), "--strategy", strategy]
            found = int(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
            first = first or found
            print(f"{strategy:<8}  {count:>10,}  {found:>9,}  {found / first:>6.3f}", flush=True)


if __name__ == "__main__":
    main()
