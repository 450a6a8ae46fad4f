"""Cover one program completely with frontrun's DPOR, without its preemption bound.

Run it as ``frontrun python frontrun_cover.py NAME``: the peer insists on its launcher.
"""

import argparse
import json
import sys
import time
from pathlib import Path

import frontrun

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from programs import BROKEN, PROGRAMS


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("name", choices=PROGRAMS | BROKEN)
    parser.add_argument("--seconds", type=float, default=100.0)
    args = parser.parse_args()
    setup, workers, check = (PROGRAMS | BROKEN)[args.name]
    options = {"strategy": "dpor", "preemption_bound": None, "detect_io": False, "reproduce_on_failure": 0}
    frontrun.explore(setup, list(workers), check, **options, max_executions=1)
    executions = 0

    def counted():
        nonlocal executions
        executions += 1
        return setup()

    began, spent = time.perf_counter(), time.process_time()
    found = frontrun.explore(counted, list(workers), check, **options, total_timeout=args.seconds)
    figures = {"seconds": time.perf_counter() - began, "cpu": time.process_time() - spent}
    verdict = {True: "holds", False: "fails"}.get(found.property_holds, "unknown")
    if verdict == "holds" and figures["seconds"] >= args.seconds:
        verdict = "unknown"  # it had no time to cover all, though it says so
    print(json.dumps({"executions": executions, **figures, "verdict": verdict}))


if __name__ == "__main__":
    main()
