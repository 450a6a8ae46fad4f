"""What the library keeps of the processes that it has started."""

from __future__ import annotations

from typing import Any


class InOrder(dict[Any, None]):
    """The set in which the library keeps the processes that go on, in the order in which they were started."""

    def add(self, one: Any) -> None:
        """As of a set."""
        self[one] = None

    def discard(self, one: Any) -> None:
        """As of a set."""
        self.pop(one, None)
