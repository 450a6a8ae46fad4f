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
from programs import PROGRAMS


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("name", choices=PROGRAMS)
    parser.add_argument("--seconds", type=float, default=100.0)
    args = parser.parse_args()
    setup, workers = PROGRAMS[args.name]
    options = {"strategy": "dpor", "preemption_bound": None, "stop_on_first": False, "detect_io": False}
    frontrun.explore(setup, list(workers), lambda state: True, **options, max_executions=1)
    executions = 0

    def counted():
        nonlocal executions
        executions += 1
        return setup()

    began = time.perf_counter()
    frontrun.explore(counted, list(workers), lambda state: True, **options, total_timeout=args.seconds)
    seconds = time.perf_counter() - began
    print(json.dumps({"executions": executions, "seconds": seconds, "done": seconds < args.seconds}))


if __name__ == "__main__":
    main()
