"""Several strategies that share the budget."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lab.carriers.execution import Execution


class Portfolio:
    """Gives each execution to the next strategy in turn."""

    name = "auto"

    def __init__(self, strategies: Sequence[Any]) -> None:
        self._strategies = list(strategies)
        self._turn = -1
        self.choose = strategies[0].choose

    def begin(self) -> bool:
        while self._strategies:
            self._turn = (self._turn + 1) % len(self._strategies)
            strategy = self._strategies[self._turn]
            if strategy.begin():
                self.choose = strategy.choose
                self.name = strategy.name
                return True
            self._strategies.remove(strategy)
        return False

    def end(self, execution: Execution) -> None:
        for strategy in self._strategies:
            strategy.end(execution)
