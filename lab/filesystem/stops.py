"""What the twins of operations on files ask before each of them, whoever they work for."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import AbstractContextManager
from typing import Any, Protocol

from lab.filesystem.paths import Common

Effect = tuple[Any, str]
"""Where, and how: see `lab.filesystem.paths`."""

GO, TIMED_OUT = 0, 1


class Stops(Protocol):
    """Stops an actor before each operation on something shared, until it may happen."""

    may_crash: bool
    """It may be killed, also in the middle of a write."""
    are_threads: bool
    """Actors are threads of one process."""
    own: set[int]
    """File descriptors that nobody has but who opened them."""
    locked: set[tuple[int, int]]
    """Device and inode of files that may be locked."""
    flocks: dict[tuple[tuple[int, int], int], bool]
    """Inode and number (`file`) of what has a lock of `flock` -> whether that is a shared one."""
    connected: list[str]
    """Paths of databases that there are connections to."""

    @property
    def begun(self) -> bool:
        """Whether there is anybody to ask."""

    def step(
        self, word: str, label: str, effects: tuple[Effect, ...], detail: str = "", wait: tuple[Any, ...] = ()
    ) -> int:
        """Wait until the operation may happen; `GO`, or `TIMED_OUT` where it was given up instead."""

    def came_to(self, result: str | None) -> None:
        """Tell what the operation that was stopped before came to."""

    def note(self, kind: str, what: str) -> None:
        """Put down what concerns the whole exploration: of which kind, and what."""

    def known(self) -> AbstractContextManager[None]:
        """What happens meanwhile is the operation that was stopped before."""

    def hands(self, things: Iterable[Any], to: str) -> None:
        """The system is about to read from these, or to write into them."""

    def outside(self, function: Any) -> Any:
        """``function``, which is called in the middle of what is known, and is none of it."""

    def place(self) -> str:
        """The line of the program that goes on."""

    def opened(self, fd: int, label: str, bare: bool = False) -> None:
        """There is a new file descriptor, which no object will close if it is ``bare``."""

    def closed(self, fd: int) -> None:
        """A file descriptor is no more."""

    def label(self, path: Any) -> str:
        """What a path, or a file descriptor, is called in a trace."""

    def path(self, path: Any, dir_fd: int | None = None) -> Any:
        """Where a path leads from, as an effect names it."""

    def inode(self, fd: int) -> tuple[int, int] | None:
        """Device and inode behind a file descriptor; None where there is none."""

    def position(self, fd: int) -> tuple[Effect, ...]:
        """How an operation touches the position of a file descriptor."""

    def duplicated(self, fd: int, another: int) -> None:
        """There is ``another`` file descriptor of what is open as ``fd``."""

    def file(self, fd: int) -> int:
        """The number of what is open as ``fd`` and as its doubles: one of them, unless that is another file by now."""

    def keeps(self, fd: Any) -> bool:
        """Whether there is no such file descriptor as far as the program knows."""

    def make_way(self, fd: int) -> None:
        """The program is about to have one of that number."""

    def closing(self, fd: int) -> int:
        """That number, if nobody has it open once ``fd`` is closed; else -1."""

    def inherits(self, fd: int) -> bool:
        """Whether other processes have what is open as ``fd``, too."""

    def closes(self, fd: int) -> tuple[Effect, ...]:
        """How closing a file descriptor touches what others may have."""

    def moves(self, fd: int, label: str, word: str = "seeks in") -> None:
        """A position is about to be moved or asked for, and nothing else."""

    def thread(self) -> int:
        """A number of the thread that goes on; 0 where there is only one."""

    def writes(self, path: str, connection: object) -> None:
        """A connection to the database at ``path`` has written in a transaction that goes on; None: it is over."""

    def several(self, what: str, thing: Common, key: str) -> None:
        """What was one step are several, on something that threads may have in common."""
