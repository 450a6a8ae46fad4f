"""What the lab costs before it has done anything: imports, an unused pytest plugin, a first exploration.

    python benchmarks/startup.py [--runs 15]

Medians of processes of their own, in turn, in milliseconds of CPU time and of wall-clock time.  The first
exploration is timed inside of the process, without the imports.
"""

from __future__ import annotations

import argparse
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

FIRST = Path(__file__).with_name("first.py")


def measured(command: list[str], folder: str) -> tuple[float, float, str]:
    """CPU and wall-clock seconds of one process, and what it printed."""
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    done = subprocess.run(command, check=True, capture_output=True, cwd=folder, text=True)
    after, ended = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return cpu, ended - began, done.stdout


def main() -> None:
    """Print medians."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--runs", type=int, default=15)
    args = parser.parse_args()
    pytest = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_nothing.py"]
    commands = {
        "python -c pass": [sys.executable, "-c", "pass"],
        "python -c 'import lab'": [sys.executable, "-c", "import lab"],
        "python -c 'from lab import explore'": [sys.executable, "-c", "from lab import explore"],
        "pytest, one empty test, without the plugin": [*pytest, "-p", "no:race_lab"],
        "pytest, one empty test, with the plugin": pytest,
    }
    firsts = {name: [sys.executable, str(FIRST), name] for name in ("counter", "logging", "asyncio")}
    found: dict[str, list[tuple[float, float]]] = {name: [] for name in commands}
    inside: dict[str, list[float]] = {name: [] for name in firsts}
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "test_nothing.py").write_text("def test_nothing():\n    pass\n", encoding="utf-8")
        for _ in range(args.runs):
            for name, command in commands.items():
                found[name].append(measured(command, folder)[:2])
            for name, command in firsts.items():
                inside[name].append(float(measured(command, folder)[2]))
    print(f"{'Python ' + sys.version.split()[0]:<45} {'CPU':>8} {'wall':>8}   ms, medians of {args.runs}")
    for name, values in found.items():
        cpu, wall = (1000 * statistics.median(column) for column in zip(*values, strict=True))
        print(f"{name:<45} {cpu:>8.1f} {wall:>8.1f}")
    for name, seconds in inside.items():
        traced = "" if name == "counter" else f', trace=("{name}",)'
        print(f"{'first exploration' + traced:<45} {1000 * statistics.median(seconds):>8.1f}")


if __name__ == "__main__":
    main()
