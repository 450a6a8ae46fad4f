"""Segments of shared memory by name, which each execution has for itself.

They are made in the private directory instead of where the system has them: so none is left behind, whoever is killed,
and explorations that go on at the same time do not meet.  Nor does the library's resource tracker hear of them, which
would remove at the end of all processes what has not been removed by then.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from lab.child.stops import Stops
from lab.filesystem.files import how_opened
from lab.filesystem.system import Instead
from lab.filesystem.twin import Twin
from lab.segments import note_semaphore

_open, _unlink, _exists = os.open, os.unlink, os.path.exists  # as they were before anything was put in their place
_FOLDER = "/dev/shm"
_TRACKER = "multiprocessing.resource_tracker"
_KIND, _NAMED = "shared_memory", "semaphore"  # what the library calls them


class Segments:
    """What makes, opens and removes them."""

    def __init__(self, stops: Stops) -> None:
        self._stops = stops
        self.directory = ""  # where they are
        self.made: list[str] = []  # names that setup gave, in that order
        self._unheard: set[str] = set()  # of which the tracker has not been told

    def instead(self) -> Instead:
        """Operation -> what is called in its place."""
        with suppress(ImportError):
            import _posixshmem  # type: ignore[import-not-found]

            return {
                _posixshmem.shm_open: Twin(_posixshmem.shm_open, self._opening(_posixshmem.shm_open)),
                _posixshmem.shm_unlink: Twin(_posixshmem.shm_unlink, self._unlinking(_posixshmem.shm_unlink)),
            }
        return {}

    def path(self, name: str) -> str:
        """Where a segment is."""
        return f"{self.directory}/{name}"

    def _is_older(self, name: str) -> bool:
        return not _exists(self.path(name)) and _exists(f"{_FOLDER}/{name}")

    def _opening(self, real: Any) -> Any:
        stops = self._stops

        def shm_open(path: str, flags: int, mode: int = 0o777) -> Any:
            name = path.lstrip("/")
            if not self.directory or not name or "/" in name:
                return real(path, flags, mode)
            how, word = how_opened(flags)
            stops.step(f"{word} the segment", name, ((self.path(name), how.replace("l", "N")),))
            with stops.known():
                if not flags & os.O_CREAT and self._is_older(name):
                    stops.note("uncontrolled", f"{stops.place()} opens {name}, a segment that setup did not make")
                    return real(path, flags, mode)
                try:
                    fd = _open(self.path(name), flags | os.O_NOFOLLOW | os.O_CLOEXEC, mode)
                except OSError as error:
                    stops.came_to(type(error).__name__)
                    raise OSError(error.errno, os.strerror(error.errno or 0), path) from None
            if stops.begun:
                stops.opened(fd, name, bare=True)
            elif flags & os.O_CREAT and name not in self.made:
                self.made.append(name)
            return fd

        return shm_open

    def _unlinking(self, real: Any) -> Any:
        stops = self._stops

        def shm_unlink(path: str) -> Any:
            name = path.lstrip("/")
            if not self.directory or not name or "/" in name:
                return real(path)
            stops.step("removes the segment", name, ((self.path(name), "N-M"),))
            with stops.known():
                if self._is_older(name):
                    stops.note("uncontrolled", f"{stops.place()} removes {name}, a segment that setup did not make")
                    return real(path)
                try:
                    return _unlink(self.path(name))
                except OSError as error:
                    stops.came_to(type(error).__name__)
                    raise OSError(error.errno, os.strerror(error.errno or 0), path) from None

        return shm_unlink

    def _sending(self, real: Any) -> Any:
        def _send(tracker: Any, command: str, name: str, kind: str) -> Any:
            if kind == _NAMED and self._stops.begun:
                if command == "REGISTER":
                    with self._stops.known():
                        note_semaphore(os.path.dirname(self.directory), name)
                return None
            if kind == _KIND:
                if command == "REGISTER":
                    self._unheard.add(name)
                    return None
                if name in self._unheard:
                    return None
            return real(tracker, command, name, kind)

        return _send

    @contextmanager
    def in_place(self) -> Iterator[None]:
        """Let the library's tracker hear of no segment of the exploration."""
        tracker: Any = getattr(sys.modules.get(_TRACKER), "ResourceTracker", None)
        if tracker is None:
            yield
            return
        real = tracker._send
        tracker._send = self._sending(real)
        try:
            yield
        finally:
            tracker._send = real
