"""python -m tests.power: a table of the median of 20 seeds, for each program and strategy."""

from __future__ import annotations

import argparse
import statistics

from .measure import MOST, STRATEGIES, median, schedules_to_bug
from .programs import PROGRAMS


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


if __name__ == "__main__":
    main()
