"""Every order of the blocks of a witness, under a global interpreter lock.

Actors run in turn.  One that runs goes on to the end of its block (see `lab.detectors.realizable`), unless it comes to
a lock that another one holds: then it waits, and others go on.  So whether somebody has to wait for a lock is no
matter of opinion: it takes a holder that was interrupted, or that waits itself, while it holds the lock.  All that can
happen is tried; what has been tried from where all actors stand is remembered (a search in depth, with memory), which
keeps it small: what counts is how far each actor is, not how it got there.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from lab.carriers.actor import Places

MOST_STATES = 4_000
"""So many ways in which the actors can stand are looked at."""


@dataclass(frozen=True)
class Moment:
    """One step as the grade needs it.

    ``surely`` says whether the actor has passed a switch point since its previous step, ``maybe`` names
    something on the way that may be one; ``after`` are the numbers of earlier steps of other actors that
    had to come before for another reason than their places.  A step that takes a lock has as ``held`` the
    numbers of the steps between which other actors had it before, the last one at the end: who comes meanwhile
    has to wait, lets others go on before the step, and after it as well, as it is given the lock before it runs again.
    """

    actor: str
    where: str  # file and line
    places: Places
    surely: bool
    maybe: str = ""
    after: tuple[int, ...] = ()
    held: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True)
class _State:
    """How far everybody is."""

    taken: tuple[int, ...]  # steps of each actor
    running: int | None = None  # who is inside of a block
    waited: frozenset[int] = frozenset()  # who has had to wait for the lock that its next step takes


def some_order(moments: Sequence[Moment], maybe: bool) -> bool | None:
    """Whether some order keeps every block in one piece, and steps on the same place as they were.

    ``maybe`` takes doubtful switch points for some.  None if there is too much to try.
    """
    names = list(dict.fromkeys(moment.actor for moment in moments))
    orders = _Orders(moments, [[at for at, one in enumerate(moments) if one.actor == name] for name in names], maybe)
    begin = _State((0,) * len(names))
    seen, left = {begin}, [begin]
    while left:
        state = left.pop()
        if sum(state.taken) == len(moments):
            return True
        for following in orders.after(state):
            if following not in seen:
                if len(seen) >= MOST_STATES:
                    return None
                seen.add(following)
                left.append(following)
    return False


class _Orders:
    def __init__(self, moments: Sequence[Moment], own: Sequence[Sequence[int]], maybe: bool) -> None:
        self._moments = moments
        self._own = own  # the numbers of each actor's steps
        self._maybe = maybe
        self._earlier = earlier_steps(moments)
        self._position = {number: (who, at) for who, steps in enumerate(own) for at, number in enumerate(steps)}

    def after(self, state: _State) -> Iterator[_State]:
        """What can come next."""
        for who in range(len(self._own)) if state.running is None else (state.running,):
            at = state.taken[who]
            if at == len(self._own[who]):
                continue
            moment = self._moments[self._own[who][at]]
            has_waited = who in state.waited
            if all(self._is_taken(one, state) for one in self._earlier[self._own[who][at]]):
                yield self._step(state, who, has_waited)
            elif not has_waited and any(
                self._is_taken(taken, state) and not self._is_taken(given_back, state)
                for taken, given_back in moment.held
            ):
                yield _State(state.taken, None, state.waited | {who})

    def _is_taken(self, number: int, state: _State) -> bool:
        who, at = self._position[number]
        return at < state.taken[who]

    def _step(self, state: _State, who: int, has_waited: bool) -> _State:
        at = state.taken[who] + 1
        taken = (*state.taken[:who], at, *state.taken[who + 1 :])
        inside = at < len(self._own[who]) and not has_waited and not self._passes(self._own[who][at])
        return _State(taken, who if inside else None, state.waited - {who})

    def _passes(self, number: int) -> bool:
        """Whether there is a switch point before the step."""
        moment = self._moments[number]
        return moment.surely or (self._maybe and bool(moment.maybe))


def earlier_steps(moments: Sequence[Moment]) -> list[set[int]]:
    """For each step the others that have to come before; where it is clear from others, some are left out."""
    found: list[set[int]] = []
    writes: dict[object, int] = {}
    reads: dict[object, list[int]] = {}
    for number, moment in enumerate(moments):
        earlier = set(moment.after)
        for place, write in moment.places:
            if place in writes:
                earlier.add(writes[place])
            if write:
                earlier.update(reads.pop(place, ()))
                writes[place] = number
            else:
                reads.setdefault(place, []).append(number)
        found.append(earlier - {number})
    return found
