"""Schedules that can happen with a global interpreter lock: it is passed on at switch points only.

An actor that runs goes on, unless it has to wait or has passed a switch point (`lab.switch_points`) since its last
step that concerns others.  The engine has to tell of them (``points`` of `lab.engine.engine`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any

from lab.carriers.actor import Actor
from lab.strategies.fewest import FewSwitches, Order, Switches


@dataclass(eq=False, slots=True)
class Passed(Order):
    """Records the actor of each step, and who has passed a switch point since its last one."""

    hot: Any = frozenset()  # the sites that concern others
    surely: set[int] = field(default_factory=set)
    doubtful: set[int] = field(default_factory=set)
    doubted: bool = False  # whether somebody was not interrupted who had passed what may be a switch point
    _arrived: dict[int, int] = field(default_factory=dict)  # who has come to what may make it wait -> steps before that
    _used: dict[int, tuple[int, int]] = field(default_factory=dict)  # id of a lock -> who used it last, and when

    def passes(self, actor: Actor, surely: bool, why: str) -> None:
        """See `lab.carriers.pointing.Points`."""
        (self.surely if surely else self.doubtful).add(actor.index)

    def comes(self, actor: Actor, site: Any) -> None:
        """See `lab.carriers.pointing.Points`."""

    def stands(self, actor: Actor, places: Any, site: Any) -> None:
        """See `lab.carriers.pointing.Points`."""

    def access(self, actor: Actor, owner: object, key: object, write: bool, site: Any, detail: object) -> None:
        self._take(actor, site)

    def operation(self, actor: Actor, word: str, owner: object, site: Any, detail: str = "") -> None:
        """A step at a lock, say; who has to wait for it is given it before it runs again, and others run meanwhile."""
        who, when = self._used.get(id(owner), (0, -1))
        arrived = self._arrived.pop(actor.index, None)
        waited = arrived is not None and (arrived < 0 or (who != actor.index and when >= arrived))
        self._used[id(owner)] = (actor.index, len(self.actors))
        self._take(actor, site)
        if waited:
            self.surely.add(actor.index)

    def waits(self, actor: Actor, owner: object, site: Any) -> None:
        """The actor has come to what may make it wait; until it goes on, that may still be."""
        has_to = actor.wait is not None and not actor.wait.ready()
        self._arrived[actor.index] = -1 if has_to else len(self.actors)

    def _take(self, actor: Actor, site: Any) -> None:
        self._step(actor)
        if site in self.hot:
            self.surely.discard(actor.index)
            self.doubtful.discard(actor.index)


class AtPoints(FewSwitches):
    """One execution of that kind: as `FewSwitches`, with no more switches than can happen."""

    def __init__(self, passed: Passed, first: Sequence[int] = (), switches: Switches | None = None) -> None:
        super().__init__(passed, first, switches)
        self._passed = passed

    def options(self, enabled: list[Actor], running: Actor | None) -> list[Actor]:
        """The running actor alone, if it cannot be interrupted here."""
        passed = self._passed
        if running is None or running.index in passed.surely or len(enabled) == 1:
            return enabled
        passed.doubted = passed.doubted or running.index in passed.doubtful
        return [running]


class DrawnAtPoints(AtPoints):
    """Each decision is drawn, uniformly among those that can go on then."""

    def __init__(self, passed: Passed, source: Random) -> None:
        super().__init__(passed)
        self._source = source

    def wanted(self, options: list[Actor], number: int, key: tuple[int, int]) -> int | None:
        return options[int(self._source.random() * len(options))].index
