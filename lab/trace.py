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
        name = f"{self.name}:" if self.word == "asks" and self.value is not None else self.name
        return " ".join(part for part in (self.word, name, self.value) if part)


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
