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


def explored(
    setup: Callable[[], Any], actor: Callable[[Any], Any], outcome: Callable[[Any], Any], **named: Any
) -> dict[str, Any]:
    """All of the program, by the lab, or as many schedules as ``named`` says."""
    began = time.perf_counter()
    options: dict[str, Any] = {"strategy": "dpor", "seconds": 60, "on": "processes", **named}
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


DRAWN: dict[str, Any] = {"strategy": "random", "schedules": 300}
RUNS: dict[str, Callable[[], dict[str, Any]]] = {
    "race-lab, file counter": partial(explored, write_zero, count, counted),
    "race-lab, file counter, drawn": partial(explored, write_zero, count, counted, **DRAWN),
    "race-lab, booking": partial(explored, open_office, book, free_seats),
    "race-lab, booking, drawn": partial(explored, open_office, book, free_seats, **DRAWN),
    "frontrun, booking": peer,
    "frontrun, booking, reuse": partial(peer, "--reuse"),
}


def main() -> None:
    """Print the table: medians, and how much sooner the lab has covered the booking, and how many more it draws."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--times", type=int, default=3)
    args = parser.parse_args()
    for name in list(RUNS)[:4]:  # what is imported and compiled first takes longer than all the rest
        RUNS[name]()
    found: dict[str, list[dict[str, Any]]] = {name: [] for name in RUNS}
    for _ in range(args.times):
        for name, run in RUNS.items():
            found[name].append(run())
    print("| | verdict, executions | outcomes | s | executions/s | race-lab covers it | and draws |")
    print("|---|---|---|---|---|---|---|")
    for name, runs in found.items():
        last, seconds, rate = runs[-1], _median(runs, _seconds), _median(runs, _rate)
        sooner = seconds / _median(found["race-lab, booking"], _seconds)
        more = _median(found["race-lab, booking, drawn"], _rate) / rate
        ratios = f"{sooner:,.1f} times as fast | {more:,.0f} times as many" if name.startswith("frontrun") else " | "
        print(
            f"| {name} | {last['verdict']}, {last['executions']:,} | {last['outcomes']} | {seconds:.2f} "
            f"| {rate:,.1f} | {ratios} |"
        )


def _seconds(run: dict[str, Any]) -> float:
    return float(run["seconds"])


def _rate(run: dict[str, Any]) -> float:
    return float(run["executions"] / run["seconds"])


def _median(runs: list[dict[str, Any]], of: Callable[[dict[str, Any]], float]) -> float:
    return statistics.median(map(of, runs))


if __name__ == "__main__":
    main()
