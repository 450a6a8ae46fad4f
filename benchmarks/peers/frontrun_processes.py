"""Cover the booking of `seats.py` with frontrun's process mode, without its preemption bound.

Run it as ``frontrun python frontrun_processes.py [--reuse]``: the peer insists on its launcher.
"""

import argparse
import json
import os
import sys
import tempfile
import time
from pathlib import Path

import frontrun

HERE = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(HERE))
import seats  # noqa: E402  # it lies beside the folder of this file


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--reuse", action="store_true")
    args = parser.parse_args()
    os.environ["PYTHONPATH"] = str(HERE)  # for the workers
    executions, outcomes = 0, set()
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "seats")

        def setup():
            seats.open_office(path)
            return path

        def seen(_):
            nonlocal executions
            executions += 1
            outcomes.add(seats.free_seats(path))
            return True

        workers = {name: frontrun.Subprocess("seats:book", (path,)) for name in ("alice", "bob")}
        options = {"preemption_bound": None, "reuse_workers": args.reuse}
        began = time.perf_counter()
        found = frontrun.explore_processes(workers, setup=setup, invariant=seen, **options, total_timeout=60)
        seconds = time.perf_counter() - began
    verdict = "holds" if found.ok and found.exhausted else "unknown" if found.ok else "fails"
    print(json.dumps({"executions": executions, "seconds": seconds, "verdict": verdict, "outcomes": sorted(outcomes)}))


if __name__ == "__main__":
    main()
