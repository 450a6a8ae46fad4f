"""The processes of one execution's actors: forked, spoken to, and ended whatever happens."""

from __future__ import annotations

import os
import signal
import sys
import warnings
from collections.abc import Callable, Container, Iterable, Iterator, Sequence
from contextlib import suppress
from typing import Any

from lab import errors
from lab.at_fork import Needless
from lab.carriers.actor import Actor
from lab.carriers.nursery import Nursery
from lab.carriers.offspring import Offspring
from lab.carriers.private import PrivateDirectory
from lab.carriers.reaching import Reaching
from lab.child.everything import Everything
from lab.child.main import Life, Standing, make_ready, standing_now
from lab.child.operations import Operations
from lab.child.telling import how_ended
from lab.child.wire import ASKS, Gone, Late, Lent, Wire, pair, send_lent
from lab.filesystem.stops import GO
from lab.filesystem.stops import TIMED_OUT as GIVEN_UP
from lab.segments import remove_segments
from lab.stillness import Stillness
from lab.stopwatch import now

_close, _fork_alone, _waitpid = os.close, os.fork, os.waitpid  # as they were before anything was put in their place
_PATIENCE = 15  # seconds in which a child has to come to an operation


class StandsStill(Exception):
    """All threads of a process wait for what nobody but they could do."""


