"""How long it takes to cover programs completely, beside other tools, as ratios of one run.

    python benchmarks/exhaustion.py [--seconds 20] [--only PART-OF-NAME]

``seconds`` is the most that a tool is given for one program.  The lab covers a program strictly before it says that
it holds, and very small ones, and large ones, once before that; how long the strict part took is told apart, as is the
share of executions that repeated what was covered because all that could go on were asleep.  Executions are classes of
schedules; ``ran`` counts all that were run to cover those.  Ratios are of CPU time, the tool's to the lab's: of the
whole call, and of one of all executions.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path

from programs import BROKEN, PROGRAMS
from run import HERE, PEERS, environment

COLUMNS = ("executions", "ran", "share", "cpu", "strict", "seconds")
SHOULD = {**dict.fromkeys(PROGRAMS, "holds"), **dict.fromkeys(BROKEN, "fails")}


def covered(command: list[str | Path], name: str, seconds: float) -> dict[str, object]:
    """What the program prints."""
    told = [*command, name, "--seconds", str(seconds)]
    try:
        done = subprocess.run(told, check=True, capture_output=True, text=True, timeout=seconds + 60)
    except subprocess.TimeoutExpired:
        return {"verdict": f"did not end in {seconds + 60:g} s"}
    except subprocess.CalledProcessError as error:
        return {"verdict": f"failed ({(error.stderr.strip().splitlines() or ['no message'])[-1][:60]})"}
    return dict(json.loads(done.stdout.splitlines()[-1]))


def judged(verdict: str, should: str) -> str:
    """The verdict, and what to think of it."""
    if verdict == "unknown":
        return "not finished"
    if verdict == should or verdict not in ("holds", "fails"):
        return verdict
    return "**certified, and broken**" if verdict == "holds" else "**failed, and correct**"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--only", default="")
    args = parser.parse_args()
    commands: dict[str, list[str | Path]] = {"race-lab": [environment() / "python", HERE / "cover.py"]}
    frontrun, interleave = (environment(peer) for peer in PEERS)
    commands["frontrun 0.7.0"] = [frontrun / "frontrun", "python", HERE / "peers" / "frontrun_cover.py"]
    commands["interleave-test 0.1.0"] = [interleave / "python", HERE / "peers" / "interleave_cover.py"]
    print(f"Python {sys.version.split()[0]}; each tool has at most {args.seconds:g} s for a program\n")
    print("| program | tool | verdict | covered | ran | asleep | CPU s | strict | wall s | us each | lab: all | each |")
    print("|---|---|---|---|---|---|---|---|---|---|---|---|")
    for name, should in SHOULD.items():
        if args.only not in name:
            continue
        ours: dict[str, float] = {}
        for tool, command in commands.items():
            found = covered(command, name, args.seconds)
            verdict = judged(str(found["verdict"]), should)
            count, ran, share, cpu, strict, wall = (float(str(found.get(key, 0))) for key in COLUMNS)
            if not count:
                print(f"| {name} | {tool} | {verdict} | | | | | | | | | |", flush=True)
                continue
            each = cpu / (ran or count)
            told = f"{ran:,.0f} | {share:.1%}" if ran else " | "
            times = f"{cpu:.3f} | {f'{strict:.3f}' if strict else ''} | {wall:.3f} | {1e6 * each:,.0f}"
            row = f"| {name} | {tool} | {verdict} | {count:,.0f} | {told} | {times} |"
            if tool == "race-lab":
                ours = {"cpu": cpu, "each": each}
                print(f"{row} | |", flush=True)
            elif ours:
                more = "" if verdict == should else "more than "
                print(f"{row} {more}{cpu / ours['cpu']:,.0f} x | {each / ours['each']:,.0f} x |", flush=True)


if __name__ == "__main__":
    main()
