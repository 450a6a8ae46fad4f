"""The programs: two or three actors that do a few things to a few shared objects.

A program is data, read by two translators that know nothing of each other: `source`
writes it as the Python that a person would write, `model` runs it from what CPython
documents of each operation.  This module holds only what they must agree on: the
words, and the objects that exist with their first values.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True)
class Thing:
    """A shared object, or a place that holds a number."""

    name: str
    kind: str  # attribute, global, cell, dict, list, lock, condition, semaphore, event, queue
    start: tuple | int = 0  # a number, the items, or the room in a queue


THINGS = {
    thing.name: thing
    for thing in (
        Thing("x", "attribute"),
        Thing("y", "attribute"),
        Thing("total", "global"),
        Thing("ready", "global"),
        Thing("count", "cell"),
        Thing("seen", "cell"),
        Thing("table", "dict", ()),
        Thing("stock", "dict", (("a", 1),)),
        Thing("items", "list", ()),
        Thing("pile", "list", (1, 2)),
        Thing("lock", "lock"),
        Thing("other", "lock"),
        Thing("condition", "condition"),
        Thing("gate", "semaphore", 0),
        Thing("permit", "semaphore", 1),
        Thing("event", "event"),
        Thing("slot", "queue", 1),
        Thing("mail", "queue", 2),
    )
}
PLACES = ("attribute", "global", "cell")


@dataclass(frozen=True)
class Next:
    """The value of a local variable plus one: what a lost update writes."""

    local: int


@dataclass(frozen=True)
class Do:
    """One operation on one thing; ``into`` is the local variable that takes what it gives."""

    verb: str
    thing: str
    into: int | None = None
    value: int | Next | None = None
    key: str | None = None


@dataclass(frozen=True)
class With:
    """``with thing:`` for a lock, condition or semaphore."""

    thing: str
    body: tuple[Statement, ...]


@dataclass(frozen=True)
class Try:
    """``if lock.acquire(False):`` with the release in a ``finally``."""

    thing: str
    into: int
    body: tuple[Statement, ...]


@dataclass(frozen=True)
class Wait:
    """``while not place: condition.wait()``, or the wrong ``if``; stands in a ``with condition``."""

    condition: str
    place: str
    loop: bool


@dataclass(frozen=True)
class If:
    """``if local == equals:``."""

    local: int
    equals: int
    body: tuple[Statement, ...]


@dataclass(frozen=True)
class Raise:
    """An exception that nobody catches."""


@dataclass(frozen=True)
class Start:
    """Start a child thread that does ``body``; at most one of these in an actor, at its top level."""

    body: tuple[Statement, ...]


@dataclass(frozen=True)
class Join:
    """Wait for the end of the child."""


Statement = Do | With | Try | Wait | If | Raise | Start | Join


@dataclass(frozen=True)
class Program:
    """The bodies of its actors."""

    actors: tuple[tuple[Statement, ...], ...]


def statements(body: tuple[Statement, ...], children: bool = False) -> Iterator[Statement]:
    """Every statement in ``body`` and in the blocks within, and in its child thread if wanted."""
    for one in body:
        yield one
        if children or not isinstance(one, Start):
            yield from statements(getattr(one, "body", ()), children)


def things_of(program: Program) -> list[Thing]:
    """What the program uses, in the order of `THINGS`."""
    names: set[str] = set()
    for body in program.actors:
        for one in statements(body, children=True):
            names.update(getattr(one, field) for field in ("thing", "condition", "place") if hasattr(one, field))
    return [thing for name, thing in THINGS.items() if name in names]


def locals_of(body: tuple[Statement, ...]) -> int:
    """How many local variables the body has."""
    return max((one.into + 1 for one in statements(body) if getattr(one, "into", None) is not None), default=0)


def child_of(body: tuple[Statement, ...]) -> tuple[Statement, ...] | None:
    """What the child thread of an actor does, if it starts one."""
    return next((one.body for one in body if isinstance(one, Start)), None)
