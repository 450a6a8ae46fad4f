"""How long it takes to cover programs completely, beside frontrun, as ratios of one run.

    python benchmarks/exhaustion.py [--seconds 100] [--only PART-OF-NAME]

``seconds`` is the most that a tool is given for one program.
"""

from __future__ import annotations

import argparse
import json
import subprocess
from pathlib import Path

from programs import PROGRAMS
from run import HERE, environment


def covered(command: list[str | Path], name: str, seconds: float) -> dict[str, float]:
    """What the program prints."""
    told = [*command, name, "--seconds", str(seconds)]
    try:
        done = subprocess.run(told, check=True, capture_output=True, text=True, timeout=2 * seconds + 60)
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired):
        return {"executions": 0, "seconds": float("inf"), "done": False}
    return dict(json.loads(done.stdout.splitlines()[-1]))


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, default=100.0)
    parser.add_argument("--only", default="")
    args = parser.parse_args()
    bin = environment()
    ours: list[str | Path] = [bin / "python", HERE / "cover.py"]
    peer: list[str | Path] = [bin / "frontrun", "python", HERE / "peers" / "frontrun_cover.py"]
    print(f"| | race-lab | | frontrun 0.7.0, at most {args.seconds:g} s | | race-lab is |")
    print("|---|---|---|---|---|---|")
    for name in PROGRAMS:
        if args.only not in name:
            continue
        mine, theirs = covered(ours, name, args.seconds), covered(peer, name, args.seconds)
        ratio = f"{theirs['seconds'] / mine['seconds']:,.0f} times as fast"
        told = [f"{mine['executions']:,} executions", f"{mine['seconds']:.3f} s"]
        if theirs["executions"]:
            told += [
                f"{theirs['executions']:,} executions",
                f"{theirs['seconds']:.1f} s" if theirs["done"] else "not finished",
            ]
            ratio = ratio if theirs["done"] else f"more than {ratio}"
        else:
            told, ratio = [*told, "failed", ""], ""
        print(f"| {name} | {' | '.join(told)} | {ratio if mine['done'] else 'not finished'} |", flush=True)


if __name__ == "__main__":
    main()
