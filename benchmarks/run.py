"""Executions per second beside other tools, as ratios of one run.

    python benchmarks/run.py [--seconds 3] [--rounds 5]

Makes environments below .tox/bench with the lab and with each of its peers from PyPI, runs
the programs in turn and prints the median of each with the range.
"""

from __future__ import annotations

import argparse
import json
import shutil
import statistics
import subprocess
import sys
import venv
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
PEERS = ("frontrun==0.7.0", "interleave-test==0.1.0")


def environment(package: str = "") -> Path:
    """The folder with the programs of an environment that holds the lab, or that peer instead."""
    python = f"{sys.version_info.major}.{sys.version_info.minor}"
    folder = ROOT / ".tox" / "bench" / f"{python}-{package or 'lab'}"
    programs = folder / "bin"
    if not (programs / "python").exists():
        venv.create(folder, with_pip=True)
    elif package:  # whose version stands in it
        return programs
    pip = [programs / "python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    what = [package] if package else ["-e", str(ROOT)]
    try:
        subprocess.run([*pip, *what], check=True, stderr=subprocess.PIPE)
    except subprocess.CalledProcessError:
        if package:
            shutil.rmtree(folder)
        raise
    return programs


def rate(command: list[str | Path]) -> float:
    """Executions per second, as the program counted them."""
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    found = json.loads(done.stdout.splitlines()[-1])
    if set(found["outcomes"]) != {"1", "2"}:
        raise SystemExit(f"{command[-1]}: reached the outcomes {found['outcomes']}, not 1 and 2")
    return float(found["executions"] / found["seconds"])


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, default=3.0)
    parser.add_argument("--rounds", type=int, default=5)
    args = parser.parse_args()
    own, (frontrun, interleave) = environment(), (environment(peer) for peer in PEERS)
    seconds = ["--seconds", str(args.seconds)]
    commands: dict[str, list[str | Path]] = {
        "race-lab random": [own / "python", HERE / "counter.py", *seconds],
        "frontrun 0.7.0 random": [frontrun / "frontrun", "python", HERE / "peers" / "frontrun_counter.py", *seconds],
        "interleave-test 0.1.0 random": [interleave / "python", HERE / "peers" / "interleave_counter.py", *seconds],
    }
    pinned = ["taskset", "-c", "0"]  # the peers hand over between threads faster on one core
    commands |= {f"{name}, one core": [*pinned, *command] for name, command in list(commands.items())}
    rates: dict[str, list[float]] = {name: [] for name in commands}
    for _ in range(args.rounds):
        for name, command in commands.items():
            rates[name].append(rate(command))
    print(f"two-actor unlocked counter, Python {sys.version.split()[0]}, {args.rounds} rounds of {args.seconds:g} s\n")
    print(f"{'':<40} {'executions/s':>13}  {'range':>17}  {'race-lab is':>11}")
    for name, values in rates.items():
        ours = rates["race-lab random" + (", one core" if name.endswith("one core") else "")]
        ratio = statistics.median(mine / theirs for mine, theirs in zip(ours, values, strict=True))
        between = f"{min(values):,.0f} - {max(values):,.0f}"
        print(f"{name:<40} {statistics.median(values):>13,.0f}  {between:>17}  {ratio:>10,.0f}x")


if __name__ == "__main__":
    main()
