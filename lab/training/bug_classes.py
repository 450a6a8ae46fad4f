"""The names that a learner chooses from, each in half a sentence; the engine's own words for what it found."""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence

from lab.training.studies import Description, Facts

MEANINGS = {
    "lost update": "two read the same value, and one write covers the other",
    "check-then-act": "what was checked is no longer true when it is acted upon",
    "torn pair": "two things that belong together are seen half changed",
    "torn write": "one thing is written in several steps, and read in between",
    "stale read": "a value is used after it has changed, without looking again",
    "use before publish": "a thing is used before it was complete",
    "use after close": "a thing is used after another actor has ended it",
    "order violation": "two operations come in an order that nobody made sure of",
    "iteration disturbed": "a container changes while somebody goes through it",
    "double release": "something is given back more often than it was taken",
    "failed try": "a lock is tried, held by another, and its refusal not expected",
    "missed signal": "a notification comes before anybody waits for it",
    "stolen permit": "what one actor was let in with is taken by another",
    "starved pool": "workers wait for work that only they could do",
    "wait under lock": "somebody waits, and holds the lock that the others need to end the wait",
    "self-deadlock": "an actor takes a lock that it holds already",
    "lock-order inversion": "actors take the same locks in different orders",
    "cancelled half-way": "a task is cancelled at an await, and what it had begun stays half done",
    "killed half-way": "a process ends in the middle, and what it had begun stays half done",
}
"""The patterns of `lab.detectors`."""
_KINDS = {
    "deadlock": "actors wait for each other for ever",
    "lost wakeup": "an actor waits for a notification that has been and gone",
    "livelock": "actors keep going and come to no end",
    "exception": "an error leaves an actor",
}
CHOICES = 4


def accepted(facts: Facts, description: Description) -> list[str]:
    """The names that are right: the patterns that the engine recognised, else how it fails or the catalogue's word.

    None where nobody names it.
    """
    kind = (facts.failure or {}).get("kind", "")
    found = [facts.pattern, *facts.patterns] if facts.pattern or facts.patterns else []
    other = kind if kind in _KINDS else description.bug_class
    return list(dict.fromkeys(filter(None, found))) or [other] * bool(other)


def choices(right: Sequence[str], rng: random.Random, among: Iterable[str] = ()) -> list[str]:
    """The first right name and others, in an order that ``rng`` draws; no other that is right as well."""
    others = [name for name in dict.fromkeys([*among, *MEANINGS]) if name not in right]
    chosen = [right[0], *rng.sample(others, CHOICES - 1)]
    rng.shuffle(chosen)
    return chosen


def meaning(name: str) -> str:
    """The half sentence; empty for a name that is the catalogue's own."""
    return MEANINGS.get(name) or _KINDS.get(name, "")
