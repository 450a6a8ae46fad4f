"""Real processes, one for each actor, that are told of rounds and tell what became of them."""

from __future__ import annotations

import multiprocessing
import os
import signal
import socket
import struct
import sys
import warnings
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection
from typing import Any

from lab.carriers.private import PrivateDirectory
from lab.child.telling import how_ended
from lab.child.wire import Gone, Late, Wire
from lab.errors import LabError
from lab.hammering.serving import serve
from lab.stillness import Stillness
from lab.stopwatch import now

_LOOK = 0.1  # seconds between two looks at processes that do not answer
_START = 60.0  # seconds for a process to begin
_STILL = 1.0  # seconds in which nothing moves: then nothing will
_LONGEST = 30.0  # seconds for a round of which nothing is known
_AFTER_DEATH = 1.0  # seconds for the others to end
_TRIES = 3  # to begin, where somebody kills what begins
_BY_A_SIGNAL = "was killed by"
_LARGEST = 40_000  # bytes of a state that is sent; a larger one is written to a file


class _Killed(LabError):
    """Somebody has killed a process in which no round was going on."""


@dataclass
class Round:
    """What became of one round."""

    spans: list[tuple[int, int]] = field(default_factory=list)  # nanoseconds, of each actor that ended
    payloads: dict[str, tuple[Any, ...]] = field(default_factory=dict)  # actor -> how it says that it ended
    deaths: dict[str, str] = field(default_factory=dict)  # actor -> how its process ended
    left: tuple[str, ...] = ()  # what the actors left in their processes
    waiting: tuple[str, ...] = ()  # who waits for ever
    endless: tuple[str, ...] = ()  # who did not end in time


