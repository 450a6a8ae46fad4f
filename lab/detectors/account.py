"""One execution as the detectors see it: its steps, what each touched, and how to speak of them."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, replace

from lab.program import Failure
from lab.trace import Step

Touched = tuple[tuple[Hashable, bool], ...]
"""The places of a step, and whether it wrote each."""


@dataclass(frozen=True)
class Account:
    """What is known of a failed execution; positions of steps count from 0.

    ``touches`` and ``values`` go with the steps: the places, and what identifies the object that was read
    or written, None where that is not known.
    """

    steps: Sequence[Step]
    touches: Sequence[Touched]
    values: Sequence[Hashable | None]
    failure: Failure

    def conflict(self, one: int, other: int) -> bool:
        """Whether two steps touch the same place and one of them writes it."""
        return any(
            place == there and (writes or written)
            for place, writes in self.touches[one]
            for there, written in self.touches[other]
        )

    def places(self, position: int) -> set[Hashable]:
        """What the step touches."""
        return {place for place, _ in self.touches[position]}

    def same(self, one: int, other: int) -> bool:
        """Whether two steps are at the same object; others may have the same name."""
        first, second = self.touches[one], self.touches[other]
        return bool(first) and bool(second) and first[0][0] == second[0][0]

    def changes(self, position: int) -> bool:
        """Whether the step writes any of its places."""
        return any(writes for _, writes in self.touches[position])

    def own(self, actor: str, after: int, before: int | None = None) -> list[int]:
        """The actor's steps strictly between two positions."""
        end = len(self.steps) if before is None else before
        return [position for position in range(after + 1, end) if self.steps[position].actor == actor]

    def others(self, actor: str, after: int, before: int | None = None) -> list[int]:
        """Everybody else's."""
        end = len(self.steps) if before is None else before
        return [position for position in range(after + 1, end) if self.steps[position].actor != actor]


def did(step: Step) -> str:
    """The step in the past tense, without its actor: "wrote counter.value 1", "asked 'rye' in shelf.loaves: False"."""
    word = step.word.removesuffix(_TIMED_OUT)
    if word != step.word:
        verb, _, rest = word.partition(" ")
        return f"did not {' '.join(part for part in (verb.removesuffix('s'), rest, step.name) if part)} in time"
    told = replace(step, word=word).what
    verb, _, rest = told.replace(" and empties ", " and emptied ").partition(" ")
    return f"{_PAST.get(verb) or _regular(verb.removesuffix('s'))} {rest}".rstrip()


def _regular(stem: str) -> str:
    return stem + ("d" if stem.endswith("e") else "ed")


_TIMED_OUT = " (timed out)"
_PAST = {
    "reads": "read",
    "writes": "wrote",
    "takes": "took",
    "wakes": "woke",
    "puts": "put",
    "gets": "got",
    "sets": "set",
    "comes": "came",
    "shuts": "shut",
    "tries": "tried",
    "stores": "stored",
    "notifies": "notified",
    "sleeps": "slept",
    "deletes": "deleted",
    "changes": "changed",
    "compares": "compared",
    "acquires": "acquired",
    "releases": "released",
    "closes": "closed",
    "spreads": "spread",
    "marks": "marked",
    "makes": "made",
    "commits": "committed",
    "lets": "let",
    "rolls": "rolled",
    "copies": "copied",
    "seeks": "sought",
    "sends": "sent",
    "leaves": "left",
    "is": "was",
    "goes": "went",
    "runs": "ran",
}
