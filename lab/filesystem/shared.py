"""What processes have in common that is no file, as the runner knows it in one execution."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lab.carriers.actor import Actor


class Semaphore:
    """One of `multiprocessing`, which is also in the runner's memory, or that an actor made.

    Of the latter it is counted how often it can be taken, from how often it could when it came to be shared.
    """

    def __init__(self, number: Any, value: Callable[[Any], int]) -> None:
        self._number = number
        self._value = value
        self.count: int | None = number[-1] if type(number) is tuple else None
        self.holder: Actor | None = None  # who took it last and has not given it back

    def is_free(self) -> bool:
        """Whether it can be taken now."""
        return (self._value(self._number) if self.count is None else self.count) > 0

    def taken(self, by: Actor) -> None:
        """An actor has taken it."""
        self.holder = by
        if self.count is not None:
            self.count -= 1

    def given_back(self) -> None:
        """It can be taken once more."""
        self.holder = None
        if self.count is not None:
            self.count += 1


class Channel:
    """A pipe of `multiprocessing`, in one direction."""


class Database:
    """A file of SQLite."""

    def __init__(self) -> None:
        self.version = 0  # how often somebody did something with it after which others may find it free
        self.writer: Any = None  # the process or connection that has written in a transaction that goes on

    def is_free(self, writer: object) -> bool:
        """Whether ``writer`` may write there, as far as is known."""
        return self.writer is None or self.writer is writer or getattr(self.writer, "finished", False)


class Managed:
    """An object in the process of a manager of `multiprocessing`."""

    def __init__(self) -> None:
        self.version = 0  # how often somebody may have changed it
