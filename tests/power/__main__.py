"""python -m tests.power: a table of the median of 20 seeds, for each program and strategy."""

from __future__ import annotations

import argparse
import statistics

from .measure import MOST, STRATEGIES, median, schedules_to_bug
from .programs import PROGRAMS

PUBLISHED = {
    "published: geometric mean": {"random": "18.6", "pct": "8.0", "pos": "5.4", "surw": "5.3"},
    "published: trials in which it was found": {"random": "67.1%", "pct": "85.3%", "pos": "81.5%", "surw": "95.1%"},
}
"""Zhao et al., ASPLOS 2025: 20 trials of 10,000 schedules on 43 subjects; the means of the 25 that were always found."""


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=20)
    args = parser.parse_args()
    print(
        f"{'schedules to the bug, median of ' + str(args.seeds) + ' seeds':42}" + "".join(f"{s:>9}" for s in STRATEGIES)
    )
    found: dict[str, list[float]] = {strategy: [] for strategy in STRATEGIES}
    share: dict[str, int] = dict.fromkeys(STRATEGIES, 0)
    for program in PROGRAMS:
        row = ""
        for strategy in STRATEGIES:
            counts = schedules_to_bug(program, strategy, args.seeds)
            middle = median(counts)
            found[strategy].append(middle)
            share[strategy] += sum(count <= MOST for count in counts)
            row += f"{f'>{MOST}' if middle > MOST else f'{middle:g}':>9}"
        print(f"{program.name:42}{row}", flush=True)
    print(f"{'geometric mean':42}" + "".join(f"{statistics.geometric_mean(found[s]):>9.1f}" for s in STRATEGIES))
    trials = len(PROGRAMS) * args.seeds
    print(f"{'trials in which it was found':42}" + "".join(f"{share[s] / trials:>9.1%}" for s in STRATEGIES))
    for what, figures in PUBLISHED.items():
        print(f"{what:42}" + "".join(f"{figures.get(s, ''):>9}" for s in STRATEGIES))
    print(
        "\nThe published figures (ASPLOS 2025) are of 43 larger programs, with 10,000 schedules; pct is PCT-10 in the"
    )
    print("mean and PCT-3 in the share. The programs here are six, small, and each made hard for some strategy.")


if __name__ == "__main__":
    main()
