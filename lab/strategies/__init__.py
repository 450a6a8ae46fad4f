"""Who steps next: one strategy a file, three methods each.

``begin`` prepares for one more execution and says whether there is one left,
``choose`` picks among the enabled actors, ``end`` learns from what happened.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from lab.carriers.actor import Actor
from lab.strategies.pct import PriorityChanges
from lab.strategies.portfolio import Portfolio
from lab.strategies.random import RandomWalk


class Strategy(Protocol):
    """What the explorer asks of a strategy."""

    name: str

    def begin(self) -> bool:
        """Prepare for one more execution; False when there is nothing left to try."""

    def choose(self, enabled: list[Actor], current: Actor | None) -> Actor:
        """Who goes on; ``current`` is the actor that ran last, None if it has ended."""

    def end(self, decisions: int) -> None:
        """Told after each execution how many decisions it had."""


STRATEGIES: dict[str, Callable[[int], Strategy]] = {
    "auto": lambda seed: Portfolio((RandomWalk(seed), PriorityChanges(seed))),
    "random": RandomWalk,
    "pct": PriorityChanges,
}
"""Name -> maker, given the seed."""
