"""Schedule: which actor steps next, and its one-line text form."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby

from lab.errors import InvalidValue

_QUOTED = r'"(?:[^"\\]|\\.)*"'
_PLAIN = r'[^\s"*|](?:[^"*|]*[^\s"*|])?'
_RUN = re.compile(rf"\s*(?P<actor>{_QUOTED}|{_PLAIN})\*(?P<steps>[1-9][0-9]{{0,8}})\s*(?:\||$)")
_NEEDS_NO_QUOTES = re.compile(_PLAIN)


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
        runs: list[tuple[str, int]] = []
        position = 0
        while text[position:].strip() or (runs and text[:position].endswith("|")):
            match = _RUN.match(text, position)
            actor = _unquoted(match["actor"]) if match is not None else None
            if match is None or actor is None:
                rest = text[position:].strip()
                part = rest if len(rest) <= 60 else rest[:57] + "..."
                raise InvalidValue(f"schedule: {part!r} does not begin with ACTOR*STEPS, as in 'alice*1 | bob*2'")
            runs.append((actor, int(match["steps"])))
            position = match.end()
        return cls(tuple(runs))

    def __iter__(self) -> Iterator[str]:
        for actor, steps in self.runs:
            for _ in range(steps):
                yield actor

    def __str__(self) -> str:
        return " | ".join(f"{_quoted(actor)}*{steps}" for actor, steps in self.runs)


def _quoted(actor: str) -> str:
    return actor if _NEEDS_NO_QUOTES.fullmatch(actor) else json.dumps(actor)


def _unquoted(text: str) -> str | None:
    if not text.startswith('"'):
        return text
    try:
        return str(json.loads(text))
    except ValueError:
        return None
