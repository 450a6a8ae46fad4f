"""Cover one program completely with the lab, and print one line of JSON.

python benchmarks/cover.py NAME [--seconds 100]
"""

from __future__ import annotations

import argparse
import json
import time

from programs import BROKEN, PROGRAMS

import lab
from lab.exhaustion import Exhaustion


def main() -> None:
    """Once to warm up, as what is imported and compiled first takes longer than all the rest."""
    parser = argparse.ArgumentParser()
    parser.add_argument("name", choices=PROGRAMS | BROKEN)
    parser.add_argument("--seconds", type=float, default=100.0)
    args = parser.parse_args()
    setup, workers, check = (PROGRAMS | BROKEN)[args.name]
    options = {"check": check, "strategy": "dpor"}
    lab.explore(setup, workers, **options, seconds=1)
    strict = 0.0
    go_on = Exhaustion.go_on

    def timed(covering: Exhaustion, executions: int | None, until: float | None) -> None:
        nonlocal strict
        before = time.process_time()
        go_on(covering, executions, until)
        strict += (time.process_time() - before) * covering.exploration.strict

    Exhaustion.go_on = timed  # type: ignore[method-assign]
    began, spent = time.perf_counter(), time.process_time()
    verdict = lab.explore(setup, workers, **options, seconds=args.seconds)
    figures = {"seconds": time.perf_counter() - began, "cpu": time.process_time() - spent}
    told = {"executions": verdict.schedules, "strict": strict, "verdict": verdict.status, "said": verdict.reason}
    print(json.dumps(told | figures))


if __name__ == "__main__":
    main()
