"""Peak memory after more and more executions of the two-actor counter: it has to stay flat.

    python benchmarks/memory.py [10000 100000 1000000]

Each figure comes from a process of its own.
"""

from __future__ import annotations

import resource
import subprocess
import sys

from counter import Counter, add_one, final_value

import lab


def peak(executions: int) -> int:
    """Run that many executions here; the peak resident memory in KiB."""
    lab.explore(Counter, [add_one, add_one], outcome=final_value, strategy="random", schedules=executions)
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def main(counts: list[int]) -> None:
    """Print one row a count, with the ratio to the first."""
    first = 0
    print(f"{'executions':>12}  {'peak KiB':>10}  {'ratio':>6}")
    for count in counts:
        command = [sys.executable, __file__, "--one", str(count)]
        found = int(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
        first = first or found
        print(f"{count:>12,}  {found:>10,}  {found / first:>6.3f}", flush=True)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--one"]:
        print(peak(int(sys.argv[2])))
    else:
        main([int(word) for word in sys.argv[1:]] or [10_000, 100_000, 1_000_000])
