"""The parties of an event loop: its tasks, and what happens to them from outside."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from typing import Any

from lab.carriers.actor import Actor

_MOST_APART = 1_024
"""Actors that the record of who touched a place tells apart; of more, several have the same bits there."""


class TaskActor(Actor):
    """A task of a controlled event loop, or all the plain callbacks of one (``loop``).

    It runs on the OS thread of ``runs_on``, which it shares with the loop's other tasks.
    """

    __slots__ = ("asked", "canceller", "host", "known", "task")

    def __init__(self, index: int, name: str, body: Callable[..., Any], argument: tuple[Any, ...], host: Actor) -> None:
        super().__init__(index, name, body, argument)
        if index >= _MOST_APART:
            bits = 2 * (_MOST_APART + index % _MOST_APART)
            self.read, self.wrote = 2 << bits, 4 << bits
            self.others = ~(self.read | self.wrote | 1)
        self.host = host
        self.forget()

    def forget(self) -> None:
        """Make ready for another execution."""
        self.reset()
        self.begun = True  # to let it begin is a choice like any other
        self.known = False  # it has begun, and has its name
        self.task: weakref.ref[Any] | None = None
        self.canceller: Outside | None = None  # cancels its task
        self.asked = False  # the strategy has cancelled it

    @property
    def runs_on(self) -> Actor:
        """Whose OS thread it is that this runs on."""
        return self.host

    def comes_to(self, word: str) -> bool:
        """See `Actor.comes_to`."""
        return word not in _NOT_OF_TASKS

    def runs_task(self, task: object) -> bool:
        """Whether it is this task of an event loop."""
        return self.task is not None and self.task() is task


class Outside(Actor):
    """Something that may happen to a task while the loop waits for events: a choice of the strategy.

    Its steps are told under the task's name; ``word`` tells them from the task's own.
    """

    __slots__ = ("happen", "owner", "word")

    def __init__(self, index: int, owner: Actor, word: str, happen: Callable[[], None]) -> None:
        super().__init__(index, owner.name, happen, ())
        self.owner = owner
        self.word = word
        self.happen = happen
        self.begun = self.finished = True  # nothing has to be ended

    def comes_to(self, word: str) -> bool:
        """See `Actor.comes_to`."""
        return word == self.word

    @property
    def runs_on(self) -> Actor:
        """Whose OS thread it happens on."""
        return self.owner.runs_on


ARRIVES = "arrives"
TIME_IS_UP = "time is up"
IS_CANCELLED = "is cancelled"
CONNECTS = "connects"
IS_REFUSED = "is refused"
IS_ACCEPTED = "is connected to"
DATA_ARRIVES = "receives"
PART_ARRIVES = "receives a part"
THE_END_ARRIVES = "comes to its end"
HAS_ROOM = "has room again"
OF_CONNECTIONS = frozenset((CONNECTS, IS_REFUSED, IS_ACCEPTED, DATA_ARRIVES, PART_ARRIVES, THE_END_ARRIVES, HAS_ROOM))
FROM_OUTSIDE = frozenset((ARRIVES, TIME_IS_UP, IS_CANCELLED)) | OF_CONNECTIONS
"""Words of the steps that happen to a task, or to a connection, rather than that it takes them."""
_NOT_OF_TASKS = FROM_OUTSIDE - {ARRIVES}
