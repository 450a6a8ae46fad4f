"""What a process learns of others: the system tells it whether they go on, and files hold what they have written."""

from __future__ import annotations

import os
import re
import signal
import sys
from collections.abc import Callable
from typing import Any

from lab.child.stops import Stops
from lab.filesystem.request import ANSWERS
from lab.filesystem.twin import Twin

ASKS_FOR_LIFE = "asks whether it goes on:"
_FIRST_OF_ALL = 1  # process that takes in orphans; here the runner does
_OF_EDITABLE = re.compile(r"__editable__\..*\.finder\.__path_hook__")
"""What stands on the path for a package that `setuptools` has installed where it is edited; it is no directory."""
_ASKING = ("getpgid", "getsid")
_ANSWERING = ("signal", "pthread_sigmask")
_signal, _OF_CHILDREN = signal.signal, getattr(signal, "SIGCHLD", None)
_getpid, _abspath, _open = os.getpid, os.path.abspath, open  # as they were before anything was put in their place
_getppid: Any = getattr(os, "getppid", None)


class Others:
    """What is called in place of questions about other processes."""

    def __init__(self, stops: Stops) -> None:
        self._stops = stops
        self._parent = 0  # that has started this process, which may end before it does
        self._is_child = True  # also to the system, where it was forked

    def instead(self) -> dict[Any, Any]:
        """Operation -> what is called in its place."""
        found: dict[Any, Any] = {}
        for name in _ASKING:
            real = getattr(os, name, None)
            if real is not None:
                found[real] = Twin(real, self._asking(real))
        if _getppid is not None:
            found[_getppid] = Twin(_getppid, self._ask_for_parent)
        for name in _ANSWERING:
            real = getattr(signal, name, None)
            if real is not None:
                found[real] = Twin(real, self._answering(real))
        return found

    def begin(self) -> None:
        """In the runner: actors have it for their parent, and do not outlive it."""
        self._parent = 0

    def is_forked(self) -> None:
        """In a process that an actor has forked."""
        self._parent, self._is_child = _getppid(), True

    def is_spawned(self, parent: int) -> None:
        """In one that an actor has started without forking."""
        self._parent, self._is_child = parent, False

    def ask(self, pid: int, label: str, do: Callable[[], Any]) -> Any:
        """Do what comes to something else where a process is no more."""
        stops = self._stops
        stops.step(ASKS_FOR_LIFE, label, (), wait=("alive", pid))
        there = True
        try:
            with stops.known():
                return do()
        except ProcessLookupError:
            there = False
            raise
        finally:
            stops.came_to(str(there))

    def _asking(self, real: Any) -> Callable[..., Any]:
        def call(pid: int, /) -> Any:
            if not isinstance(pid, int) or pid in (0, _getpid()):
                return real(pid)
            return self.ask(pid, f"process {pid}", lambda: real(pid))

        return call

    def _answering(self, real: Any) -> Callable[..., Any]:
        """What a signal does to a process depends on whether it has made itself ready by then."""

        def call(*arguments: Any, **named: Any) -> Any:
            stops = self._stops
            if stops.begun and stops.is_its_thread():
                if self._parent:
                    stops.step("makes itself ready for a signal", "", (), wait=(ANSWERS,))
                if real is _signal and arguments[:1] == (_OF_CHILDREN,) and arguments[1:] != (signal.SIG_DFL,):
                    stops.note("uncontrolled", f"{stops.place()} handles SIGCHLD, which is not under control")
            return real(*arguments, **named)

        return call

    def _ask_for_parent(self) -> int:
        parent = self._parent
        if not self._stops.begun or not parent:
            return int(_getppid())
        self._stops.step(ASKS_FOR_LIFE, "its parent", (), wait=("alive", parent))
        with self._stops.known():
            there = _getppid() == parent if self._is_child else _goes_on(parent)
        self._stops.came_to(str(there))
        return parent if there else _FIRST_OF_ALL


def _goes_on(pid: int) -> bool:
    try:
        with _open(f"/proc/{pid}/stat", "rb") as file:
            return file.read().rpartition(b") ")[2][:1] not in (b"Z", b"X")
    except OSError:
        return False


def imports(stops: Stops, event: str, arguments: tuple[Any, ...]) -> None:
    """The interpreter imports something: that is no operation, unless actors may write what it finds."""
    if event == "import" and str(arguments[0]).partition(".")[0] in sys.stdlib_module_names:
        return
    looked_at = arguments[2] if event == "import" else arguments[:1]
    paths = [one for one in looked_at or () if isinstance(one, str) and not _OF_EDITABLE.fullmatch(one)]
    if any(_is_inside(stops.root, path) for path in paths):
        stops.note("doubt", f"{stops.place()} imports from a directory in which others may write meanwhile")


def _is_inside(root: str, path: str) -> bool:
    path = _abspath(path)
    return bool(root) and (path == root or path.startswith(f"{root}/"))
