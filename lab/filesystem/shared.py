"""What processes have in common that is no file, as the runner knows it in one execution."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lab.carriers.actor import Actor


class Semaphore:
    """One of `multiprocessing`, which is also in the runner's memory."""

    def __init__(self, number: int, value: Callable[[int], int]) -> None:
        self._number = number
        self._value = value
        self.holder: Actor | None = None  # who took it last and has not given it back

    def is_free(self) -> bool:
        """Whether it can be taken now."""
        return self._value(self._number) > 0


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
