"""Schedules to the first bug."""

from __future__ import annotations

import statistics

import lab

from .programs import Program, is_right

STRATEGIES = ("random", "pct", "pos", "surw", "auto")
MOST = 3_000


def schedules_to_bug(program: Program, strategy: str, seeds: int) -> list[int]:
    """For each seed how many executions it took; one more than `MOST` where that was not enough."""
    counts = []
    for seed in range(seeds):
        verdict = lab.explore(
            program.setup, program.actors, check=is_right, strategy=strategy, seed=seed, schedules=MOST
        )
        counts.append(verdict.schedules if verdict.status == "fails" else MOST + 1)
    return counts


def median(counts: list[int]) -> float:
    """The one in the middle."""
    return statistics.median(counts)
