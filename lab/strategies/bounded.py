"""Schedules with few preemptions: most bugs need one or two."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from typing import Any

from lab.carriers.actor import Actor, Event
from lab.carriers.execution import Execution
from lab.strategies.dpor import Node, SourceSets
from lab.strategies.races import Race


class Preemptions:
    """Counts, in one execution, how often an actor that could have gone on did not."""

    def __init__(self) -> None:
        self.begin()

    def begin(self) -> None:
        """A new execution."""
        self.count = 0
        self._interrupted: Actor | None = None  # who ran before an actor that has just begun came to its first decision
        self._beginning = False

    def starts(self, current: Actor | None) -> None:
        """An actor that had not begun goes to its first decision, before anything is decided."""
        if not self._beginning:
            self._beginning, self._interrupted = True, current

    def running(self, enabled: list[Actor], current: Actor | None) -> Actor | None:
        """Who would be preempted if another one of ``enabled`` went on."""
        if self._beginning:
            self._beginning, current = False, self._interrupted
        return current if current in enabled else None


class FewPreemptions:
    """Another strategy, held back when it has made so many preemptions."""

    def __init__(self, strategy: Any, most: int) -> None:
        self._strategy = strategy
        self._most = most
        self._preemptions = Preemptions()
        self.name: str = strategy.name

    def begin(self, execution: Execution) -> bool:
        self._preemptions.begin()
        more = bool(self._strategy.begin(execution))
        self.name = self._strategy.name
        return more

    def choose(self, enabled: list[Actor], current: Actor | None) -> Actor:
        for actor in enabled:
            if not actor.begun:
                self._preemptions.starts(current)
                return actor
        running = self._preemptions.running(enabled, current)
        chosen: Actor = self._strategy.choose(enabled, current)
        if running is None or chosen is running:
            return chosen
        if self._preemptions.count >= self._most:
            return running
        self._preemptions.count += 1
        return chosen

    def end(self, execution: Execution) -> None:
        self._strategy.end(execution)


class BoundedSets(SourceSets):
    """Every schedule with at most ``most`` preemptions, up to the order of independent operations.

    Coons, Musuvathi and McKinley, "Bounded Partial-Order Reduction", OOPSLA 2013:
    to reverse a race the later actor goes first at the earlier operation, and, as that
    may be one preemption too many, also where the actor of that operation was
    switched to.  Nobody sleeps: what one order covered another one may reach with
    fewer preemptions.  So some classes are met more than once.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        super().__init__()

    def restart(self) -> None:
        super().restart()
        self.cut = False  # some schedule would have needed more preemptions
        self._preemptions = Preemptions()
        self._decisions = 0  # in this execution
        self._costs: list[tuple[int, int | None]] = []  # at each decision: preemptions before it, who was running

    def begin(self, execution: Execution) -> bool:
        del self._costs[len(self._path) :]
        self._preemptions.begin()
        self._decisions = 0
        return super().begin(execution)

    def choose(self, enabled: list[Actor], current: Actor | None) -> Actor:
        if not all(actor.begun for actor in enabled):
            self._preemptions.starts(current)
            return super().choose(enabled, current)
        running = self._preemptions.running(enabled, current)
        if self._decisions == len(self._costs):
            self._costs.append((self._preemptions.count, None if running is None else running.index))
        self._decisions += 1
        chosen = super().choose(enabled, running)
        if running is not None and chosen is not running:
            self._preemptions.count += 1
        return chosen

    def _first_choice(self, awake: list[Actor], current: Actor | None) -> Actor:
        if current is not None and self._preemptions.count >= self._most:
            return current
        return self._fair(awake, current)

    def _fall_asleep(self, node: Node, actors: list[Actor]) -> None:
        """Nobody does."""

    def _reverse(self, race: Race, events: Sequence[Event]) -> None:
        earlier, later = race[0], race[2][0].index
        self._try_first(self._nodes.get(earlier), later)
        at = bisect_right(self._path, earlier, key=lambda node: node.position) - 1
        while at > 0 and self._costs[at][1] == self._races.actor_at(earlier):
            at -= 1
        if at >= 0:
            self._try_first(self._path[at], later)

    def _try_first(self, node: Node | None, later: int) -> None:
        if node is not None:
            assert self._execution is not None
            actors = self._execution.actors
            for one in [later] if later in node.enabled else node.enabled:
                if one != node.chosen and one not in node.done:
                    node.wanted.setdefault(self._name(actors[one]), ())

    def _following(self, node: Node) -> int | None:
        before, running = self._costs[len(self._path) - 1]
        while node.wanted:
            who = self._first_wanted(node)
            if running in (None, who) or before < self._most:
                return who
            self.cut = True
        return None
