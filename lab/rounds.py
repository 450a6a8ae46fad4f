"""A livelock in few steps: how it comes about, and the round that is gone through again and again.

An execution without an end is cut short by the bound on its steps, so it is as long as that bound
and looks the same for most of its length.  What is to be kept is the way to the first round and one
round in which everybody who has a part in it steps.  That this round goes on for ever is tried out, up to
the same bound, with the steps of the round again and again.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby, islice

from lab.exploration import Exploration
from lab.program import Failure
from lab.recorder import Recording
from lab.strategies.replay import Steps
from lab.trace import Step

_FIRST = 400  # steps among which a round is looked for
_LONGEST_CIRCLE = 16  # steps
_MOST_ROUNDS = 4  # that are tried: each takes as many steps as an execution may


@dataclass(frozen=True)
class Round:
    """The first steps of a livelock; the last ``repeats`` of them are the round."""

    steps: list[Step]
    repeats: int
    failure: Failure
    executions: int  # that were needed to find it


def cut(exploration: Exploration, steps: Sequence[Step], last: str) -> Round | None:
    """The first round of a livelock; None if there is none that goes on for ever."""
    executions = 0
    needed = {step.actor for step in steps[-max(1, len(steps) // 4) :]}
    for kept in (_patient(steps), _without_circles(steps), steps, _patient(steps, 2)):
        for start, end in islice(_rounds(kept, needed), _MOST_ROUNDS):
            executions += 1
            recording = _FirstSteps(end)
            follow = Steps(kept[:end], recording.taken, last, end - start)
            _, failure = exploration.execute(follow.choose, recording=recording)
            if failure is not None and failure.kind == "livelock" and recording.steps == list(kept[:end]):
                return Round(recording.steps, end - start, failure, executions)
    return None


def _patient(steps: Sequence[Step], times: int = 1) -> list[Step]:
    """The steps without those that an actor merely takes again, more than so many times in a row."""
    return [step for _, alike in groupby(steps[: _FIRST * _FIRST]) for step in islice(alike, times)]


class _FirstSteps(Recording):
    """Writes down so many steps and merely counts the others."""

    def __init__(self, most: int) -> None:
        super().__init__()
        self._most = most
        self.taken = Count()

    def access(self, actor: object, *rest: object) -> None:
        self.taken.count += 1
        if len(self.steps) < self._most:
            super().access(actor, *rest)  # type: ignore[arg-type]

    def operation(self, actor: object, *rest: object) -> None:
        self.taken.count += 1
        if len(self.steps) < self._most:
            super().operation(actor, *rest)  # type: ignore[arg-type]

    def awaits(self, actor: object, *rest: object) -> None:
        self.taken.count += 1
        if len(self.steps) < self._most:
            super().awaits(actor, *rest)  # type: ignore[arg-type]


class Count:
    """As long as a list of so many steps."""

    count = 0

    def __len__(self) -> int:
        return self.count


def _without_circles(steps: Sequence[Step]) -> list[Step]:
    """The steps without what merely repeats the few steps just before."""
    kept: list[Step] = []
    for step in steps[: _FIRST * _FIRST]:
        kept.append(step)
        for length in range(1, _LONGEST_CIRCLE + 1):
            if len(kept) >= 2 * length and kept[-length:] == kept[-2 * length : -length]:
                del kept[-length:]
                break
    return kept


def _rounds(steps: Sequence[Step], needed: set[str]) -> Iterator[tuple[int, int]]:
    """Where a round of all who are ``needed`` may begin and end, the earliest ends first.

    There all stand where they stood, and have seen the same.
    """
    now: dict[str, Step] = {}
    met: dict[frozenset[tuple[str, Step]], list[int]] = {}
    for position, step in enumerate(steps[:_FIRST]):
        now[step.actor] = step
        earlier = met.setdefault(frozenset(now.items()), [])
        for start in reversed(earlier):
            if needed <= {one.actor for one in steps[start : position + 1]}:
                yield start, position + 1
                break
        earlier.append(position + 1)
