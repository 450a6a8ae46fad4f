"""Can a witness happen on a build with the global interpreter lock?

Such a build switches threads at switch points only (`lab.switch_points`).  What an actor does from one of
them to the next is a block that no other actor interrupts.  The steps of a witness may be put into another
order as long as operations on the same place keep theirs: that leads to the same failure.  So the witness
can happen if some such order has every block in one piece.  There is one unless blocks come before each
other in a circle: the test for serializability of C. Flanagan, S. N. Freund, J. Yi, "Velodrome: a sound and
complete dynamic atomicity checker for multithreaded programs", PLDI 2008, with blocks for transactions.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from typing import Literal

from lab.carriers.actor import Places


@dataclass(frozen=True)
class Grade:
    """Whether a witness can happen on some build: ``yes``, ``no`` or ``unknown``, with the reason for the last two."""

    status: Literal["yes", "no", "unknown"]
    reason: str = ""

    def __str__(self) -> str:
        return f"{self.status}: {self.reason}" if self.reason else self.status


@dataclass(frozen=True)
class Moment:
    """One step as the grade needs it.

    ``surely`` says whether the actor has passed a switch point since its previous step, ``maybe`` names
    something on the way that may be one; ``after`` are the numbers of earlier steps of other actors that
    had to come before for another reason than their places.
    """

    actor: str
    where: str  # file and line
    places: Places
    surely: bool
    maybe: str = ""
    after: tuple[int, ...] = ()


def grade(moments: Sequence[Moment]) -> Grade:
    """Grade the steps of a witness, in their order, for a build with the global interpreter lock."""
    cut = _interrupted(moments, [bool(moment.maybe) for moment in moments])
    if cut is not None:
        return Grade("no", f"no switch point {_between(moments, *cut)}")
    doubtful = _interrupted(moments, [False] * len(moments))
    if doubtful is None:
        return Grade("yes")
    first, second = doubtful
    near = [moments[second], *(moment for moment in moments if moment.actor == moments[second].actor), *moments]
    why = next(moment.maybe for moment in near if moment.maybe)
    return Grade("unknown", f"{_between(moments, first, second)} {why}")


def _between(moments: Sequence[Moment], first: int, second: int) -> str:
    one, other = moments[first].where, moments[second].where
    if one == other:
        return f"within line {one.rpartition(':')[2]}"
    if one.rpartition(":")[0] == other.rpartition(":")[0]:
        one, other = one.rpartition(":")[2], other.rpartition(":")[2]
    return f"between lines {one} and {other}" if one.isdigit() else f"between {one} and {other}"


def _interrupted(moments: Sequence[Moment], taken: Sequence[bool]) -> tuple[int, int] | None:
    """Two steps of an actor, one after the other, that belong to one block and cannot stay together; None if all can.

    ``taken`` says for which steps a doubtful switch point before them is taken for one.
    """
    block_of: list[int] = []  # a block is known by the number of its first step
    last: dict[str, int] = {}  # actor -> its latest step
    graph: TopologicalSorter[int] = TopologicalSorter()
    writes: dict[object, int] = {}
    reads: dict[object, list[int]] = {}
    for number, moment in enumerate(moments):
        before = last.get(moment.actor)
        fresh = before is None or moment.surely or taken[number]
        block = number if fresh or before is None else block_of[before]
        block_of.append(block)
        earlier = set(moment.after)
        if before is not None:
            earlier.add(before)
        for place, write in moment.places:
            if place in writes:
                earlier.add(writes[place])
            if write:
                earlier.update(reads.pop(place, ()))
                writes[place] = number
            else:
                reads.setdefault(place, []).append(number)
        graph.add(block, *{block_of[one] for one in earlier} - {block})
        last[moment.actor] = number
    try:
        graph.prepare()
    except CycleError as error:
        return _torn(moments, block_of, set(error.args[1]))
    return None


def _torn(moments: Sequence[Moment], block_of: Sequence[int], blocks: set[int]) -> tuple[int, int]:
    """The first two steps of one of ``blocks`` between which there are steps of other ``blocks``."""
    latest: dict[int, int] = {}
    for number, block in enumerate(block_of):
        if block not in blocks:
            continue
        before = latest.get(block)
        if before is not None and any(block_of[one] in blocks - {block} for one in range(before + 1, number)):
            return before, number
        latest[block] = number
    raise AssertionError("a circle of blocks of which none is interrupted")
