"""How closely the memory that processes share is watched, and what to do when somebody got there unseen.

At first its pages are only protected: objects of `multiprocessing` announce what they do, and are all that most
programs have.  Where something else gets there, or maps memory, the code of the actors is instrumented, so that it
tells of what it does with memory; and where something gets there even so, that is named, and nothing is protected any
more.
"""

from __future__ import annotations

import os
import re
from typing import Any

from lab.carriers.actor import Actor
from lab.carriers.mappings import keeps_shared_memory, maps_shared_memory
from lab.child.births import nursery
from lab.child.everything import named
from lab.child.memory.buffers import STARTED
from lab.child.memory.guard import Guard, can_protect
from lab.forks import ChildFailure
from lab.origin import LAB, is_library

_ftruncate, _lseek = os.ftruncate, os.lseek  # as they were before anything was put in their place
_FREE = "which is not under control"
_FAULT, _REFUSED = "Segmentation fault", "OSError: [Errno 14] Bad address"
_FRAME = re.compile(r'File "(.*)", line (\d+) in (.*)')


class Reaching:
    """Of one exploration."""

    def __init__(self, guard: Guard, discovery: Any, strict: bool) -> None:
        self._guard, self._discovery, self._strict = guard, discovery, strict
        self._kept = keeps_shared_memory() and strict
        guard.begin()
        self._maps = False  # actors were seen to map memory
        self.hooked = False  # the code of the actors tells of what it does
        self._are_hooked = False  # the processes of this execution
        self.guarded = can_protect()
        self.functions: dict[int, Any] = {}  # that have to be instrumented, as nothing else tells that they run
        self.fd = os.memfd_create("race-lab") if self.guarded else -1  # where a process tells why it was killed

    def begin(self) -> None:
        """Before setup."""
        self._guard.unfollowed.clear()

    def look(self, escapes: bool) -> None:
        """After setup, which may have made what is known to be used by others than the objects that tell."""
        more = self._guard.look()
        if self._kept:
            self._put_down(f"memory that processes share was mapped before setup, {_FREE}")
        elif self._strict and not can_protect() and (maps_shared_memory() or escapes):
            self._put_down(f"setup maps memory that processes share, {_FREE}")
        if more or escapes:
            self.hooked = True
        for what in self._guard.unfollowed:
            self._put_down(f"setup {what}, {_FREE}")
        self._are_hooked = self.hooked
        if self.fd >= 0:
            _ftruncate(self.fd, 0)
            _lseek(self.fd, 0, os.SEEK_SET)

    def heard(self, sort: str, what: str) -> None:
        """An actor has mapped memory, or does with it what cannot be followed."""
        if sort == "unfollowed":
            self.guarded = False
            self._put_down(what)
            return
        self._maps = True
        if not self.hooked and not what.endswith(": for itself"):
            self.hooked = True
            self._discovery.has_news()

    def reached(self, actor: Actor, error: BaseException) -> bool:
        """Whether a process failed because it came to memory that was protected."""
        if not self.guarded or not isinstance(error, ChildFailure) or not (self._guard.segments or self._maps):
            return False
        if _FAULT not in self._told() and not error.message.startswith(_REFUSED):
            return False
        if not self._are_hooked:
            self.hooked = True
        elif not self._learn():
            self.guarded = False
            where = self._where()
            self._put_down(f"{actor.name}: {where}reaches memory that processes share, {_FREE}")
        self._discovery.has_news()
        return True

    def _learn(self) -> bool:
        """Have functions instrumented that started uninstrumented; false if none is known that was not before."""
        lines = [line for line in self._told().splitlines() if line.startswith(STARTED)]
        found = named({line.removeprefix(STARTED) for line in lines})
        new = {id(function): function for function in found if id(function) not in self.functions}
        self.functions.update(new)
        return bool(new)

    def _told(self) -> str:
        return os.pread(self.fd, 1 << 20, 0).decode(errors="replace")

    def close(self) -> None:
        """The exploration is over."""
        if self.fd >= 0:
            os.close(self.fd)
            self.fd = -1

    def _put_down(self, what: str) -> None:
        self._discovery.uncontrolled[what] = None

    def _where(self) -> str:
        """The line of the program at which a process was killed, as it told itself."""
        for file, line, function in _FRAME.findall(self._told()):
            if file == nursery.__file__:
                break  # what has called that is nothing of the program
            if not file.startswith(LAB) and not is_library(file):
                return f"{function} ({os.path.basename(file)}:{line}) "
        return ""
