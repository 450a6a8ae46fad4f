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
    kind: str  # attribute, global, cell, dict, list, lock, reentrant, condition, semaphore, event, queue, barrier ...
    start: tuple | int = 0  # a number, the items, the room in a queue, or how many meet at a barrier


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
        Thing("again", "reentrant"),
        Thing("condition", "condition"),
        Thing("signal", "plain condition"),
        Thing("gate", "semaphore", 0),
        Thing("permit", "semaphore", 1),
        Thing("seat", "bounded semaphore", 1),
        Thing("event", "event"),
        Thing("slot", "queue", 1),
        Thing("mail", "queue", 2),
        Thing("meeting", "barrier", 2),
    )
}
PLACES = ("attribute", "global", "cell")
LOCKS = ("lock", "reentrant")
CONDITIONS = ("condition", "plain condition")
SEMAPHORES = ("semaphore", "bounded semaphore")


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
    """``with thing:`` for a lock, condition or semaphore; ``also`` is taken after it, in one ``with thing, also:``."""

    thing: str
    body: tuple[Statement, ...]
    also: str | None = None


@dataclass(frozen=True)
class Try:
    """``if lock.acquire(False):``, or with a timeout, with the release in a ``finally``."""

    thing: str
    into: int
    body: tuple[Statement, ...]
    timed: bool = False


@dataclass(frozen=True)
class Catch:
    """``try:`` with an ``except Exception:``."""

    body: tuple[Statement, ...]
    handler: tuple[Statement, ...]


@dataclass(frozen=True)
class Wait:
    """``while not place: condition.wait()``, or the wrong ``if``; stands in a ``with condition``.

    With a timeout ``into`` takes what the wait gives, and a loop ends once it gives False.
    """

    condition: str
    place: str
    loop: bool
    into: int | None = None


@dataclass(frozen=True)
class If:
    """``if local == equals:``."""

    local: int
    equals: int
    body: tuple[Statement, ...]


@dataclass(frozen=True)
class Raise:
    """An exception."""


@dataclass(frozen=True)
class Start:
    """Start a child thread that does ``body``; at most one of these in an actor or child."""

    body: tuple[Statement, ...]


@dataclass(frozen=True)
class Join:
    """Wait for the end of the child, which has been started."""


Statement = Do | With | Try | Catch | Wait | If | Raise | Start | Join


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
            yield from statements(getattr(one, "handler", ()), children)


def things_of(program: Program) -> list[Thing]:
    """What the program uses, in the order of `THINGS`."""
    names: set[str] = set()
    for body in program.actors:
        for one in statements(body, children=True):
            names.update(getattr(one, field, None) for field in ("thing", "also", "condition", "place"))
    return [thing for name, thing in THINGS.items() if name in names]


def locals_of(body: tuple[Statement, ...]) -> int:
    """How many local variables the body has."""
    return max((one.into + 1 for one in statements(body) if getattr(one, "into", None) is not None), default=0)


def child_of(body: tuple[Statement, ...]) -> tuple[Statement, ...] | None:
    """What the child thread of an actor does, if it starts one."""
    return next((one.body for one in statements(body) if isinstance(one, Start)), None)


def threads_of(body: tuple[Statement, ...]) -> Iterator[tuple[Statement, ...]]:
    """What an actor does, its child, the child of that, and so on."""
    inner: tuple[Statement, ...] | None = body
    while inner is not None:
        yield inner
        inner = child_of(inner)


def may_time_out(one: Statement) -> bool:
    """Whether a statement ends at some moment, whatever others do."""
    return (
        (isinstance(one, Do) and one.verb.endswith("in time"))
        or (isinstance(one, Try) and one.timed)
        or (isinstance(one, Wait) and one.into is not None)
    )


def waiting_for_time(program: Program) -> int:
    """How many threads have timeouts.

    The times of several are not free of each other: whose is up first depends on when each began to wait.
    """
    threads = [thread for body in program.actors for thread in threads_of(body)]
    return sum(any(map(may_time_out, statements(thread))) for thread in threads)
