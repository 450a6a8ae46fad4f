"""One concurrent party of an execution, and what it waits for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

COLD = 1
"""The bit, in the record of who touched a place, that some did so at a site that is no decision."""
ALL_WRITES = int("10" * 4096, 2) << 1
"""The write bits of the first 4,096 actors, as `Actor.wrote` sets them."""


LONG_DELAY = 10.0 - 1e-3
"""Virtual seconds.  A shorter timeout or sleep may end while others that could go on stand
still, as on a busy machine; one of ten seconds or more ends only when no one else can go on."""


Place = tuple[int, object]
"""Where an operation takes place: the object's id, and the key under which it is touched."""

Places = tuple[tuple[Place, bool], ...]
"""All places of one operation, and whether it writes them."""


class Wait:
    """Why an actor cannot go on: published before the operation, while others are chosen."""

    __slots__ = ("any_order", "deadline", "doing", "is_long", "kind", "owner", "ready", "site")

    def __init__(
        self, kind: str, owner: object, ready: Callable[[], bool], deadline: float | None, now: float, site: Any
    ) -> None:
        self.kind = kind
        self.owner = owner
        self.ready = ready
        self.deadline = deadline  # virtual seconds; None waits for ever
        self.is_long = deadline is not None and deadline - now > LONG_DELAY
        self.any_order = kind == "database"  # its end is a choice, whoever else waits until what moment
        self.site = site
        self.doing = ""  # the library operation that it is part of, once nobody can go on


TIMED_OUT = "timed out"


Event = tuple["Actor", Place | None, bool, Places, str, bool, bool, Any]
"""An operation that has happened: who did it, the first place, whether it writes there, all other places, its kind,
whether it may have to wait, whether it might have been given up, and its site.  There is one for each step, and
nothing is made faster than a tuple."""


def event_of(actor: Actor, kind: str, blocking: bool = False, timed: bool = False) -> Event:
    """The operation that ``actor`` has come to, as one that has happened."""
    return actor, actor.place, actor.writes, actor.more, kind, blocking, timed, actor.site


class Actor:
    """A thread under control.

    ``read`` and ``wrote`` are this actor's two bits in the record of who touched a
    place, ``others`` those of everybody else.  ``place``, ``writes``, ``more`` and
    ``site`` tell of the operation that it comes to next, once it has come to one.
    """

    __slots__ = (
        "argument",
        "begun",
        "body",
        "born",
        "daemon",
        "doing",
        "error",
        "finished",
        "index",
        "more",
        "name",
        "others",
        "parent",
        "place",
        "read",
        "resume",
        "runner",
        "site",
        "thread",
        "timed_out",
        "wait",
        "writes",
        "wrote",
    )

    def __init__(self, index: int, name: str, body: Callable[..., Any], argument: tuple[Any, ...]) -> None:
        self.index = index
        self.name = name
        self.body = body
        self.argument = argument
        self.read = 2 << (2 * index)
        self.wrote = 4 << (2 * index)
        self.others = ~(self.read | self.wrote | COLD)
        self.runner: Any = None  # what the carrier runs it on
        self.resume: Callable[[], Any] = body  # set by the carrier: lets the actor go on
        self.parent: Actor | None = None  # who started it, if the program did
        self.born = 0  # how many events there had been
        self.daemon = False
        self.reset()

    def reset(self) -> None:
        """Make ready for another execution."""
        self.begun = False
        self.doing = ""  # the library operation that the current wait is part of
        self.error: BaseException | None = None
        self.finished = False
        self.wait: Wait | None = None
        self.timed_out = False
        self.thread: Any = None  # the threading.Thread, once somebody asked for it
        self.place: Place | None = None
        self.writes = False
        self.more: Places = ()  # what the operation touches beside ``place``
        self.site: Any = None

    @property
    def child(self) -> bool:
        """Whether the program started it, rather than that the person declared it."""
        return self.parent is not None

    @property
    def runs_on(self) -> Actor:
        """Whose OS thread it is that this runs on: its own, but for the tasks of an event loop."""
        return self

    def comes_to(self, word: str) -> bool:
        """Whether a step of this word can be what it comes to; told apart only where several have one name."""
        return True

    def runs_task(self, task: object) -> bool:
        """Whether it is this task of an event loop."""
        return False

    def __repr__(self) -> str:
        return f"<Actor {self.name}>"


def next_in_turn(enabled: Sequence[Actor], actor: Actor) -> Actor | None:
    """Who follows ``actor`` when everybody gets a turn; None if nobody else can go on."""
    others = [other for other in enabled if other is not actor]
    if not others:
        return None
    return min(others, key=lambda other: (other.index <= actor.index, other.index))


def conflict(one: Actor, other: Actor) -> bool:
    """Whether the operations that two actors come to touch the same place, and one of them writes it."""
    if one.place == other.place and (one.writes or other.writes) and one.place is not None:
        return True
    return bool(one.more or other.more) and conflict_of(operation(one), operation(other))


def conflict_of(one: Places, other: Places) -> bool:
    """Whether two operations touch the same place, and one of them writes it."""
    return any(place == there and (writes or written) for place, writes in one for there, written in other)


def operation(actor: Actor) -> Places:
    """All places that the operation that ``actor`` comes to touches, and whether it writes them."""
    return () if actor.place is None else ((actor.place, actor.writes), *actor.more)
