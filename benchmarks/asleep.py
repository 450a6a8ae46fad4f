"""Which share of the executions of `dpor` ends asleep: with everybody who could go on about to repeat what is covered.

    python benchmarks/asleep.py [--seconds 20]

``seconds`` is the most for one program.  Of generated programs ``python -m tests.oracle.many`` prints it.
"""

from __future__ import annotations

import argparse
from typing import Any

from programs import PROGRAMS, seats

import lab
from lab.strategies.dpor import SourceSets

MORE = {"6 philosophers": seats(6)}


def main() -> None:
    """Print one row a program; classes are of the verdict, executions all that were run in any pass."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, default=20.0)
    args = parser.parse_args()
    ended: list[bool] = []
    end = SourceSets.end

    def told(strategy: SourceSets, execution: Any) -> None:
        ended.append(strategy.redundant)
        end(strategy, execution)

    SourceSets.end = told  # type: ignore[method-assign]
    print("| program | verdict | classes | executions | asleep | share |\n|---|---|---|---|---|---|")
    for name, (setup, workers, check) in (PROGRAMS | MORE).items():
        ended.clear()
        verdict = lab.explore(setup, workers, check=check, strategy="dpor", seconds=args.seconds)
        share = f"{sum(ended) / max(1, len(ended)):.1%}"
        told_of = f"{verdict.status} | {verdict.schedules:,} | {len(ended):,} | {sum(ended):,}"
        print(f"| {name} | {told_of} | {share} |", flush=True)


if __name__ == "__main__":
    main()
