"""Take the steps of a witness once more, and say where they can no longer be taken."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from lab.carriers.actor import Actor
from lab.exploration import Exploration
from lab.instrument import Site
from lab.program import Failure
from lab.recorder import Recording, SharingMap, identity_of
from lab.strategies.replay import Steps, step_at
from lab.trace import Step
from lab.witness import Witness

_MOST_ATTEMPTS = 60


class SitesOf(set[Site]):
    """The decision points of a witness: its own sites, recognised in this process."""

    def __init__(self, witness: Witness) -> None:
        super().__init__()
        self._witness = witness
        self._known: dict[Site, bool] = {}

    def __contains__(self, site: object) -> bool:
        assert isinstance(site, Site)
        known = self._known.get(site)
        if known is None:
            known = self._known[site] = identity_of(site) in self._witness.decisions
        return known


class Follower(Recording):
    """Compares each step with the witness's while it is taken."""

    def __init__(self, witness: Witness) -> None:
        super().__init__()
        self._expected = witness.trace.steps
        self._repeats = witness.repeats
        self.diverged = ""

    @property
    def taken(self) -> list[Step]:
        return self.steps

    def access(self, actor: Actor, owner: object, key: object, write: bool, site: Site, detail: object) -> None:
        super().access(actor, owner, key, write, site, detail)
        self._compare()

    def operation(self, actor: Actor, word: str, owner: object, site: Site, detail: str = "") -> None:
        super().operation(actor, word, owner, site, detail)
        self._compare()

    def _compare(self) -> None:
        number = len(self.steps)
        if self.diverged:
            return
        saw = self.steps[-1]
        expected = step_at(self._expected, number - 1, self._repeats)
        if expected is None:
            self.diverged = f"diverged at step {number}, expected the failure, saw {told(saw)}"
            return
        if (expected.actor, expected.place.identity, expected.word) != (saw.actor, saw.place.identity, saw.word):
            self.diverged = f"diverged at step {number}, expected {told(expected)}, saw {told(saw)}"


Recorder = TypeVar("Recorder", bound="Follower")


def follow(
    exploration: Exploration, witness: Witness, record: Callable[[Witness], Recorder]
) -> tuple[Recorder, Any, Failure | None]:
    """Repeat until all code that runs is instrumented; the record, the outcome and the failure of the last time."""
    control = exploration.control
    for _ in range(_MOST_ATTEMPTS):
        follower = record(witness)
        control.hot = SitesOf(witness)
        steps = Steps(witness.trace.steps, follower.taken, witness.last, witness.repeats)
        # Sharing is noted for its side effect: on 3.11 only such executions report the functions that start.
        outcome, failure = exploration.execute(steps.choose, recording=follower, sharing=SharingMap())
        if not exploration.take_found():
            break
    return follower, outcome, failure


def told(step: Step) -> str:
    """The step in words, with its place."""
    return f"{step.actor}: {step.word} {step.name} ({step.place.identity[0]}:{step.place.line})"
