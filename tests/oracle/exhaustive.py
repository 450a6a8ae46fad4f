"""Takes every schedule of the decisions that the lab offers, one by one: slow, and simple enough to be believed.

With it the outcomes that the lab can reach and those that the oracle knows can be
compared exactly, before any cleverer search is trusted.
"""

from __future__ import annotations

from typing import Any


class EverySchedule:
    """Depth-first over all choices; an actor that has not come to its first decision goes there at once.

    The lab learns where the decisions are while it runs, so all is done again until
    once more makes no difference.
    """

    name = "every schedule"

    def __init__(self, most: int | None = None) -> None:
        self._most = most  # preemptions in one schedule
        self._preempted = 0
        self._before_child: Any = None  # who ran when an actor began that is on its way to its first decision
        self._child_begins = False
        self._path: list[tuple[list[int], int]] = []  # at each decision: who could go on, and which of them does
        self._depth = 0
        self._changed = False  # the lab has learned of further decisions: what was covered so far does not count
        self.finished = False
        self.schedules = 0  # in this pass, since the decisions have been the same
        self._before = 0  # in the pass before

    def begin(self, execution: Any) -> bool:
        if self._changed:
            self._path, self._changed, self.schedules = [], False, 0
        elif self.schedules:
            while self._path and self._path[-1][1] + 1 == len(self._path[-1][0]):
                self._path.pop()
            if not self._path:
                if self.schedules == self._before:
                    self.finished = True
                    return False
                self._before, self.schedules, self._depth = self.schedules, 1, 0
                return True
            options, position = self._path.pop()
            self._path.append((options, position + 1))
        self._depth = 0
        self.schedules += 1
        return True

    def choose(self, enabled: list[Any], current: Any) -> Any:
        for actor in enabled:
            if not actor.begun:
                if not self._child_begins:
                    self._child_begins, self._before_child = True, current
                return actor
        if self._child_begins:
            self._child_begins, current = False, self._before_child
        if not self._depth:
            self._preempted = 0
        if self._preempted == self._most and current in enabled:
            enabled = [current]
        options = [actor.index for actor in enabled]
        if self._depth == len(self._path):
            self._path.append((options, 0))
        known, position = self._path[self._depth]
        self._depth += 1
        if known != options:
            self._changed = True
        chosen = enabled[min(position, len(enabled) - 1)]
        self._preempted += current in enabled and chosen is not current
        return chosen

    def end(self, execution: Any) -> None:
        if self._depth < len(self._path):
            self._changed = True
