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

from lab.detectors.orders import Moment, earlier_steps, some_order

HERE, WITH_LOCK, FREE = "this build", "GIL build", "free-threaded"
"""Builds of Python: the one that runs, and those of its version."""
STOCK = "stock loop"
"""The event loops that come with Python, which run ready callbacks in the order in which they became so."""


@dataclass(frozen=True)
class Grade:
    """Whether a witness can happen on some build: ``yes``, ``no`` or ``unknown``, with the reason for the last two.

    With ``every`` no other schedule of the program fails like it there, either: all that can happen were tried.
    """

    status: Literal["yes", "no", "unknown"]
    reason: str = ""
    every: bool = False

    def __str__(self) -> str:
        return f"{self.status}: {self.reason}" if self.reason else self.status


def grade(moments: Sequence[Moment]) -> Grade:
    """Grade the steps of a witness, in their order, for a build with the global interpreter lock."""
    cut = _interrupted(moments, True, "free")
    if cut is not None:
        return Grade("no", f"no switch point {_between(moments, *cut)}")
    doubtful = _interrupted(moments, False, "never")
    if doubtful is None or _interrupted(moments, False, "always") is None:
        return Grade("yes")
    if some_order(moments, False):
        return Grade("yes")
    if some_order(moments, True) is False:
        cut = _interrupted(moments, True, "never") or doubtful
        return Grade("no", f"no switch point {_between(moments, *cut)}")
    near = [moments[doubtful[1]], *(one for one in moments if one.actor == moments[doubtful[1]].actor), *moments]
    why = next((one.maybe for one in near if one.maybe), "it depends on who has to wait for a lock")
    return Grade("unknown", f"{_between(moments, *doubtful)} {why}")


def _between(moments: Sequence[Moment], first: int, second: int) -> str:
    one, other = moments[first].where, moments[second].where
    if one == other:
        return f"within line {one.rpartition(':')[2]}"
    if one.rpartition(":")[0] == other.rpartition(":")[0]:
        one, other = one.rpartition(":")[2], other.rpartition(":")[2]
    return f"between lines {one} and {other}" if one.isdigit() else f"between {one} and {other}"


def _interrupted(
    moments: Sequence[Moment], maybe: bool, waits: Literal["never", "always", "free"]
) -> tuple[int, int] | None:
    """Two steps of an actor, one after the other, that belong to one block and cannot stay together; None if all can.

    ``maybe`` takes doubtful switch points for some.  ``waits`` says whether actors wait for locks for which they may
    have had to: always, where they come while another has the lock, or always and whenever they like.
    """
    block_of: list[int] = []  # a block is known by the number of its first step
    last: dict[str, int] = {}  # actor -> its latest step
    graph: TopologicalSorter[int] = TopologicalSorter()
    before_it = earlier_steps(moments)
    waited: set[str] = set()  # actors whose latest step had to wait
    for number, moment in enumerate(moments):
        before = last.get(moment.actor)
        passed = moment.surely or (maybe and bool(moment.maybe)) or moment.actor in waited
        waited.discard(moment.actor)
        earlier = {block_of[one] for one in moment.after}
        block = number
        if before is not None:
            earlier.add(block_of[before])
            block = number if passed else block_of[before]
        if moment.held and waits != "never":
            arrival = -1 - number if block == number else block  # the block at whose end it comes to the lock
            if waits == "always":
                taken, given_back = moment.held[-1]
                graph.add(arrival, *{block_of[taken]} - {arrival})
                graph.add(block_of[given_back], *{arrival} - {block_of[given_back]})
            block = number
            earlier.add(arrival)
            graph.add(arrival, *earlier - {arrival})
            waited.add(moment.actor)
        block_of.append(block)
        earlier.update(block_of[one] for one in before_it[number])
        graph.add(block, *earlier - {block})
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
    first = min(number for number, block in enumerate(block_of) if block in blocks)
    return first, first  # a circle through an arrival at a lock, which is no step
