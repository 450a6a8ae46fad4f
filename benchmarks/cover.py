"""Cover one program completely with the lab, and print one line of JSON.

python benchmarks/cover.py NAME [--seconds 100]
"""

from __future__ import annotations

import argparse
import json
import time
from typing import Any

from programs import BROKEN, PROGRAMS

import lab
from lab.exhaustion import Exhaustion
from lab.exploration import Exploration
from lab.strategies.dpor import SourceSets


def main() -> None:
    """Once to warm up, as what is imported and compiled first takes longer than all the rest."""
    parser = argparse.ArgumentParser()
    parser.add_argument("name", choices=PROGRAMS | BROKEN)
    parser.add_argument("--seconds", type=float, default=100.0)
    args = parser.parse_args()
    setup, workers, check = (PROGRAMS | BROKEN)[args.name]
    options = {"check": check, "strategy": "dpor"}
    lab.explore(setup, workers, **options, seconds=1)
    strict, ran, ended, blocked = 0.0, 0, 0, 0
    go_on, execute, end = Exhaustion.go_on, Exploration.execute, SourceSets.end

    def timed(covering: Exhaustion, executions: int | None, until: float | None) -> None:
        nonlocal strict
        before = time.process_time()
        go_on(covering, executions, until)
        strict += (time.process_time() - before) * covering.exploration.strict

    def counted(exploration: Exploration, *arguments: Any, **more: Any) -> Any:
        nonlocal ran
        ran += 1
        return execute(exploration, *arguments, **more)

    def told(strategy: SourceSets, execution: Any) -> None:
        nonlocal ended, blocked
        ended += 1
        blocked += strategy.redundant
        end(strategy, execution)

    Exhaustion.go_on = timed  # type: ignore[method-assign]
    Exploration.execute = counted  # type: ignore[method-assign]
    SourceSets.end = told  # type: ignore[method-assign]
    began, spent = time.perf_counter(), time.process_time()
    verdict = lab.explore(setup, workers, **options, seconds=args.seconds)
    figures: dict[str, float] = {"seconds": time.perf_counter() - began, "cpu": time.process_time() - spent}
    figures |= {"strict": strict, "ran": ran, "blocked": blocked, "share": blocked / max(1, ended)}
    about = {"executions": verdict.schedules, "verdict": verdict.status, "said": verdict.reason}
    print(json.dumps(about | figures))


if __name__ == "__main__":
    main()
