"""Step and Trace: the record that every later layer reads."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from lab.schedule import Schedule


@dataclass(frozen=True, slots=True)
class Place:
    """A site in the source, told in words that mean the same in every process."""

    file: str  # as the code object names it
    function: str  # qualified name
    number: int  # the site's number within the function
    operation: str  # what the bytecode does there, "attribute value"
    line: int

    @property
    def identity(self) -> tuple[str, str, int, str]:
        """What stays the same when lines above the function move or the checkout lies elsewhere."""
        return (self.file.replace("\\", "/").rsplit("/", 1)[-1], self.function, self.number, self.operation)


@dataclass(frozen=True, slots=True)
class Step:
    """One visible operation that happened."""

    actor: str
    place: Place
    word: str  # "reads", "writes", "acquires", ...
    name: str  # the object as the code names it, "counter.value"
    value: str | None  # what was read or written, as short text; None where there is none

    @property
    def what(self) -> str:
        """The step without its place: "reads counter.value 0", "asks 'rye' in shelf.loaves: False"."""
        word, name = self.word, self.name
        timed_out = word.endswith(_TIMED_OUT)
        word = word.removesuffix(_TIMED_OUT)
        if word.startswith("asks whether it ") and name:
            word, name = f"asks whether {name}", word.removeprefix("asks whether it ") + ":" * (self.value is not None)
        elif word in ("asks", "calls") and self.value is not None:
            name += ":"
        told = " ".join(part for part in (_SPOKEN.get(word, word), name, self.value) if part)
        return told + _TIMED_OUT * timed_out


_TIMED_OUT = " (timed out)"
_SPOKEN = {
    "waits": "waits on",
    "waits for events": "waits for events on",
    "wakes up": "wakes up on",
    "notifies all": "notifies all on",
    "puts": "puts into",
    "gets": "gets from",
    "tries whether it puts": "tries to put into",
    "tries whether it gets": "tries to get from",
    "marks a task done": "marks a task done in",
    "asks for the size": "asks for the size of",
}
"""How a word is said before a name; the bare words are what a witness holds."""


@dataclass(frozen=True, slots=True)
class Trace:
    """All steps of one execution at objects that more than one actor touched."""

    steps: tuple[Step, ...]

    @property
    def schedule(self) -> Schedule:
        """Which actor took each step."""
        return Schedule.of(step.actor for step in self.steps)

    @property
    def switches(self) -> int:
        """How often another actor went on than the one before."""
        return max(0, len(self.schedule.runs) - 1)

    def actors(self, declared: Sequence[str]) -> list[str]:
        """Declared actors first, then the threads they started, in order of appearance."""
        seen = dict.fromkeys(declared)
        seen.update(dict.fromkeys(step.actor for step in self.steps))
        return list(seen)
