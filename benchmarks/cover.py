"""Cover one program completely with the lab, and print one line of JSON.

python benchmarks/cover.py NAME [--seconds 100]
"""

from __future__ import annotations

import argparse
import json
import time

from programs import PROGRAMS

import lab


def main() -> None:
    """Once to warm up, as what is imported and compiled first takes longer than all the rest."""
    parser = argparse.ArgumentParser()
    parser.add_argument("name", choices=PROGRAMS)
    parser.add_argument("--seconds", type=float, default=100.0)
    args = parser.parse_args()
    setup, workers = PROGRAMS[args.name]
    lab.explore(setup, workers, strategy="dpor", seconds=1)
    began = time.perf_counter()
    verdict = lab.explore(setup, workers, strategy="dpor", seconds=args.seconds)
    seconds = time.perf_counter() - began
    print(
        json.dumps(
            {
                "executions": verdict.schedules,
                "seconds": seconds,
                "done": verdict.status == "holds",
                "said": verdict.reason,
            }
        )
    )


if __name__ == "__main__":
    main()
