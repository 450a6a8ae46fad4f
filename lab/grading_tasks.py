"""Grade a witness of tasks: can the event loop that comes with Python do that, and what does it take?

Where tasks are switched is no matter of the build.  What is, is left to the world outside: who arrives when, how long
everything takes, who is cancelled.  So it is tried whether the program fails alike where nothing is left to the world:
all tasks are there at once, nobody is cancelled, and a timer is up only when nothing else can go on.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

from lab.carriers.actor import Actor
from lab.carriers.task_actor import IS_CANCELLED, TIME_IS_UP, Outside
from lab.detectors.realizable import STOCK, Grade
from lab.engine import engine
from lab.exploration import MOST_PROFILES, Exploration
from lab.following import Follower, follow
from lab.program import Failure, Program
from lab.recorder import Recording
from lab.sameness import failing_in
from lab.stopwatch import Limit
from lab.strategies.random import RandomWalk
from lab.witness import Witness

ALWAYS = "whenever all tasks start at once and nothing is slow"
IN_ORDER = "only if what comes from outside comes in this order"
OTHERWISE = "by another schedule of the same failure"
ONLY_ANY = "callbacks would have to overtake each other; only with order='any'"
_DRAWN = 200  # schedules in which the failure of a witness with order="any" is looked for
_SECONDS = 2.0


@dataclass(frozen=True)
class Quiet:
    """The schedule of a world in which nothing is late, for the tasks of one engine."""

    control: Any

    def choose(self, enabled: list[Actor], current: Actor | None) -> Actor:
        """Let everything arrive, then what is ready go on, and let time pass only when there is nothing else."""
        return min(enabled, key=self._rank)

    def _rank(self, actor: Actor) -> int:
        if isinstance(actor, Outside):
            return {TIME_IS_UP: 3, IS_CANCELLED: 4}.get(actor.word, 1)
        return 0 if actor in self.control.arriving else 2


def graded(witness: Witness, program: Program, trace: tuple[str, ...], steps: int, carrier: str) -> Mapping[str, Grade]:
    """``stock loop`` -> whether the witness can happen there; nothing where threads take part, or nothing is known."""
    if len(program.tasks) < len(program.actors) or witness.failure.kind == "livelock":
        return {}
    with suppress(Exception):  # of the program, or something escapes: the witness must not be lost
        on_loop = replace(program, order="fifo")
        with engine(on_loop, steps, trace, carrier) as exploration:
            if _fails_alike(exploration, witness, Quiet(exploration.control)):
                return {STOCK: Grade("yes", ALWAYS)}
            if program.order == "fifo":
                return {STOCK: Grade("yes", IN_ORDER)}
            return {STOCK: _of_any_order(exploration, witness)}
    return {}


def _of_any_order(exploration: Exploration, witness: Witness) -> Grade:
    follower, _, failure = follow(exploration, witness, Follower)
    if failure is not None and not follower.diverged and failing_in(failure, witness.failure):
        return Grade("yes", IN_ORDER)
    limit = Limit(_SECONDS)
    drawn = RandomWalk(0, exploration.counts)
    for _ in range(_DRAWN):
        if limit.is_reached:
            break
        if _fails_alike(exploration, witness, drawn):
            return Grade("yes", OTHERWISE)
    return Grade("no", ONLY_ANY)


def _fails_alike(exploration: Exploration, witness: Witness, strategy: Any) -> bool:
    failure: Failure | None = None
    for _ in range(MOST_PROFILES):
        _, failure = exploration.execute(strategy.choose, recording=Recording())
        if not exploration.discovery.take_found():
            break
    return failure is not None and failing_in(failure, witness.failure)
