"""Run a program under a schedule that a person gives, step by step, and tell what came of it.

Runs in a process of its own (`lab.training.child`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lab.carriers.actor import Actor
from lab.carriers.crashing import IS_KILLED
from lab.carriers.task_actor import IS_CANCELLED, Outside
from lab.engine import engine
from lab.exploration import Exploration
from lab.following import SitesOf
from lab.program import NOTHING, STEPS
from lab.recorder import Recording, SharingMap
from lab.report.lines import printable, shown_value
from lab.strategies.replay import stay
from lab.trace import Step, Trace
from lab.training.cases import Case
from lab.training.schedules import STRIKE, written
from lab.training.telling import trace_text
from lab.witness import Witness

_STRIKES = (IS_CANCELLED, IS_KILLED)
_MOST_ATTEMPTS = 60  # to find all code that runs


class Played:
    """Lets the actors step in the order given; who cannot step, or is at the end, is passed over, and that is told.

    Afterwards all go on without switches.
    """

    def __init__(self, order: Sequence[str], done: Sequence[Step]) -> None:
        self._order = order
        self._done = done
        self._passed = 0
        self.remarks: dict[str, str] = {}  # the first of each actor

    def choose(self, enabled: list[Actor], current: Actor | None) -> Actor:
        """Who steps next."""
        while (position := len(self._done) + self._passed) < len(self._order):
            struck = self._order[position].endswith(STRIKE)
            wanted = self._order[position].removesuffix(STRIKE)
            for actor in enabled:
                if actor.name == wanted and _strikes(actor) == struck:
                    return actor
            who = self._order[position]
            told = f"{who} could not take step {position + 1} of your schedule, as it had to wait or had ended"
            self.remarks.setdefault(wanted, told)
            self._passed += 1
        return stay([actor for actor in enabled if not _strikes(actor)] or enabled, current)

    @property
    def left(self) -> int:
        """How many steps of the order were not taken."""
        return max(0, len(self._order) - self._passed - len(self._done))


def order_of(steps: Sequence[Step]) -> list[str]:
    """Who takes each step, and who is struck."""
    return [step.actor + STRIKE * (step.word in _STRIKES) for step in steps]


def play(case: Case, witness: Witness, order: Sequence[str], width: int) -> dict[str, Any]:
    """What came of the schedule: whether it fails, and the trace as text of that many columns.

    The places where actors can be switched are those of the ``witness``, which was found in the same code.
    """
    program = case.program()
    carrier = "auto" if program.processes else case.carrier
    with engine(program, STEPS, case.trace, carrier) as exploration:
        recording, played, outcome, failure = _execute(exploration, witness, order)
        steps = recording.steps
        schedule = Trace(tuple(steps)).schedule
        remarks = list(played.remarks.values())
        if played.left:
            remarks.append(f"the program ended before the last {played.left:,} of your steps")
        return {
            "fails": failure is not None,
            "failure": None if failure is None else {"kind": failure.kind, "message": printable(failure.message)},
            "detail": [] if failure is None else [printable(line) for line in failure.detail],
            "outcome": "" if outcome is NOTHING else printable(shown_value(outcome)),
            "meaning": printable(str(program.descriptions.get(outcome, ""))) if outcome is not NOTHING else "",
            "schedule": written(order_of(steps)),
            "steps": len(steps),
            "switches": max(0, len(schedule.runs) - 1),
            "trace": trace_text(steps, [name for name, _ in program.actors], width),
            "remarks": remarks,
        }


def _strikes(actor: Actor) -> bool:
    """Whether it is no actor's own step, but that one is cancelled or killed."""
    return isinstance(actor, Outside) and actor.word in _STRIKES


def _execute(exploration: Exploration, witness: Witness, order: Sequence[str]) -> tuple[Recording, Played, Any, Any]:
    """Once more until all code that runs is instrumented."""
    for _ in range(_MOST_ATTEMPTS):
        exploration.control.hot = SitesOf(witness)
        recording = Recording()
        played = Played(order, recording.steps)
        outcome, failure = exploration.execute(played.choose, recording=recording, sharing=SharingMap())
        if not exploration.discovery.take_found():
            break
    return recording, played, outcome, failure
