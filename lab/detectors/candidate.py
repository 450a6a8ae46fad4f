"""A pattern that the steps of an execution may make, before it is known whether it decided."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from lab.detectors.account import Account, did

Pair = tuple[int, int]


@dataclass(frozen=True)
class Candidate:
    """A pattern that the steps make, the pairs of them that may decide, and all steps that it is about."""

    pairs: tuple[Pair, ...]
    story: str
    pattern: str
    about: tuple[int, ...] = ()


Found = Iterator[Candidate]


def stale_read(account: Account, pairs: tuple[Pair, ...], look: int, change: int, act: int) -> Candidate:
    """Who had looked before somebody changed it goes on without looking again."""
    actor, other = account.steps[look].actor, account.steps[change].actor
    story = f"{actor} {_done(account, look)} before {other} {_done(account, change)}, did not look again and "
    return Candidate(pairs, f"{story}{_done(account, act)}: a stale read.", "stale read")


def check_then_act(account: Account, look: int, change: int, act: int) -> Candidate:
    """What somebody found out was changed by another one before it was acted upon."""
    actor, other = account.steps[look].actor, account.steps[change].actor
    story = f"{actor} {_done(account, look)}, then {other} {_done(account, change)}, and then {actor} "
    pairs = ((look, change), (change, act))
    return Candidate(pairs, f"{story}{_done(account, act)}: check-then-act.", "check-then-act")


def _done(account: Account, position: int) -> str:
    return f"{did(account.steps[position])} (step {position + 1})"
