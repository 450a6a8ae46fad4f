"""Which prefixes of schedules lead to the same state: those in which operations that depend on each other come alike.

The happens-before graph of a prefix is its name: Mazurkiewicz, "Trace theory", 1987; M. Musuvathi and S. Qadeer,
"Partial-order reduction for context-bounded state exploration", Microsoft Research MSR-TR-2007-12, where such graphs
stand for states.  Each operation is known by the one before it of the same actor, by the last write to each
place it touches, and, if it writes, by the reads since then.  So the latest operation of each actor tells all
that has happened before, and objects need no names.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lab.carriers.actor import Actor, Event, Place
from lab.strategies.reversals import names_of
from lab.virtual.threads import IS_ALIVE, WHO_IS_ALIVE

_ASK_FOR_ENDS = (IS_ALIVE, WHO_IS_ALIVE)


class Histories:
    """Numbers for histories, the same number for the same one in every execution."""

    def __init__(self) -> None:
        self._numbers: dict[object, int] = {}

    def number(self, history: object) -> int:
        """Of a history, or of anything else that can be compared."""
        return self._numbers.setdefault(history, len(self._numbers))


class History:
    """What has happened in one execution so far."""

    def __init__(self, histories: Histories) -> None:
        self._histories = histories
        self._taken = 0  # events
        self._latest: dict[int, int] = {}  # actor index -> its history
        self._written: dict[Place, int] = {}  # place -> the history of the last write
        self._read: dict[Place, set[int]] = {}  # place -> those of the reads since then

    def take_in(self, events: Sequence[Event], actors: Sequence[Actor]) -> None:
        """Learn of the events that are new."""
        if self._taken == len(events) and len(self._latest) == len(actors):
            return
        for event in events[self._taken :]:
            self._happen(event, actors)
        self._taken = len(events)
        for actor in actors:
            self._of(actor, actors)

    def last(self) -> tuple[int, ...]:
        """The name of what has happened where nothing more will."""
        return tuple(sorted(self._latest.values()))

    def key(self, actors: Sequence[Actor]) -> tuple[int, ...]:
        """The name of what has happened, and of what each actor has come to since."""
        number = self._histories.number
        return tuple(
            sorted(
                number((self._latest[one.index], one.site, one.wait.kind if one.wait is not None else ""))
                for one in actors
            )
        )

    def _of(self, actor: Actor, actors: Sequence[Actor]) -> int:
        known = self._latest.get(actor.index)
        if known is None:
            beginning: Any = actor.index
            if actor.parent is not None:  # a thread begins after what its parent did before
                beginning = (self._of(actor.parent, actors), names_of(actors)[actor.index])
            known = self._latest[actor.index] = self._histories.number(("begins", beginning))
        return known

    def _happen(self, event: Event, actors: Sequence[Actor]) -> None:
        actor, place, write, more, kind, _, _, site = event
        places = [] if place is None else [(place, write), *more]
        seen = []
        for there, writes in places:
            reads = frozenset(self._read.get(there, ())) if writes else None
            seen.append((writes, self._written.get(there, -1), reads))
        ended: Any = None
        if kind in _ASK_FOR_ENDS:  # to end is no operation of its own
            ended = frozenset(self._of(one, actors) for one in actors if one.finished and one is not actor)
        history = self._histories.number((self._of(actor, actors), site, kind, tuple(seen), ended))
        self._latest[actor.index] = history
        for there, writes in places:
            if writes:
                self._written[there] = history
                self._read.pop(there, None)
        for there, writes in places:
            if not writes:
                self._read.setdefault(there, set()).add(history)


def clockwork(control: Any) -> object:
    """What the engine knows of time, on which it depends whose time is up next."""
    if not (control.timers or control.clock_reads or control.passed_over):
        return None
    waits = sorted(
        (actor.index, actor.wait.deadline - control.now)
        for actor in control.live
        if actor.wait is not None and actor.wait.deadline is not None
    )
    passed = sorted(
        (actor.index, control.now - since, times)
        for actor, (chosen_at, since, times) in control.passed_over.items()
        if actor.index not in control.choices[chosen_at:]
    )
    starving = control.starving.index if control.starving is not None else 0
    read = (control.clock_reads, control.now) if control.clock_reads else None
    return read, tuple(waits), tuple(passed), starving
