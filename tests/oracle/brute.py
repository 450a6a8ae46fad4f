"""Runs every raw interleaving of a program, and counts those that differ.

Two interleavings belong to one Mazurkiewicz class when one can be turned into the
other by swapping neighbouring steps that do not depend on each other.  Steps depend
on each other when they are of one actor, or touch the same object and one of them
writes; starting a child comes before its first step, joining it after its last.  An
execution that an exception or a standstill cuts short is a class like any other: the
steps taken until then, so there can be many classes that differ only in how far
others had come.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from .language import Program
from .model import DEADLOCK, EXCEPTION, Event, Machine

LIMIT = 3_000  # raw interleavings; more take too long for a test of many programs


class TooMany(Exception):
    """A program with more raw interleavings than are wanted."""


@dataclass(frozen=True)
class Answer:
    """What is true of a program, whoever explores it."""

    outcomes: frozenset
    raw: int
    classes: int

    @property
    def fails(self) -> bool:
        """Whether some schedule ends with an exception, a deadlock or a lost wakeup."""
        return not self.outcomes.isdisjoint((DEADLOCK, EXCEPTION))


def every(program: Program, limit: int = LIMIT) -> Answer:
    """Run all raw interleavings; raises TooMany past ``limit``."""
    outcomes, classes, raw = set(), set(), 0
    for events, result in interleavings(program):
        raw += 1
        if raw > limit:
            raise TooMany
        outcomes.add(result)
        classes.add(foata(events))
    return Answer(frozenset(outcomes), raw, len(classes))


def interleavings(program: Program) -> Iterator[tuple[list[Event], object]]:
    """The steps and the result of every raw interleaving; the list is only good until the next one.

    Every one is walked from its beginning to its end.  What is kept is where a step
    leads, as many interleavings pass through the same state.
    """
    events: list[Event] = []
    path = [iter((_State(Machine.of(program), {}),))]
    while path:
        state = next(path[-1], None)
        if state is None:
            path.pop()
            if events:
                events.pop()
            continue
        if isinstance(state, tuple):
            event, state = state
            events.append(event)
        if state.following():
            path.append(iter(state.following()))
            continue
        yield events, state.machine.result()
        if events:
            events.pop()


class _State:
    """A machine and, once they are known, the steps that lead on from it."""

    __slots__ = ("_following", "_known", "machine")

    def __init__(self, machine: Machine, known: dict[object, _State]) -> None:
        self.machine = machine
        self._known = known  # all states of the program, by what tells them apart
        self._following: list[tuple[Event, _State]] | None = None

    def following(self) -> list[tuple[Event, _State]]:
        """Each step that can be taken, and where it leads."""
        if self._following is None:
            self._following = []
            for number in self.machine.enabled():
                after, event = self.machine.step(number)
                key = (after.key(), tuple(after.taken))
                state = self._known.setdefault(key, _State(after, self._known))
                self._following.append((event, state))
        return self._following


def foata(events: list[Event]) -> frozenset[tuple[int, Event]]:
    """The Foata normal form: every step as early as what it depends on allows.

    Equal for exactly the interleavings of one class (Cartier and Foata, 1969; Diekert
    and Rozenberg, The Book of Traces, chapter 2).
    """
    of_actor: dict[int, int] = {}
    last_write: dict[str, int] = {}
    last_touch: dict[str, int] = {}
    form = []
    for event in events:
        actor, _, things, write, child = event
        touched = last_touch if write else last_write
        level = max(of_actor.get(actor, 0), *(touched.get(thing, 0) for thing in things))
        if child:  # started before its first step, or joined after its last
            level = max(level, of_actor.get(child, 0))
        level += 1
        of_actor[actor] = level
        if child:
            of_actor[child] = level
        for thing in things:
            last_touch[thing] = max(last_touch.get(thing, 0), level)
            if write:
                last_write[thing] = level
        form.append((level, event))
    return frozenset(form)


def chances(program: Program, limit: int = 20_000) -> dict[object, float]:
    """The probability of each outcome when the next actor is drawn uniformly from those that can go on.

    Visits each state once, so this is also a second way to the set of outcomes.
    Raises TooMany past ``limit`` states.
    """
    known: dict[object, dict[object, float]] = {}

    def of(machine: Machine) -> dict[object, float]:
        key = machine.key()
        if key in known:
            return known[key]
        if len(known) >= limit:
            raise TooMany
        enabled = machine.enabled()
        found: dict[object, float] = {} if enabled else {machine.result(): 1.0}
        for number in enabled:
            for outcome, chance in of(machine.step(number)[0]).items():
                found[outcome] = found.get(outcome, 0.0) + chance / len(enabled)
        known[key] = found
        return found

    return of(Machine.of(program))
