"""Executions per second with n actors and n steps, as a picture.

    pip install -e '.[plot]'
    python benchmarks/plot.py [--seconds 0.4] [--strategy random dpor] [docs/scaling.svg]

Both axes are logarithmic; the dashed lines fall as fast as the number of steps grows, which is as it should be where a
step costs the same in short executions and in long ones.  CPU time, as in `scaling.py`.
"""

from __future__ import annotations

import argparse
from typing import Any

import matplotlib
from scaling import ACTORS, KINDS, cost

matplotlib.use("svg")
from matplotlib import pyplot  # once it is known what it draws on

STEPS = (10, 30, 100, 300, 1000)


def draw(axes: Any, strategy: str, kind: str, seconds: float) -> None:
    """One panel: a line for each number of actors."""
    for actors in ACTORS:
        rates = [1 / cost(strategy, kind, actors, steps, seconds) for steps in STEPS]
        axes.loglog(STEPS, rates, marker="o", markersize=4, label=f"{actors} actors")
        print(f"{strategy} {kind} {actors} actors: {', '.join(f'{rate:,.0f}/s' for rate in rates)}", flush=True)
    highest = axes.get_ylim()[1]
    for factor in (1, 10):
        axes.loglog(STEPS, [highest / factor * STEPS[0] / steps for steps in STEPS], "--", color="0.8", zorder=0)
    axes.set_title(f"{strategy}, {kind} counter", fontsize=10)
    axes.set_xlabel("steps of an execution")


def main() -> None:
    """Measure, and write the picture."""
    parser = argparse.ArgumentParser()
    parser.add_argument("file", nargs="?", default="docs/scaling.svg")
    parser.add_argument("--seconds", type=float, default=0.4)
    parser.add_argument("--strategy", nargs="+", default=["random", "dpor"])
    args = parser.parse_args()
    pyplot.rcParams["svg.fonttype"] = "none"
    pyplot.rcParams["svg.hashsalt"] = "scaling"  # the same names in every run
    figure, panels = pyplot.subplots(len(args.strategy), len(KINDS), sharex=True, squeeze=False, figsize=(9, 7))
    for row, strategy in zip(panels, args.strategy, strict=True):
        for axes, kind in zip(row, KINDS, strict=True):
            draw(axes, strategy, kind, args.seconds)
        row[0].set_ylabel("executions per second")
    panels[0][0].legend(fontsize=8)
    figure.tight_layout()
    figure.savefig(args.file, metadata={"Date": None})


if __name__ == "__main__":
    main()
