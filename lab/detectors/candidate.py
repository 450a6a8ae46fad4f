"""A pattern that the steps of an execution may make, before it is known whether it decided."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

Pair = tuple[int, int]


@dataclass(frozen=True)
class Candidate:
    """A pattern that the steps make, the pairs of them that may decide, and all steps that it is about."""

    pairs: tuple[Pair, ...]
    story: str
    pattern: str
    about: tuple[int, ...] = ()


Found = Iterator[Candidate]
