"""Cover one program completely with the systematic search of interleave-test, without its preemption bound."""

import argparse
import json
import sys
import time
from pathlib import Path

from interleave_test import DFSStrategy, explore, spawn

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from programs import BROKEN, PROGRAMS


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("name", choices=PROGRAMS | BROKEN)
    parser.add_argument("--seconds", type=float, default=100.0)
    args = parser.parse_args()
    setup, workers, check = (PROGRAMS | BROKEN)[args.name]

    def model():
        state = setup()
        tasks = [spawn(worker, state) for worker in workers]
        for task in tasks:
            task.join()
        assert check(state)

    explore(model, iterations=1, strategy="random", raise_on_failure=False)
    strategy = DFSStrategy(max_preemptions=10**9)
    executions, failed = 0, False
    began, spent = time.perf_counter(), time.process_time()
    while strategy.more() and not failed and time.perf_counter() < began + args.seconds:
        found = explore(model, iterations=20, strategy=strategy, raise_on_failure=False)
        executions += found.schedules_run
        failed = found.failure is not None
    figures = {"seconds": time.perf_counter() - began, "cpu": time.process_time() - spent}
    verdict = "fails" if failed else "unknown" if strategy.more() else "holds"
    print(json.dumps({"executions": executions, **figures, "verdict": verdict}))


if __name__ == "__main__":
    main()