class Children:
    """Forks a process for each actor, and hears and answers them."""

    def __init__(self, private: PrivateDirectory, strict: bool, crashes: Container[str]) -> None:
        if not hasattr(os, "fork"):
            raise errors.InvalidValue("on='processes': this platform cannot fork; use on='threads'")
        self._private = private
        self._strict = strict
        self._crashes = crashes
        self.operations = operations = Operations()  # what the processes do under control
        operations.is_strict = strict
        self.semaphores = operations.semaphores  # of `multiprocessing`, that setup and older code have made
        self.channels = operations.channels  # its pipes
        self.segments = operations.segments  # shared memory that has a name
        self.memory = operations.memory  # what of it is shared by `multiprocessing`
        operations.stops.groups = private.groups_file
        operations.stops.root = private.work
        operations.segments.directory = private.segments
        self._in_place = operations.in_place()
        self._in_place.__enter__()
        self._lives: dict[Actor, Life] = {}
        self._standing: Standing | None = None  # for which they are prepared
        self._wires: dict[Actor, Wire] = {}
        self._pids: dict[Actor, int] = {}
        self._status: dict[Actor, int] = {}
        self._everything = Everything()
        self._needless = Needless()
        self._in_turn = False  # else in reverse: whose process has the lower number is nothing to rely on
        self._met: list[str] = []  # names of functions that processes have instrumented
        self._wild: set[Actor] = set()  # who may have started processes of its own
        self.offspring = Offspring()
        self.nursery = Nursery()

    def prepare(self, names: str) -> None:
        """Have ready for the next execution what these functions are instrumented to, a line each."""
        self._met += names.splitlines()

    def begin_anew(self) -> None:
        """Before setup: what the runner has locked in the execution before are other files, whatever their numbers."""
        self.operations.stops.locked.clear()
        self.operations.segments.made.clear()

    def begin(
        self,
        actors: Sequence[Actor],
        state: Any,
        now: float,
        others: Sequence[int],
        waits: bool,
        reaching: Reaching,
    ) -> None:
        """Fork one process for each actor, without the file descriptors ``others``, which are the runner's alone."""
        self._status.clear()
        self.operations.connections.arrange()
        if waits or reaching.hooked:
            self._everything.prepare(actor.body for actor in actors)
            self._everything.prepare_named(self._met)
            self._met.clear()
        _flush()
        lives = self._lives_of(actors, waits, reaching)
        ends: list[Wire] = []
        try:
            for actor in actors:
                ours, theirs = pair()
                self._wires[actor] = Wire(ours)
                ends.append(Wire(theirs))
            assert self._standing is not None
            make_ready(self.operations, self._standing, reaching.functions.values(), now)
            self._in_turn = not self._in_turn
            step = 1 if self._in_turn else -1
            self._fork_all(actors[::step], lives[::step], ends[::step], state, others)
        finally:
            for wire in ends:
                _close(wire.fd)

    def _lives_of(self, actors: Iterable[Actor], waits: bool, reaching: Reaching) -> list[Life]:
        """What each of them does: mostly the same as in the execution before."""
        standing = standing_now(waits, reaching.hooked, reaching.fd if reaching.guarded else -1)
        is_new = standing != self._standing
        self._standing = standing
        found = []
        for actor in actors:
            life = self._lives.get(actor)
            if life is None or is_new:
                if life is None:
                    crash = actor.name in self._crashes
                    life = Life(self.operations, actor.index, actor.name, actor.body, crash, self._strict)
                    self._lives[actor] = life
                life.prepare(standing, reaching.functions.values())
            found.append(life)
        return found

    def _fork_all(
        self, actors: Sequence[Actor], lives: Sequence[Life], ends: Sequence[Wire], state: Any, others: Iterable[int]
    ) -> None:
        """One right after the other: what the runner writes to between two forks is copied once more."""
        strange = [*others, *[wire.fd for wire in self._wires.values()], *[wire.fd for wire in ends]]
        if self._private.fd >= 0:
            strange.append(self._private.fd)
        pids: list[int] = []
        try:
            with self._needless:
                fork = _fork_alone if self._needless.are_aside else _fork
                put_back = self._needless.put_back
                for live, wire in zip([life.live for life in lives], ends, strict=True):
                    pid = fork()
                    if not pid:  # where nothing is to be looked up, which would be done anew in each child
                        put_back()
                        live(wire, state, strange)
                    pids.append(pid)
        except OSError as error:
            raise errors.LabError(
                f"on='processes': the process of {actors[len(pids)].name} cannot be forked ({error.strerror}); "
                "let fewer processes run"
            ) from None
        finally:
            self._pids.update(zip(actors, pids, strict=False))

    def hear(self, actor: Actor, answer: Callable[..., object]) -> Any:
        """What ``actor`` comes to next; raises Gone at its end, and TimeoutError if that takes long.

        What it asks meanwhile gets the ``answer`` of it and its question.

        Raises StandsStill if it waits for ever for something in its own process.
        """
        wire, until, still = self._wires[actor], 0.0, None
        while not until or now() < until:
            try:
                kind, *heard = wire.receive()
                if kind != ASKS:
                    return kind, *heard
                told = answer(actor, *heard[0])
                with suppress(Gone):
                    if type(told) is Lent:
                        send_lent(wire, told)
                    else:
                        wire.send(told)
            except Late:
                still = still or Stillness(alone=True)
                if still.nothing_moves([self.pid(actor)]):
                    raise StandsStill from None
            until = until or now() + _PATIENCE  # mostly it has come by then, and nobody asks for the time
        raise TimeoutError(f"{actor.name} came to no operation that is shared for {_PATIENCE} s")

    def answer(self, actor: Actor, timed_out: bool, now: float) -> None:
        """Let ``actor`` do what it asked for."""
        try:
            self._wires[actor].send(GIVEN_UP if timed_out else GO, now)
        except Gone:
            return  # which shows when it is to be heard

    def pids(self) -> Iterator[tuple[str, int]]:
        """The name of each actor, and its process."""
        for actor, pid in self._pids.items():
            yield actor.name, pid
        yield from self.offspring.pids()

    def pid(self, actor: Actor) -> int:
        """The process of an actor."""
        return self._pids.get(actor) or self.offspring.pid(actor)

    def by_pid(self) -> dict[int, Any]:
        """Each process, and whose it is."""
        return dict(zip(self._pids.values(), self._pids, strict=True))

    def expect(self, actor: Actor) -> int:
        """One is about to be forked by another actor; its end of a wire to the runner."""
        ours, theirs = pair()
        self._wires[actor] = Wire(ours)
        self.offspring.expect()
        return theirs

    def is_wild(self, actor: Actor) -> None:
        """Something escaped control there: what it starts has to end with it, even if the runner cannot see to it."""
        if actor not in self._wild and actor in self._pids:
            self._wild.add(actor)
            self._private.tell(f"group {self._pids[actor]}")

    # ------------------------------------------------------------ ends

    def close(self) -> None:
        """Let no process be left, and everything in the runner be as it was."""
        self.end_all()
        self.offspring.close()
        self.nursery.close()
        self._in_place.__exit__(None, None, None)

    def kill(self, actor: Actor) -> None:
        """Let the process be no more."""
        os.kill(self._pids[actor], signal.SIGKILL)
        self.wait_for_end(actor)

    def reap(self, actors: Iterable[Actor]) -> None:
        """Have the system forget these processes, which have been told that they may end."""
        for actor in actors:
            self.wait_for_end(actor)

    def wait_for_end(self, actor: Actor) -> int:
        """Wait until the process is no more; its status as `os.waitpid` gives it, 0 for one that ended as told."""
        if actor.child:
            self.offspring.is_over(actor, wait=True)
            return 0
        if actor not in self._status:
            _, self._status[actor] = _waitpid(self._pids[actor], 0)
        status = self._status[actor]
        return status if os.WIFSIGNALED(status) or os.WEXITSTATUS(status) == 70 else 0

    def is_dead(self, actor: Actor) -> bool:
        """Whether the process is no more."""
        if actor.child:
            return self.offspring.is_over(actor)
        if actor not in self._status:
            pid, status = _waitpid(self._pids[actor], os.WNOHANG)
            if pid:
                self._status[actor] = status
        return actor in self._status

    def how_ended(self, actor: Actor) -> str:
        """In words."""
        self.wait_for_end(actor)
        if actor.child:
            status = self.offspring.status(actor)
            return how_ended(status) if status is not None else "ended its process without a word"
        return how_ended(self._status[actor])

    def end_all(self) -> None:
        """See to it that no process is left, of actors or of what they started."""
        self.offspring.kill()
        for actor, pid in self._pids.items():
            if actor not in self._status:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
                with suppress(ProcessLookupError, PermissionError):
                    os.killpg(pid, signal.SIGKILL)  # with what it started and has not told of
            elif actor in self._wild or self.offspring:
                with suppress(ProcessLookupError, PermissionError):
                    os.killpg(pid, signal.SIGKILL)
        for actor in self._pids:
            self.wait_for_end(actor)
        if self.offspring:
            self.offspring.forget(iter(self._pids.values()))
        self.nursery.reap_all()
        for wire in self._wires.values():
            _close(wire.fd)
        self._pids.clear()
        self._wires.clear()
        self._private.forget_groups()
        remove_segments(self._private.base)
        if self._wild:
            self._private.tell("none")
            self._wild.clear()


def _fork() -> int:
    if sys.version_info < (3, 12):
        return os.fork()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # the runner may have other threads; the child needs none
        return os.fork()


def _flush() -> None:
    """What stands in buffers now would be written by each child as well."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except Exception:
            continue
