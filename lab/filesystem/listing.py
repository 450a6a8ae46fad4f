"""Directories that are listed, entry by entry or at once: in the order of names.

The system promises no order, and on some file systems that of a listing is the one in which the entries were made.
Then two actors that make entries of their own would not be independent, whether anybody cares for the order or not.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from typing import Any

from lab.filesystem.stops import Stops
from lab.filesystem.times import doubt_times

_stat = os.stat


class _Entry:
    """What stands for an `os.DirEntry`, which knows from the listing what it is, and has to ask for more."""

    __class__ = property(lambda _: os.DirEntry)

    def __init__(self, stops: Stops, entry: Any, fd: int | None) -> None:
        self._stops, self._entry, self._fd = stops, entry, fd
        self.name, self.path = entry.name, entry.path

    def __fspath__(self) -> Any:
        return self.path

    def __repr__(self) -> str:
        return repr(self._entry)

    def inode(self) -> int:
        """As the listing has it."""
        return int(self._entry.inode())

    def is_symlink(self) -> bool:
        """As the listing has it."""
        return bool(self._entry.is_symlink())

    def is_junction(self) -> bool:
        """As the listing has it."""
        return False

    def is_dir(self, *, follow_symlinks: bool = True) -> bool:
        """As the listing has it, but of a link it has to be asked for."""
        return bool(self._ask("asks whether it is a directory", "is_dir", follow_symlinks))

    def is_file(self, *, follow_symlinks: bool = True) -> bool:
        """As the listing has it, but of a link it has to be asked for."""
        return bool(self._ask("asks whether it is a file", "is_file", follow_symlinks))

    def stat(self, *, follow_symlinks: bool = True) -> Any:
        """Asked for."""
        result = self._ask("asks for the state of", "stat", follow_symlinks)
        doubt_times(self._stops)
        return result

    def _ask(self, word: str, name: str, follow: bool) -> Any:
        stops, entry = self._stops, self._entry
        if name != "stat" and not (follow and entry.is_symlink()):
            return getattr(entry, name)(follow_symlinks=follow)
        where = stops.path(self.path, self._fd)
        stops.step(word, stops.label(self.path), ((where, "lsm" if follow else "Nsm"),))
        with stops.known():
            return getattr(entry, name)(follow_symlinks=follow)


class _Entries:
    """What `os.scandir` gives: the directory is read when the first entry is asked for, and not before."""

    def __init__(self, stops: Stops, entries: Any, where: Any, label: str, fd: int | None) -> None:
        self._stops, self._entries, self._where, self._label, self._fd = stops, entries, where, label, fd
        self._in_order: Iterator[Any] | None = None

    def __iter__(self) -> _Entries:
        return self

    def __next__(self) -> Any:
        if self._in_order is None:
            self._stops.step("lists", self._label, ((self._where, "L"),))
            entries = list(self._entries)
            self._in_order = iter(in_order(self._stops, entries, lambda entry: os.fsencode(entry.name)))
        return _Entry(self._stops, next(self._in_order), self._fd)

    def __enter__(self) -> _Entries:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """As if it had come to its end."""
        self._entries.close()
        self._in_order = iter(())


def scandir(stops: Stops) -> Callable[[Any], Callable[..., Any]]:
    """The twin of `os.scandir`."""

    def of(real: Any) -> Callable[..., Any]:
        def call(path: Any = ".") -> Any:
            path = "." if path is None else path
            try:
                where = stops.path(path)
            except TypeError:
                return real(path)  # which raises
            label = stops.label(path)
            if not isinstance(path, int):
                stops.step("opens the directory", label, ((where, "lm"),))
            with stops.known():
                entries = real(path)
                where = stops.inode(path) if isinstance(path, int) else _numbers(path)
            return _Entries(stops, entries, where, label, path if isinstance(path, int) else None)

        return call

    return of


def in_order(stops: Stops, entries: list[Any], key: Callable[[Any], bytes] = os.fsencode) -> list[Any]:
    """What a listing gave, sorted; of which a person is told, as it is one order of many."""
    if len(entries) > 1:
        stops.note("note", "listing: entries of a directory came in the order of their names; the system promises none")
    return sorted(entries, key=key)


def _numbers(path: Any) -> tuple[int, int]:
    found = _stat(path)
    return found.st_dev, found.st_ino
