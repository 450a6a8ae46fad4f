"""Schedules that are told by their switches: everybody goes on as long as it can, but for a few exceptions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby, pairwise
from typing import Any

from lab.carriers.actor import Actor
from lab.strategies.bounded import Preemptions

Switches = Mapping[tuple[int, int], int]
"""(actor index, steps it has taken) -> who goes on then; actor 0 is nobody, before the first step."""


def switches_of(order: Sequence[int]) -> dict[tuple[int, int], int]:
    """The switches of a schedule, which is given as the actor of each step."""
    found = {(0, 0): order[0]} if order else {}
    taken: dict[int, int] = {}
    for one, other in pairwise(order):
        taken[one] = taken.get(one, 0) + 1
        if one != other:
            found[one, taken[one]] = other
    return found


@dataclass(eq=False, slots=True)
class Order:
    """Records the actor of each step and nothing else: a `Recorder` that costs little."""

    actors: list[int] = field(default_factory=list)
    taken: dict[int, int] = field(default_factory=dict)  # actor index -> its steps

    def access(self, actor: Actor, owner: object, key: object, write: bool, site: Any, detail: object) -> None:
        self._step(actor)

    def operation(self, actor: Actor, word: str, owner: object, site: Any, detail: str = "") -> None:
        self._step(actor)

    def waits(self, actor: Actor, owner: object, site: Any) -> None:
        """To wait is no step."""

    def awaits(self, actor: Actor, found: Any, other: Actor | None) -> None:
        self._step(actor)

    def _step(self, actor: Actor) -> None:
        self.actors.append(actor.index)
        self.taken[actor.index] = self.taken.get(actor.index, 0) + 1


@dataclass(frozen=True, slots=True)
class Decision:
    """One decision of an execution: ``key`` is where it was, as in `Switches`, and the costs are those before it."""

    key: tuple[int, int]
    options: tuple[int, ...]  # who could go on
    running: int | None  # who would have been preempted
    chosen: int
    preemptions: int
    switches: int
    before: int  # who took the last step; 0 for nobody

    def costs(self, option: int, all_go_on: bool) -> tuple[int, int]:
        """The fewest preemptions and switches if ``option`` goes on, and then the others if all have to."""
        preempted = self.running is not None and option != self.running
        switches = self.switches + (self.before not in (0, option))
        return self.preemptions + preempted, switches + (len(self.options) - 1 if all_go_on else 0)


class FewSwitches:
    """One execution: the first decisions as given, then the switches as given, and else nobody is interrupted.

    An actor that has not begun goes to its first decision at once, which concerns nobody.
    """

    def __init__(self, order: Order, first: Sequence[int] = (), switches: Switches | None = None) -> None:
        self.decisions: list[Decision] = []
        self._order = order
        self._first = first
        self._switches = switches or {}
        self._preemptions = Preemptions()
        self._went_on = 0  # who was chosen last
        self._seen = 0  # steps of which the switches have been counted
        self._switched = 0

    @property
    def preemptions(self) -> int:
        """How often an actor that could have gone on had to stand still."""
        return self._preemptions.count

    def options(self, enabled: list[Actor], running: Actor | None) -> list[Actor]:
        """Who may go on, of those that could."""
        return enabled

    def wanted(self, options: list[Actor], number: int, key: tuple[int, int]) -> int | None:
        """Who is to go on at a decision, by its number and its key; None for whoever needs no switch."""
        return self._first[number] if number < len(self._first) else self._switches.get(key)

    def choose(self, enabled: list[Actor], current: Actor | None) -> Actor:
        for actor in enabled:
            if not actor.begun:
                self._preemptions.starts(current)
                return actor
        running = self._preemptions.running(enabled, current)
        order = self._order
        key = (self._went_on, order.taken.get(self._went_on, 0))
        number = len(self.decisions)
        enabled = self.options(enabled, running)
        wanted = self.wanted(enabled, number, key)
        chosen = next((actor for actor in enabled if actor.index == wanted), running or enabled[0])
        steps = order.actors
        while self._seen < len(steps):
            self._switched += self._seen > 0 and steps[self._seen] != steps[self._seen - 1]
            self._seen += 1
        self.decisions.append(
            Decision(
                key,
                tuple([actor.index for actor in enabled]),
                None if running is None else running.index,
                chosen.index,
                self._preemptions.count,
                self._switched,
                steps[-1] if steps else 0,
            )
        )
        if running is not None and chosen is not running:
            self._preemptions.count += 1
        self._went_on = chosen.index
        return chosen


def cost(preemptions: int, order: Sequence[int]) -> tuple[int, int, int, int, tuple[int, ...]]:
    """What makes one schedule with the same failure better than another: the smaller is the better one.

    Preemptions, switches, steps, the step at which the last interrupted actor goes on (so that whoever has
    no part in the failure runs last), and the actors themselves, so that there is only one best schedule.
    """
    runs = [(actor, len(list(steps))) for actor, steps in groupby(order)]
    met: set[int] = set()
    decided = position = 0
    for actor, steps in runs:
        if actor in met:
            decided = position
        met.add(actor)
        position += steps
    return preemptions, max(0, len(runs) - 1), len(order), decided, tuple(order)
