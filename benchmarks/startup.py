"""What it costs to import the lab, and to have its pytest plugin installed without using it.

    python benchmarks/startup.py

Medians of 15 processes each, in turn.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

RUNS = 15


def seconds(command: list[str], folder: str) -> float:
    """Wall-clock seconds of one process."""
    began = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True, cwd=folder)
    return time.perf_counter() - began


def main() -> None:
    """Print medians in milliseconds."""
    pytest = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_nothing.py"]
    commands = {
        "python -c pass": [sys.executable, "-c", "pass"],
        "python -c 'import lab'": [sys.executable, "-c", "import lab"],
        "python -c 'from lab import explore'": [sys.executable, "-c", "from lab import explore"],
        "pytest, one empty test, without the plugin": [*pytest, "-p", "no:race_lab"],
        "pytest, one empty test, with the plugin": pytest,
    }
    found: dict[str, list[float]] = {name: [] for name in commands}
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "test_nothing.py").write_text("def test_nothing():\n    pass\n", encoding="utf-8")
        for _ in range(RUNS):
            for name, command in commands.items():
                found[name].append(seconds(command, folder))
    for name, values in found.items():
        print(f"{name:<45} {1000 * statistics.median(values):>8.1f} ms")


if __name__ == "__main__":
    main()
