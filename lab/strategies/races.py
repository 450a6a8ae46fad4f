"""Happens-before along a path of operations, and the pairs of operations whose order could be the other one."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Sequence

from lab.carriers.actor import Actor, Event, Place, event_of
from lab.instrument import Site
from lab.operations import SYNC
from lab.strategies.reversals import Reversal
from lab.virtual.readiness import TELLING

Race = tuple[int, int, Event]
"""Positions of the earlier and the later operation, and the later one, which may not have happened."""


class Spot:
    """A place, under a name that is the same in every execution, and who has touched it: positions in their order."""

    __slots__ = ("all", "by", "sync")

    def __init__(self, sync: bool) -> None:
        self.sync = sync  # a lock or the like: all operations there are writes
        self.all: list[int] = []  # at a lock or the like
        self.by: dict[int, list[int]] = {}  # elsewhere: each actor's reads (twice its index) and writes (and one more)

    def entries(self, index: int, write: bool) -> list[int]:
        """Where an operation of the actor ``index`` is to be entered."""
        if self.sync:
            return self.all
        who = 2 * index + write
        found = self.by.get(who)
        if found is None:
            found = self.by[who] = []
        return found


_Known = tuple[str, Site | None, list[Spot], list[list[int]], int]
"""Of an event: its kind, its site, where it took place, in which lists it was entered there, how many spots there were
before."""


class Races:
    """The reversible races of one execution after the other: source sets are built from them.

    Abdulla, Aronis, Jonsson and Sagonas, "Source Sets: A Foundation for Optimal
    Dynamic Partial Order Reduction", JACM 2017, definitions 3.3 and 4.3.  Clocks are
    vectors by actor index.  All operations on one lock, queue or the like depend on
    each other; who had to wait for an operation does not race with it.

    An execution has the operations of the one before up to a decision; what is known of
    those stays known, so only the operations after it are looked at.
    """

    def __init__(self, was_enabled: Callable[[int, int], bool], was_ready: Callable[[int, Event], bool | None]) -> None:
        self._was_enabled = was_enabled  # event position, actor index -> could the actor have gone on there?
        self._was_ready = was_ready  # event position, operation -> need it not have waited there? None: nobody knows
        self._actors: list[int] = []  # of each event: whose it is,
        self._numbers: list[int] = []  # the how manieth of this actor, from 1,
        self._clocks: list[list[int]] = []  # its clock, which never changes,
        self._events: list[_Known] = []
        self._spots: list[Spot] = []
        self._own: list[list[int]] = []  # positions of each actor's events
        self._names: dict[Place, Spot] = {}  # in this execution: what is at which place
        self._all: Sequence[Actor] = ()  # of this execution

    def back_to(self, position: int) -> None:
        """Forget the events from ``position`` on: the next execution has others there."""
        if position >= len(self._actors):
            return
        for at in range(len(self._actors) - 1, position - 1, -1):
            self._own[self._actors[at]].pop()
            for entries in self._events[at][3]:
                entries.pop()
        del self._spots[self._events[position][4] :]
        del self._actors[position:], self._numbers[position:], self._clocks[position:], self._events[position:]

    def of(
        self,
        actors: Sequence[Actor],
        events: Sequence[Event],
        live: Sequence[Actor],
        cut_off: Sequence[tuple[Actor, int]] = (),
    ) -> list[Race] | None:
        """The races of the events that were not known, in the order of the later operation.

        What ``live`` actors had come to and not done when the execution ended counts as done.  What one that is
        ``cut_off`` had come to could have been done before the event that ended it.
        None if one of the known events was another one this time.
        """
        since = len(self._actors)
        more = len(actors) - len(self._own)
        if more > 0:
            self._own += [[] for _ in range(more)]
            for clock in self._clocks:
                clock += [0] * more
        self._all = actors
        named = self._find_names(events)
        if named is None:
            return None
        found: list[Race] = []
        if not named:
            self.back_to(0)
            self._names = {}
            for position in range(since):
                self._happen(events[position], position, [])
        for position in range(since, len(events)):
            self._happen(events[position], position, found)
        for actor in live:
            if actor.place is not None and not actor.finished:
                event = _coming(actor)
                places = (actor.place, *(place for place, _ in event[3]))
                spots = [self._names.get(place) or Spot(False) for place in places]
                self._meet(event, spots, len(events), self._clock(actor), found)
        for actor, position in cut_off:
            if since <= position < len(events) and actor.place is not None:
                found.append((position, len(events), _coming(actor)))
        return found

    def actor_at(self, position: int) -> int:
        """Whose the event there is."""
        return self._actors[position]

    def _find_names(self, events: Sequence[Event]) -> bool | None:
        """Learn which spot is at which place in this execution, where objects have other ids.

        False if not each place is where one was before: an id can be used again, for another object.
        None if not all known events have come again.
        """
        names = self._names = {}
        if len(events) < len(self._events):
            return None
        same = True
        for event, index, (_, site, spots, _, _) in zip(events, self._actors, self._events, strict=False):
            if event[7] is not site or event[0].index != index:
                return None
            if not spots:
                continue
            if event[3]:
                same = same and len(event[3]) == len(spots) - 1
                for (place, _), spot in zip(event[3], spots[1:], strict=False):
                    same = names.setdefault(place, spot) is spot and same
            if names.setdefault(event[1], spots[0]) is not spots[0]:  # type: ignore[arg-type]
                same = False
        return same and len(names) == len(self._spots)

    def _spots_of(self, event: Event) -> list[Spot]:
        """Where an event takes place."""
        found = []
        for place in (event[1], *(place for place, _ in event[3])):
            if place is not None:
                spot = self._names.get(place)
                if spot is None:
                    spot = self._names[place] = Spot(place[1] == SYNC)
                    self._spots.append(spot)
                found.append(spot)
        return found

    # ------------------------------------------------------------ clocks

    def _clock(self, actor: Actor) -> list[int]:
        """What is known to have happened before the next operation of ``actor``, by itself."""
        own = self._own[actor.index]
        return self._clocks[own[-1]].copy() if own else self._beginning(actor)

    def _beginning(self, actor: Actor) -> list[int]:
        """A thread begins after all that its parent did before it started it."""
        if actor.parent is None:
            return [0] * len(self._own)
        before = self._own[actor.parent.index]
        at = bisect_left(before, actor.born)
        return self._clocks[before[at - 1]].copy() if at else self._beginning(actor.parent)

    def _happen(self, event: Event, position: int, found: list[Race]) -> None:
        """Append an event; the races in which it is the later one go to ``found``."""
        actor, place, write, more, kind, _, _, site = event
        index = actor.index
        own = self._own[index]
        clock = self._clocks[own[-1]].copy() if own else self._beginning(actor)
        before = len(self._spots)
        spot = None if more else self._names.get(place)  # type: ignore[arg-type]
        spots = self._spots_of(event) if spot is None else [spot]
        self._meet(event, spots, position, clock, found)
        if kind == "join" and place is not None:
            ended = next((one for one in self._all if one.thread is not None and id(one.thread) == place[0]), None)
            if ended is not None:
                _join(clock, self._clock(ended))
        own.append(position)
        clock[index] = len(own)  # complete, and never changed again
        self._actors.append(index)
        self._numbers.append(len(own))
        self._clocks.append(clock)
        if more:
            writes = (write, *(written for _, written in more))
            entries = [spot.entries(index, wrote) for spot, wrote in zip(spots, writes, strict=True)]
        else:
            entries = [spot.entries(index, write) for spot in spots]
        for entry in entries:
            entry.append(position)
        self._events.append((kind, site, spots, entries, before))

    # ------------------------------------------------------------ races

    def _meet(self, event: Event, spots: list[Spot], position: int, clock: list[int], found: list[Race]) -> None:
        """Put ``event`` after all that it depends on, and find the races with it."""
        candidates = self._candidates(event, spots, clock)
        if not candidates:
            return
        numbers, actors, clocks = self._numbers, self._actors, self._clocks
        if event[5]:
            races = self._reversible(event, candidates, clock.copy())
            for earlier in candidates:
                if clock[actors[earlier]] < numbers[earlier]:
                    _join(clock, clocks[earlier])
        else:
            races = []
            for earlier in candidates:
                if clock[actors[earlier]] < numbers[earlier]:
                    races.append(earlier)
                    _join(clock, clocks[earlier])
        for earlier in races:
            found.append((earlier, position, event))

    def _candidates(self, event: Event, spots: list[Spot], clock: list[int]) -> list[int]:
        """Positions of earlier operations that ``event`` depends on and does not know of, the latest first.

        At a lock everything comes in one order: all that is before an operation that is known is known.  Elsewhere, the
        last one of each actor is enough for an operation that has not to wait.
        """
        numbers = self._numbers
        found: list[int] = []
        write = event[2]
        for number, spot in enumerate(spots):
            if number:
                write = event[3][number - 1][1]
            if spot.sync:
                for at in reversed(spot.all):
                    if clock[self._actors[at]] >= numbers[at]:
                        break
                    found.append(at)
            else:
                for who, positions in spot.by.items():
                    if not (write or who & 1):
                        continue
                    for at in reversed(positions):
                        if clock[who >> 1] >= numbers[at]:
                            break
                        found.append(at)
                        if not event[5]:
                            break  # those before come before it in any case, while who waits could not go on later
        if len(found) > 1:
            found.sort(reverse=True)
        return found

    def _reversible(self, event: Event, candidates: list[int], covered: list[int]) -> list[int]:
        """Those of ``candidates`` that race with an operation that may have had to wait."""
        actor, _, _, _, kind, _, timed, _ = event
        own = self._own[actor.index]
        previous = own[-1] if own else actor.born - 1
        races = []
        for earlier in candidates:
            if covered[self._actors[earlier]] >= self._numbers[earlier]:
                continue
            certain = True
            before = self._events[earlier][0]
            if previous < earlier:  # it waited there already
                if not self._was_enabled(earlier, actor.index):
                    if kind != "any of" or not self._has_another(earlier, candidates):
                        continue
                    certain = False
            elif timed:
                certain = False
            elif kind == "join":
                continue
            else:
                ready = self._was_ready(earlier, event)
                if ready is None and kind == "lock":
                    ready = TELLING.get(before)
                if ready is False:
                    continue
                certain = ready is True
            races.append(earlier)
            if certain:
                _join(covered, self._clocks[earlier])
        return races

    def _has_another(self, one: int, candidates: list[int]) -> bool:
        """Whether another of ``candidates``, in any order with the ``one``, may be what somebody waits for as well."""
        return any(
            other != one
            and self._actors[other] != self._actors[one]
            and not self.precedes(min(one, other), max(one, other))
            for other in candidates
        )

    def at(self, place: Place) -> Sequence[int]:
        """Positions of the operations of this execution on a lock or the like."""
        spot = self._names.get(place)
        return () if spot is None else spot.all

    def precedes(self, earlier: int, later: int) -> bool:
        """Whether one operation happens before another one, of another actor."""
        return self._clocks[later][self._actors[earlier]] >= self._numbers[earlier]

    def reversal(self, race: Race) -> Reversal:
        """What has to come first for a race of this execution to come out the other way round."""
        earlier, position, later = race
        return Reversal(earlier, position, later, self._own, self.precedes)


def _coming(actor: Actor) -> Event:
    """What an actor had come to."""
    wait = actor.wait
    if wait is None:
        return event_of(actor, "")
    return event_of(actor, wait.kind, True, wait.deadline is not None)


def _join(clock: list[int], other: list[int]) -> None:
    for index, count in enumerate(other):
        if count > clock[index]:
            clock[index] = count
