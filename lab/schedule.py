"""Schedule: which actor steps next, and its one-line text form."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby

from lab.errors import InvalidValue

_RUN = re.compile(r"(?P<actor>\S(?:.*\S)?)\*(?P<steps>[1-9]\d*)")


@dataclass(frozen=True, slots=True)
class Schedule:
    """Runs of steps by one actor: ``(("alice", 1), ("bob", 2), ("alice", 1))``."""

    runs: tuple[tuple[str, int], ...]

    @classmethod
    def of(cls, actors: Iterable[str]) -> Schedule:
        """The schedule in which these actors step one after another."""
        return cls(tuple((actor, len(list(steps))) for actor, steps in groupby(actors)))

    @classmethod
    def parse(cls, text: str) -> Schedule:
        """Read the text form back; raises InvalidValue for anything else."""
        runs = []
        for part in text.split(" | ") if text.strip() else []:
            match = _RUN.fullmatch(part.strip())
            if match is None:
                raise InvalidValue(f"schedule: {part!r} is not ACTOR*STEPS, as in 'alice*1 | bob*2'")
            runs.append((match["actor"], int(match["steps"])))
        return cls(tuple(runs))

    def __iter__(self) -> Iterator[str]:
        for actor, steps in self.runs:
            for _ in range(steps):
                yield actor

    def __str__(self) -> str:
        return " | ".join(f"{actor}*{steps}" for actor, steps in self.runs)
