"""Happens-before over the stretches of one execution, and the pairs of them whose order could be the other one."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence

from lab.carriers.actor import Actor
from lab.carriers.stretch import Stretch
from lab.operations import SYNC


class StretchRaces:
    """The reversible races of one execution: as in `lab.strategies.races`, with two differences.

    Who made a callback ready comes before it, and is nobody's rival.  A stretch that begins by taking a lock is no
    rival of one that used the lock while it could not be taken: all that could have given it back comes after that.
    """

    def __init__(self, actors: Sequence[Actor]) -> None:
        width = len(actors)
        self._width = width
        self._stretches: list[Stretch] = []
        self._numbers: list[int] = []  # of each stretch among its actor's own, from 1
        self._clocks: list[list[int]] = []  # of each stretch, vectors by actor index
        self._now: list[list[int]] = [[0] * width for _ in range(width)]  # of each actor
        self._own: list[list[int]] = [[] for _ in range(width)]  # positions of each actor's stretches
        self._at: dict[tuple[int, object], list[int]] = {}  # at a lock: the positions of all that used it
        self._latest: dict[tuple[int, object], dict[int, int]] = {}  # elsewhere: each actor's latest read and write
        self._written: dict[tuple[int, object], int] = {}  # the position of the latest write, after all before it
        self._read: dict[tuple[int, object], list[int]] = {}  # the clocks of the reads since then, joined
        self._children = sorted((actor for actor in actors if actor.parent is not None), key=lambda one: one.born)
        self._inherited = 0

    def of(
        self, stretches: Sequence[Stretch], since: int, untaken: Sequence[Stretch]
    ) -> Iterator[tuple[int, list[int]]]:
        """Position of the earlier stretch of each race, and who could go first there instead.

        Only for later stretches from position ``since``, and for those that could have been taken and were not.
        """
        for position, stretch in enumerate(stretches):
            self._inherit(position)
            if position >= since:
                yield from self._races(stretch, position)
            self._happen(stretch, position)
        self._inherit(len(stretches))
        for stretch in untaken:
            yield from self._races(stretch, len(stretches))

    def _races(self, stretch: Stretch, position: int) -> Iterator[tuple[int, list[int]]]:
        covered = self._now[stretch.actor.index].copy()
        if stretch.cause >= 0:
            _join(covered, self._clocks[stretch.cause])
        for earlier in self._candidates(stretch, covered):
            before = self._stretches[earlier]
            if covered[before.actor.index] >= self._numbers[earlier]:
                continue
            if stretch.lock is not None and stretch.lock in before.locked and before.uses(stretch.lock):
                continue
            yield earlier, self._initials(earlier, position, stretch)
            if stretch.lock is None or before.lock == stretch.lock:
                _join(covered, self._clocks[earlier])

    # ------------------------------------------------------------ clocks

    def _inherit(self, position: int) -> None:
        """Tasks that were made before ``position`` begin after all that their parent did."""
        while self._inherited < len(self._children) and self._children[self._inherited].born <= position:
            child = self._children[self._inherited]
            assert child.parent is not None
            _join(self._now[child.index], self._now[child.parent.index])
            self._inherited += 1

    def _happen(self, stretch: Stretch, position: int) -> None:
        index = stretch.actor.index
        now = self._now[index]
        self._depend(now, stretch)
        own = self._own[index]
        own.append(position)
        now[index] = len(own)
        clock = now.copy()  # never changed again
        self._stretches.append(stretch)
        self._numbers.append(len(own))
        self._clocks.append(clock)
        for place, write in stretch.touched.items():
            if place[1] == SYNC:
                self._at.setdefault(place, []).append(position)
            else:
                self._latest.setdefault(place, {})[2 * index + write] = position
            if write:
                self._written[place] = position
                self._read.pop(place, None)
            elif place in self._read:
                joined = self._read[place] = self._read[place].copy()
                _join(joined, clock)
            else:
                self._read[place] = clock

    def _depend(self, clock: list[int], stretch: Stretch) -> None:
        """Put ``stretch`` after all that it depends on."""
        for place, write in stretch.touched.items():
            at = self._written.get(place, -1)
            if at >= 0 and clock[self._stretches[at].actor.index] < self._numbers[at]:  # else it knows all of that
                _join(clock, self._clocks[at])
            if write and place in self._read:
                _join(clock, self._read[place])

    # ------------------------------------------------------------ races

    def _candidates(self, stretch: Stretch, covered: list[int]) -> list[int]:
        """Positions of earlier stretches that this one depends on and that are not ``covered``, the latest first.

        At a lock everything comes in one order: all that is before one that is covered is covered.
        """
        found: set[int] = set()
        for place, write in stretch.touched.items():
            if place[1] == SYNC:
                for position in reversed(self._at.get(place, ())):
                    if covered[self._stretches[position].actor.index] >= self._numbers[position]:
                        break
                    found.add(position)
            else:
                for who, position in self._latest.get(place, {}).items():
                    if (write or who & 1) and covered[who >> 1] < self._numbers[position]:
                        found.add(position)
        return sorted(found, reverse=True)

    def _initials(self, earlier: int, position: int, stretch: Stretch) -> list[int]:
        """Who can go first among what does not happen after ``earlier``, ``stretch`` included."""
        other = self._stretches[earlier].actor.index
        number = self._numbers[earlier]
        firsts: list[tuple[int, int]] = []  # (position, actor)
        for actor in range(self._width):
            own = self._own[actor]
            at = bisect_right(own, earlier)
            if at < len(own) and self._clocks[own[at]][other] < number:
                firsts.append((own[at], actor))
            elif actor == stretch.actor.index and at >= len(own):
                firsts.append((position, actor))
        firsts.sort()
        initials: list[int] = []
        for at, actor in firsts:
            if at < position:
                clock = self._clocks[at]
            else:  # it has not happened yet
                clock = self._now[actor].copy()
                self._depend(clock, stretch)
            if all(clock[who] < self._numbers[where] for where, who in firsts if where < at and who != actor):
                initials.append(actor)
        return initials


def _join(clock: list[int], other: list[int]) -> None:
    for index, count in enumerate(other):
        if count > clock[index]:
            clock[index] = count
