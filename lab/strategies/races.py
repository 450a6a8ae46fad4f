"""Happens-before over one execution, and the pairs of operations whose order could be the other one."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence

from lab.carriers.actor import Actor, Event, Place
from lab.operations import SYNC

_RELEASING = ("releases", "waits")  # operations after which a lock can be taken that could not be before


class Races:
    """The reversible races of one execution: source sets are built from them.

    Abdulla, Aronis, Jonsson and Sagonas, "Source Sets: A Foundation for Optimal
    Dynamic Partial Order Reduction", JACM 2017, definitions 3.3 and 4.3.  Clocks are
    vectors by actor index.  All operations on one lock, queue or the like depend on
    each other; who had to wait for an operation does not race with it.
    """

    def __init__(self, actors: Sequence[Actor], was_enabled: Callable[[int, int], bool]) -> None:
        self._was_enabled = was_enabled  # event position, actor index -> could the actor have gone on there?
        width = len(actors)
        self._width = width
        self._events: list[Event] = []
        self._numbers: list[int] = []  # of each event among its actor's own, from 1
        self._clocks: list[list[int]] = []  # of each event
        self._now: list[list[int]] = [[0] * width for _ in range(width)]  # of each actor
        self._own: list[list[int]] = [[] for _ in range(width)]  # positions of each actor's events
        self._at: dict[Place, list[int]] = {}  # at a lock or the like: the positions of all operations
        self._latest: dict[Place, dict[int, int]] = {}  # elsewhere: of each actor's latest read and write
        self._written: dict[Place, int] = {}  # the position of the latest write, after all before it
        self._read: dict[Place, list[int]] = {}  # the clocks of the reads since then, joined
        self._children = sorted((actor for actor in actors if actor.parent is not None), key=lambda one: one.born)
        self._threads = {id(actor.thread): actor.index for actor in actors if actor.thread is not None}
        self._inherited = 0

    def of(self, events: Sequence[Event], since: int, live: Sequence[Actor]) -> Iterator[tuple[int, list[int], int]]:
        """Position of the earlier operation of each race, who could go first there instead, and whose the later one is.

        Only for later operations from position ``since``; what ``live`` actors had come
        to and not done when the execution ended counts as done.
        """
        for position, event in enumerate(events):
            self._inherit(position)
            if position >= since:
                yield from self._races(event, position)
            self._happen(event, position)
        self._inherit(len(events))
        for actor in live:
            if actor.place is not None and not actor.finished:
                yield from self._races(_coming(actor), len(events))

    # ------------------------------------------------------------ clocks

    def _inherit(self, position: int) -> None:
        """Threads that were started before ``position`` begin after all that their parent did."""
        while self._inherited < len(self._children) and self._children[self._inherited].born <= position:
            child = self._children[self._inherited]
            assert child.parent is not None
            _join(self._now[child.index], self._now[child.parent.index])
            self._inherited += 1

    def _happen(self, event: Event, position: int) -> None:
        index = event.actor.index
        now = self._now[index]
        written, read = self._written, self._read
        self._depend(now, event)
        if event.kind == "join":
            ended = self._threads.get(event.places[0][0][0])
            if ended is not None:
                _join(now, self._now[ended])
        own = self._own[index]
        own.append(position)
        now[index] = len(own)
        clock = now.copy()  # never changed again
        self._events.append(event)
        self._numbers.append(len(own))
        self._clocks.append(clock)
        for place, write in event.places:
            if place[1] == SYNC:
                self._at.setdefault(place, []).append(position)
            else:
                self._latest.setdefault(place, {})[2 * index + write] = position
            if write:
                written[place] = position
                read.pop(place, None)
            elif place in read:
                joined = read[place] = read[place].copy()
                _join(joined, clock)
            else:
                read[place] = clock

    def _depend(self, clock: list[int], event: Event) -> None:
        """Put ``event`` after all that it depends on."""
        for place, write in event.places:
            at = self._written.get(place, -1)
            if at >= 0 and clock[self._events[at].actor.index] < self._numbers[at]:  # else it knows all of that
                _join(clock, self._clocks[at])
            if write and place in self._read:
                _join(clock, self._read[place])

    # ------------------------------------------------------------ races

    def _races(self, event: Event, position: int) -> Iterator[tuple[int, list[int], int]]:
        index = event.actor.index
        covered = self._now[index].copy()
        own = self._own[index]
        previous = own[-1] if own else event.actor.born - 1
        for earlier in self._candidates(event, covered):
            other = self._events[earlier].actor.index
            if covered[other] >= self._numbers[earlier]:
                continue
            certain = True
            if event.blocking:
                kind = self._events[earlier].kind
                if previous < earlier:  # it waited there already
                    if not self._was_enabled(earlier, index):
                        continue
                elif event.timed:
                    certain = False
                elif event.kind == "join" or (event.kind == "lock" and kind in _RELEASING):
                    continue
                else:  # who took a lock found it free
                    certain = event.kind == kind == "lock"
            yield earlier, self._initials(earlier, position, event), index
            if certain:
                _join(covered, self._clocks[earlier])

    def _candidates(self, event: Event, covered: list[int]) -> list[int]:
        """Positions of earlier operations that ``event`` depends on and that are not ``covered``, the latest first.

        At a lock everything comes in one order: all that is before a covered operation is covered.
        """
        found: list[int] = []
        for place, write in event.places:
            if place[1] == SYNC:
                for position in reversed(self._at.get(place, ())):
                    if covered[self._events[position].actor.index] >= self._numbers[position]:
                        break
                    found.append(position)
            else:
                for who, position in self._latest.get(place, {}).items():
                    if (write or who & 1) and covered[who >> 1] < self._numbers[position]:
                        found.append(position)
        found.sort(reverse=True)
        return found

    def _initials(self, earlier: int, position: int, event: Event) -> list[int]:
        """Who can go first among what does not happen after ``earlier``, ``event`` included."""
        other = self._events[earlier].actor.index
        number = self._numbers[earlier]
        firsts: list[tuple[int, int]] = []  # (position, actor)
        for actor in range(self._width):
            own = self._own[actor]
            at = bisect_right(own, earlier)
            if at < len(own) and self._clocks[own[at]][other] < number:
                firsts.append((own[at], actor))
            elif actor == event.actor.index and at >= len(own):
                firsts.append((position, actor))
        firsts.sort()
        initials: list[int] = []
        for at, actor in firsts:
            if at < position:
                clock = self._clocks[at]
            else:  # it has not happened yet
                clock = self._now[actor].copy()
                self._depend(clock, event)
            if all(clock[who] < self._numbers[where] for where, who in firsts if where < at and who != actor):
                initials.append(actor)
        return initials


def _coming(actor: Actor) -> Event:
    """What an actor had come to."""
    wait = actor.wait
    if wait is None:
        return Event(actor, "")
    return Event(actor, wait.kind, True, wait.deadline is not None)


def _join(clock: list[int], other: list[int]) -> None:
    for index, count in enumerate(other):
        if count > clock[index]:
            clock[index] = count
