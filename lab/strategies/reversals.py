"""What has to happen first so that a race comes out the other way round."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Sequence
from typing import TypeAlias

from lab.carriers.actor import Actor, Event, Place, Places, conflict_of

Name: TypeAlias = "int | tuple[Name, int]"
"""An actor's, the same in every schedule: its index, or for a thread that the program starts, its parent's and which of
its parent's threads it is.  Indices of such threads depend on who starts the first one."""


def names_of(actors: Sequence[Actor]) -> list[Name]:
    """The name of each actor of an execution, by index."""
    names: list[Name] = []
    children: dict[int, int] = {}
    for actor in actors:
        if actor.parent is None:
            names.append(actor.index)
        else:
            parent = actor.parent.index
            children[parent] = number = children.get(parent, 0) + 1
            names.append((names[parent], number))
    return names


class Reversal:
    """The operations of an execution that do not happen after the earlier one of a race, and then the later one.

    In the paper v = notdep(e, E).e', where E ends with the later operation e'.  Operations are told by their positions;
    one that was still to come when the execution ended has the position after the last one.
    """

    __slots__ = ("_earlier", "_firsts", "_later", "_own", "_position", "_precedes")

    def __init__(
        self,
        earlier: int,
        position: int,
        later: Event,
        own: Sequence[list[int]],
        precedes: Callable[[int, int], bool],
    ) -> None:
        self._earlier = earlier
        self._position = position
        self._later = later
        self._own = own  # positions of each actor's operations
        self._precedes = precedes  # whether the one at the first position happens before the one at the second
        firsts: dict[int, int] = {}
        for index, positions in enumerate(own):
            if positions and positions[-1] > earlier:
                first = positions[bisect_right(positions, earlier)]
                if first < position and not precedes(earlier, first):
                    firsts[index] = first
        firsts.setdefault(later[0].index, position)
        self._firsts = firsts  # actor index -> the position of its first operation

    def initials(self, events: Sequence[Event]) -> list[int]:
        """The actors with which all that can as well begin."""
        firsts = self._firsts
        if len(firsts) == 1:
            return list(firsts)
        return [
            index
            for index, first in firsts.items()
            if not (
                self._is_hindered(index, events)
                if first == self._position
                else any(other < first and self._precedes(other, first) for other in firsts.values())
            )
        ]

    def sequence(self) -> list[int]:
        """Whose the operations are, in an order in which they can happen."""
        if len(self._firsts) == 1:
            index = self._later[0].index
            return [index] * len(self._part(index))
        parts = [(at, index) for index in self._firsts for at in self._part(index)]
        parts.sort()
        return [index for _, index in parts]

    def is_vain(self, events: Sequence[Event], others: Iterable[int], at: Callable[[Place], Sequence[int]]) -> bool:
        """Whether nobody could go on after the later operation, and what it comes after, but those of ``others`` who
        can as well go first.

        Then all that begins like this is covered where they go first.  Told only where all wait for locks; ``at``
        gives the positions of the operations on one.  The execution has to be complete.
        """
        if self._later[4] != "lock" or self._later[6] or self._position >= len(events):
            return False
        needed = self._needed(events)
        places = [_places(events[one]) for one in needed]
        free = 0
        others = set(others)
        for index, own in enumerate(self._own):
            first = following = bisect_left(own, self._earlier)
            while following < len(own) and own[following] in needed:
                following += 1
            if following == len(own):
                continue  # it has nothing left to do
            event = events[own[following]]
            goes_first = index in others and following == first
            if goes_first and not any(conflict_of(_places(event), one) for one in places):
                free += 1
                continue
            if event[4] != "lock" or event[6] or not self._is_held(event[1], needed, events, at):
                return False
        return free > 0

    def _needed(self, events: Sequence[Event]) -> set[int]:
        """The positions of the later operation and of all that it happens after."""
        needed = {self._position}
        for before in sorted((one for index in self._firsts for one in self._part(index)), reverse=True):
            if before not in needed:
                event = events[before]
                if any(
                    event[0] is events[one][0]
                    or (one == self._position and self._depends_on(before, event))
                    or (one != self._position and self._precedes(before, one))
                    for one in needed
                    if one > before
                ):
                    needed.add(before)
        return needed

    def _is_held(
        self, lock: Place | None, needed: set[int], events: Sequence[Event], at: Callable[[Place], Sequence[int]]
    ) -> bool:
        """Whether somebody has a lock after what is needed; false if that is not known."""
        if lock is None:
            return False
        for used in reversed(at(lock)):
            if used < self._earlier or used in needed:
                return events[used][4] in ("lock", "condition")
        return False

    def _part(self, index: int) -> list[int]:
        """The positions of an actor's operations."""
        own, first = self._own[index], self._firsts[index]
        last = first = bisect_right(own, self._earlier)
        while last < len(own) and own[last] < self._position and not self._precedes(self._earlier, own[last]):
            last += 1
        part = own[first:last]
        return [*part, self._position] if index == self._later[0].index else part

    def _is_hindered(self, index: int, events: Sequence[Event]) -> bool:
        """Whether the later operation depends on one of another actor, leaving what is between out of account."""
        return any(
            self._depends_on(at, events[at]) for other in self._firsts if other != index for at in self._part(other)
        )

    def _depends_on(self, at: int, before: Event) -> bool:
        actor, place, _, _, kind, *_ = self._later
        if kind == "join" and place is not None:
            thread = before[0].thread
            return thread is not None and id(thread) == place[0]
        if actor.parent is before[0] and at < actor.born:
            return True
        return conflict_of(_places(self._later), _places(before))


def _places(event: Event) -> Places:
    return ((event[1], event[2]), *event[3]) if event[1] is not None else ()
