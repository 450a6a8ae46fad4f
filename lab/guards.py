"""Which places are touched under one lock only: nothing can come between the parts of a step on them.

What library code does between two operations that it waits or locks with is taken for one step, and so is an
operation of C code that calls back or looks inside of its operands.  In truth others may come in between.  Where
all that is touched there is touched by everybody with one and the same lock held, nobody who does can tell.

The discipline is that of S. Savage, M. Burrows, G. Nelson, P. Sobalvarro and T. Anderson, "Eraser: A Dynamic Data Race
Detector for Multithreaded Programs", ACM TOCS 1997, section 2.  Unlike there, nothing is let pass because it
seems to be set up before it is shared or only read after it, and it has to be so in an execution of every class of
schedules: so there is no data race in any execution whose steps are whole, and then (Adve and Hill, "Weak Ordering: A
New Definition", ISCA 1990) every execution with parted steps comes to what one with whole steps does.
"""

from __future__ import annotations

from collections.abc import Callable

from lab.carriers.actor import Actor
from lab.operations import SYNC

_Place = tuple[int, int, object]
_NONE: frozenset[int] = frozenset()


def _nothing(_actor: Actor) -> frozenset[int]:
    """What is held where nobody knows."""
    return _NONE


class Guards:
    """Of one execution: what was held whenever a place was touched, and what counts on that."""

    def __init__(self) -> None:
        self.holds: Callable[[Actor], frozenset[int]] = _nothing  # the ids of the locks that an actor has
        self._now: dict[int, frozenset[int]] = {}  # the same since the last operation on a lock, by actor index
        self._always: dict[_Place, frozenset[int]] = {}  # the locks that have been held at every access so far
        self._counting: dict[_Place, dict[str, None]] = {}  # who counts on that, as stories
        self.supposed: dict[str, None] = {}  # stories that are in order because of a lock
        self.unguarded: dict[str, None] = {}  # those that are not in order

    def note(self, actor: Actor, place: _Place) -> None:
        """One access; before an operation on a lock is done."""
        if place[2] == SYNC:
            self._now.clear()
            return
        held = self._now.get(actor.index)
        if held is None:
            held = self._now[actor.index] = self.holds(actor)
        known = self._always.get(place)
        self._always[place] = held if known is None else known & held

    def suppose(self, place: _Place, story: str) -> None:
        """What is told in ``story`` is in order only if one lock guards ``place``, or nobody else is there."""
        self._counting.setdefault(place, {})[story] = None

    def judge(self, place: _Place) -> bool:
        """Whether one lock guards a place that several actors touch; who counts on that is put down."""
        guarded = bool(self._always.get(place))
        stories = self._counting.get(place)
        if stories:
            (self.supposed if guarded else self.unguarded).update(stories)
        return guarded
