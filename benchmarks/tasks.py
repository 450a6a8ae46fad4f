"""Tasks beside other tools, and the memory that many of them take: one table each.

    python benchmarks/tasks.py [--seconds 1.5] [--rounds 3] [--tasks 10 100 1000 10000]

Executions per second of CPU time of the counter of two tasks with one await, random schedules, run in turn with each
peer from PyPI in an environment of its own (Python 3.12 or later); executions until two tasks that take one lock are
covered; and the peak memory of one execution with more and more tasks, each in a process of its own.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bare_loop import once
from run import HERE, environment

import lab

PEERS = {"detangle": "detangle==0.1.0", "simloop": "simloop==0.2.2", "simloom": "simloom==0.5.0"}


class Box:
    def __init__(self):
        self.value = 0
        self.lock = asyncio.Lock()


async def increment(box):
    current = box.value
    await asyncio.sleep(0)
    box.value = current + 1


async def add_locked(box):
    async with box.lock:
        await increment(box)


async def many(tasks, box):
    async with asyncio.TaskGroup() as group:
        for _ in range(tasks):
            group.create_task(increment(box))


def final_value(box):
    return box.value


def rate(seconds: float) -> dict[str, Any]:
    """Executions of the counter in CPU time, once everything is instrumented."""
    options = {"outcome": final_value, "strategy": "random"}
    lab.explore(Box, [increment] * 2, **options, schedules=100)
    spent = time.process_time()
    lab.explore(Box, [increment] * 2, **options, schedules=100)
    beginning = time.process_time() - spent
    executions, cpu, outcomes = 0, 0.0, set()
    while cpu < seconds:
        spent = time.process_time()
        found = lab.explore(Box, [increment] * 2, **options, schedules=2_000)
        cpu += time.process_time() - spent - beginning
        executions += found.schedules - 100
        outcomes |= set(found.outcomes)
    return {"executions": executions, "cpu": cpu, "outcomes": sorted(outcomes)}


def bare(seconds: float) -> dict[str, Any]:
    """The same on a loop that controls nothing: what no tool can be faster than."""
    executions, began = 0, time.process_time()
    while (cpu := time.process_time() - began) < seconds:
        for _ in range(1_000):
            once(Box, [increment] * 2)
        executions += 1_000
    return {"executions": executions, "cpu": cpu}


def peak(tasks: int) -> int:
    """The peak resident memory in KiB of one execution with that many tasks."""

    async def starts(box):
        await many(tasks, box)

    found = lab.explore(Box, [starts], outcome=final_value, strategy="random", schedules=1, steps=20 * tasks + 20_000)
    if set(found.outcomes) != {1}:
        raise SystemExit(f"{tasks} tasks came to {found.outcomes}")
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


OWN: dict[str, Callable[[float], dict[str, Any]]] = {"race-lab": rate, "bare loop": bare}
"""What is measured in this environment."""


def run(command: list[str | Path]) -> dict[str, Any]:
    """What a program printed as JSON in its last line."""
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    told: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return told


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, default=1.5)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--tasks", type=int, nargs="*", default=[10, 100, 1_000, 10_000])
    parser.add_argument("--peers", nargs="*", choices=PEERS, default=list(PEERS))
    parser.add_argument("--rate", choices=OWN, help=argparse.SUPPRESS)
    parser.add_argument("--peak", type=int, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.rate:
        print(json.dumps(OWN[args.rate](args.seconds)))
        return
    if args.peak:
        print(json.dumps(peak(args.peak)))
        return
    peer = HERE / "peers" / "tasks_peer.py"
    pythons = {name: environment(PEERS[name]) / "python" for name in args.peers}
    rates: dict[str, list[float]] = {name: [] for name in (*OWN, *pythons)}
    for _ in range(args.rounds):
        for name, found in rates.items():
            ours = [sys.executable, __file__, "--rate", name, "--seconds", str(args.seconds)]
            theirs = [pythons.get(name, ""), peer, name, "--seconds", str(args.seconds)]
            told = run(ours if name in OWN else theirs)
            found.append(told["executions"] / told["cpu"])
    locked = lab.explore(Box, [add_locked] * 2, outcome=final_value, allowed={2})
    covered: dict[str, Any] = {"bare loop": None}
    covered |= {name: run([python, peer, name, "--cover"])["executions"] for name, python in pythons.items()}
    covered["race-lab"] = locked.schedules if locked.status == "holds" else None
    print(f"{'':<12} {'executions/CPU s':>17}  {'race-lab is':>11}  {'lock covered in':>15}")
    for name, found in rates.items():
        ratio = statistics.median(mine / other for mine, other in zip(rates["race-lab"], found, strict=True))
        print(f"{name:<12} {statistics.median(found):>17,.0f}  {ratio:>10.1f}x  {covered[name] or '-':>15}")
    print(f"\n{'tasks':>8}  {'peak KiB':>9}  {'KiB for each further task':>26}")
    before: tuple[int, int] | None = None
    for tasks in args.tasks:
        memory = int(run([sys.executable, __file__, "--peak", str(tasks)]))  # type: ignore[call-overload]
        more = f"{(memory - before[1]) / (tasks - before[0]):.1f}" if before else ""
        print(f"{tasks:>8,}  {memory:>9,}  {more:>26}", flush=True)
        before = tasks, memory


if __name__ == "__main__":
    main()