class Crew:
    """The processes; `close` it whatever happens."""

    def __init__(self, actors: Sequence[tuple[str, Callable[[Any], Any]]], method: str, private: PrivateDirectory):
        self._actors, self._method, self._private = actors, method, private
        self._context: Any = multiprocessing.get_context(method)
        self._wires: list[Wire] = []
        self._processes: list[Any] = []
        self._number = 0
        self._server_was_there = bool(_fork_server())

    @property
    def running(self) -> bool:
        """Whether there are processes that can be told of a round."""
        return bool(self._processes)

    def begin(self, born: Any = None) -> None:
        """Start a process for each actor, with the state of its first round if that is to be inherited."""
        for _ in range(_TRIES):
            with suppress(_Killed):
                self._begin(born)
                return
        self._begin(born)

    def _begin(self, born: Any) -> None:
        self.end()
        resource_tracker.ensure_running()  # else each process would have one of its own
        tracker = getattr(resource_tracker, "_resource_tracker")._pid or 0  # noqa: B009 - known to no stubs
        self._number = 0
        with open(os.path.join(self._private.base, "meeting"), "wb") as file:
            file.write(bytes(8 * (len(self._actors) + 1)))
        for index, (name, actor) in enumerate(self._actors):
            ours, theirs = _pair()
            self._wires.append(Wire(ours))
            connection = Connection(theirs)
            parent = os.getpid() if self._method == "fork" else 0
            arguments = (connection, index, len(self._actors), name, self._private.base, tracker, actor, born, parent)
            process = self._context.Process(target=serve, args=arguments, name=name)
            try:
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore", DeprecationWarning)  # of forks beside other threads
                    process.start()
            except OSError as error:
                raise LabError(
                    f"on='processes': the process of {name} cannot be started ({error.strerror}); "
                    "let fewer processes run"
                ) from None
            finally:
                connection.close()
            self._processes.append(process)
        for index in range(len(self._actors)):
            self._expect(index, "ready", _START)
        self._private.groups(process.pid for process in self._processes)

    def _expect(self, index: int, word: str, seconds: float) -> Any:
        """The answer to what was asked."""
        name, until = self._actors[index][0], now() + seconds
        while now() < until:
            try:
                found, *rest = self._wires[index].receive()
            except Late:
                if not _died(self._processes[index]):
                    continue
                found, rest = "", []
            except Gone:
                found, rest = "", []
            if found == word:
                return rest[0]
            if found == "broken":
                raise LabError(f"the lab itself failed in the process of {name}; please report this:\n{rest[0]}")
            how = self._how_ended(index)
            if how.startswith(_BY_A_SIGNAL):
                raise _Killed(f"on='processes': the process of {name} {how} while the lab itself ran in it")
            raise LabError(
                f"on='processes': the process of {name} {how} before it began (start="
                f"{self._method!r}); what it printed tells why. A script needs `if __name__ == '__main__':` around "
                "what it does"
            )
        raise LabError(f"on='processes': the process of {name} did not begin in {seconds:g} s; please report this")

    def digests(self) -> list[int | None]:
        """What each process keeps, as a number; None of one that is no more."""
        for wire in self._wires:
            with suppress(Gone):
                wire.send("digest")
        found: list[int | None] = []
        for index in range(len(self._actors)):
            try:
                found.append(self._expect(index, "digest", _LONGEST))
            except _Killed:
                found.append(None)
        return found

    # ------------------------------------------------------------ a round

    def run(self, data: bytes, noise: float, seeds: Sequence[int]) -> Round:
        """One round on the state that ``data`` stands for, or on the one that the processes were born with."""
        self._number += 1
        path = ""
        if len(data) > _LARGEST:
            path = os.path.join(self._private.base, "state")
            with open(path, "wb") as file:
                file.write(data)
            data = b""
        for wire, seed in zip(self._wires, seeds, strict=True):
            with suppress(Gone):  # which shows when it is to be heard
                wire.send("round", self._number, data, path, noise, seed)
        return self._hear_all()

    def _hear_all(self) -> Round:
        found, left = Round(), []
        pending = list(range(len(self._actors)))
        began, still, since = now(), Stillness(), 0.0
        while pending:
            index = pending[0]
            try:
                word, *rest = self._wires[index].receive()
            except Late:
                moment = now()
                for one in pending:
                    if _died(self._processes[one]):
                        self._wires[one] = _closed(self._wires[one])
                if any(wire.fd < 0 for wire in self._wires):
                    pending.sort(key=lambda one: self._wires[one].fd >= 0)
                if found.deaths and moment - began > _AFTER_DEATH:
                    break  # the others wait for who is no more
                alive = sorted(self._processes[one].pid for one in pending)
                since = (since or moment) if still.nothing_moves(alive) else 0.0
                if since and moment - since > _STILL:
                    found.waiting = tuple(self._actors[one][0] for one in sorted(pending))
                    break
                if moment - began > _LONGEST:
                    found.endless = tuple(self._actors[one][0] for one in sorted(pending))
                    break
                pending = [*pending[1:], index] if self._wires[index].fd >= 0 else pending
                continue
            except Gone:
                found.deaths[self._actors[index][0]] = self._how_ended(index)
                pending.remove(index)
                began = now()
                continue
            pending.remove(index)
            if word != "end":
                raise LabError(f"the lab itself failed in a hammered process; please report this:\n{rest[0]}")
            begin, end, payload, remains = rest
            found.spans.append((begin, end))
            found.payloads[self._actors[index][0]] = payload
            left += remains
        found.left = tuple(dict.fromkeys(left))
        return found

    def _how_ended(self, index: int) -> str:
        process = self._processes[index]
        process.join(_AFTER_DEATH)
        code = process.exitcode
        if code is None:
            return "closed what the lab hears it by"
        return how_ended(-code) if code < 0 else how_ended(code << 8)

    # ------------------------------------------------------------ ends

    def end(self) -> None:
        """Let no process be left, of actors or of what they started."""
        for process in self._processes:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, signal.SIGKILL)
            process.kill()
        for process in self._processes:
            process.join()
            process.close()
        for wire in self._wires:
            _closed(wire)
        if self._processes:
            self._private.groups(())
        self._processes, self._wires = [], []

    def close(self) -> None:
        """The same, and whatever was started beside them."""
        self.end()
        server = _fork_server()
        if server and not self._server_was_there:
            getattr(sys.modules["multiprocessing.forkserver"], "_forkserver")._stop()  # noqa: B009 - no stubs


def _fork_server() -> int:
    """The process of the library's fork server, if there is one."""
    module: Any = sys.modules.get("multiprocessing.forkserver")
    return (module._forkserver._forkserver_pid or 0) if module is not None else 0


def _died(process: Any) -> bool:
    return process.exitcode is not None


def _closed(wire: Wire) -> Wire:
    """A wire from which nothing comes any more."""
    if wire.fd >= 0:
        os.close(wire.fd)
    return Wire(-1)


def _pair() -> tuple[int, int]:
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    ours.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, struct.pack("ll", 0, int(_LOOK * 1e6)))
    return ours.detach(), theirs.detach()
