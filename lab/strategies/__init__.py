"""Who steps next: one strategy a file, three methods each.

``begin`` prepares for one more execution and says whether there is one left,
``choose`` picks among the enabled actors, ``end`` learns from what happened.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from lab.carriers.actor import Actor
from lab.carriers.execution import Execution
from lab.strategies.counts import Counts
from lab.strategies.pct import PriorityChanges
from lab.strategies.portfolio import Portfolio
from lab.strategies.pos import PartialOrderSampling
from lab.strategies.random import RandomWalk
from lab.strategies.surw import SelectiveWalk


class Strategy(Protocol):
    """What the explorer asks of a strategy."""

    name: str

    def begin(self) -> bool:
        """Prepare for one more execution; False when there is nothing left to try."""

    def choose(self, enabled: list[Actor], current: Actor | None) -> Actor:
        """Who goes on; ``current`` is the actor that ran last, None if it has ended."""

    def end(self, execution: Execution) -> None:
        """Told after each execution what happened in it."""


def _portfolio(seed: int, counts: Counts) -> Strategy:
    parts = (SelectiveWalk, PartialOrderSampling, PriorityChanges, RandomWalk)
    return Portfolio([make(seed, counts) for make in parts])


STRATEGIES: dict[str, Callable[[int, Counts], Strategy]] = {
    "auto": _portfolio,
    "surw": SelectiveWalk,
    "pos": PartialOrderSampling,
    "pct": PriorityChanges,
    "random": RandomWalk,
}
"""Name -> maker, given the seed and what the profile runs told."""
