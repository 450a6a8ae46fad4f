"""Rounds per second of `lab.hammer(on="processes")` beside a bare `multiprocessing.Pool`, in turn.

    python benchmarks/process_hammer.py [--seconds 2] [--times 5]

One round is the same for both: write the file, let two processes add one to the number in it, read it.  The pool maps
the body over two items; the hammer has no noise.  Wall-clock time, as most of it is waiting for the other process.
"""

from __future__ import annotations

import argparse
import contextlib
import multiprocessing
import os
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

import lab


def write_zero() -> None:
    Path("counter").write_text("0")


def increment(_: Any) -> None:
    file = os.open("counter", os.O_RDWR)
    number = int(os.read(file, 20) or 0)
    os.pwrite(file, str(number + 1).encode(), 0)
    os.close(file)


def value(_: Any) -> int:
    return int(Path("counter").read_text())


def pool_rate(pool: Any, seconds: float) -> float:
    """Rounds per second of the pool."""
    rounds, began = 0, time.perf_counter()
    while time.perf_counter() - began < seconds:
        write_zero()
        pool.map(increment, (0, 1))
        value(None)
        rounds += 1
    return rounds / (time.perf_counter() - began)


def hammer_rate(seconds: float) -> float:
    """Rounds per second of the hammer, its start and end included."""
    verdict = lab.hammer(
        write_zero, {"alice": increment, "bob": increment}, outcome=value, on="processes", noise=0, seconds=seconds
    )
    return verdict.schedules / verdict.seconds


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--seconds", type=float, default=2)
    options.add_argument("--times", type=int, default=5)
    chosen = options.parse_args()
    ratios = []
    with (
        tempfile.TemporaryDirectory() as directory,
        contextlib.chdir(directory),
        multiprocessing.get_context("fork").Pool(2) as pool,
    ):
        pool_rate(pool, 0.2)
        hammer_rate(0.2)
        for _ in range(chosen.times):
            bare, hammered = pool_rate(pool, chosen.seconds), hammer_rate(chosen.seconds)
            ratios.append(hammered / bare)
            print(f"Pool.map {bare:7,.0f} rounds/s   hammer {hammered:7,.0f} rounds/s   {ratios[-1]:.2f} of it")
    print(f"median   {statistics.median(ratios):.2f}")


if __name__ == "__main__":
    main()
