"""Exploring processes: a file counter covered completely, and a booking in sqlite beside frontrun's process mode.

    python benchmarks/processes.py [--times 3]

Wall-clock time, as most of it is the system's: starting processes, and waiting for them.  Each execution of the lab has
two real processes, forked for it.  frontrun starts its workers for each execution, or with ``reuse`` once.  Both have
their files where the lab makes its private directories.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import seats
from run import HERE, environment

import lab
from lab.carriers.private import above

PEER = "frontrun[process]==0.7.0"


def write_zero() -> None:
    Path("counter").write_text("0")


def count(_: Any) -> None:
    file = os.open("counter", os.O_RDWR)
    number = int(os.read(file, 20))
    os.pwrite(file, str(number + 1).encode(), 0)
    os.close(file)


def counted(_: Any) -> int:
    return int(Path("counter").read_text())


def open_office() -> None:
    seats.open_office("seats")


def book(_: Any) -> None:
    seats.book("seats")


def free_seats(_: Any) -> int:
    return seats.free_seats("seats")


def explored(setup: Callable[[], Any], actor: Callable[[Any], Any], outcome: Callable[[Any], Any]) -> dict[str, Any]:
    """All of the program, by the lab."""
    began = time.perf_counter()
    options: dict[str, Any] = {"strategy": "dpor", "seconds": 60, "on": "processes"}
    found = lab.explore(setup, {"alice": actor, "bob": actor}, outcome=outcome, **options)
    seconds = time.perf_counter() - began
    outcomes = sorted(found.outcomes) if found.failure is None else [str(found.failure)]
    return {"executions": found.schedules, "seconds": seconds, "verdict": found.status, "outcomes": outcomes}


def peer(*options: str) -> dict[str, Any]:
    """All of the booking, by frontrun."""
    programs = environment(PEER)
    command = [programs / "frontrun", "python", HERE / "peers" / "frontrun_processes.py", *options]
    here = {**os.environ, "TMPDIR": above()}
    done = subprocess.run(command, check=True, capture_output=True, text=True, timeout=300, env=here)
    told: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return told


RUNS: dict[str, Callable[[], dict[str, Any]]] = {
    "race-lab, file counter": partial(explored, write_zero, count, counted),
    "race-lab, booking": partial(explored, open_office, book, free_seats),
    "frontrun, booking": peer,
    "frontrun, booking, reuse": partial(peer, "--reuse"),
}


def main() -> None:
    """Print the table: medians, and how many times as many executions a second the lab has of the booking."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--times", type=int, default=3)
    args = parser.parse_args()
    for name in list(RUNS)[:2]:  # what is imported and compiled first takes longer than all the rest
        RUNS[name]()
    rates: dict[str, list[float]] = {name: [] for name in RUNS}
    told: dict[str, dict[str, Any]] = {}
    for _ in range(args.times):
        for name, run in RUNS.items():
            told[name] = run()
            rates[name].append(told[name]["executions"] / told[name]["seconds"])
    print("| | verdict, executions | outcomes | s | executions/s | race-lab is |")
    print("|---|---|---|---|---|---|")
    for name, found in told.items():
        pairs = zip(rates["race-lab, booking"], rates[name], strict=True)
        ratio = f"{statistics.median(mine / other for mine, other in pairs):,.0f} times as fast" * ("front" in name)
        rate = statistics.median(rates[name])
        print(
            f"| {name} | {found['verdict']}, {found['executions']:,} | {found['outcomes']} | {found['seconds']:.2f} "
            f"| {rate:,.1f} | {ratio} |"
        )


if __name__ == "__main__":
    main()
