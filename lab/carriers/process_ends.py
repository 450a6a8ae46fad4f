"""How the processes of actors end: as told, by a failure, because the strategy kills them, or never."""

from __future__ import annotations

import os
import re
import sys
import threading
from collections.abc import Collection, Iterable
from types import FrameType
from typing import Any, NoReturn

from lab.carriers.actor import Actor, event_of
from lab.carriers.children import Children
from lab.carriers.control import Control
from lab.carriers.crashing import IS_KILLED, LIFE, Crashes, ProcessActor
from lab.carriers.execution import Stopped
from lab.carriers.private import PrivateDirectory
from lab.carriers.process_rounds import ProcessRounds
from lab.carriers.reaching import Reaching
from lab.carriers.task_actor import Outside
from lab.carriers.unwatched import Unwatched
from lab.child.telling import complaint
from lab.filesystem.filelocks import FileLock
from lab.filesystem.paths import Paths
from lab.filesystem.request import Request
from lab.filesystem.sessions import Sessions
from lab.filesystem.shared import Semaphore
from lab.forks import ChildFailure
from lab.inherited import modules_of
from lab.instrument import Site
from lab.operations import SYNC

_BY_CHANCE = re.compile("psm_[0-9a-f]{8}")
_ROUNDS = 3  # that are gone through before it is told, so that they can be seen
_AT_THE_END = ("", "", 0, 0)


def _other_thread(older: Collection[int], actors: Iterable[Actor]) -> str:
    """A thread of the program in this process that setup did not start, and where it is; empty if there is none.

    What it held at a fork nobody gives back.
    """
    files = {getattr(module, "__file__", None) for module in modules_of(actor.body for actor in actors)}
    names = {thread.ident: thread.name for thread in threading.enumerate()}
    for identity, frame in sys._current_frames().items():
        at: FrameType | None = frame
        while at is not None and at.f_code.co_filename not in files:
            at = at.f_back
        if identity in older and at is not None:
            place = f"{os.path.basename(at.f_code.co_filename)}:{at.f_lineno}"
            return f"{names.get(identity, 'a thread')} ({place})"
    return ""


class ProcessEnds(Control):
    """The part of the `process` carrier that sees processes end."""

    _children: Children
    _directory: PrivateDirectory
    _paths: Paths
    _crashes: Crashes
    _sessions: Sessions
    _reaching: Reaching
    discovery: Unwatched
    _processes: list[ProcessActor]
    _pending: dict[Actor, Request]
    _names_changed: bool
    _older_threads: Collection[int]  # those of the runner that were there before setup, but for the one that explores
    rounds: ProcessRounds | None
    _unsent: dict[Actor, str]  # who has put something into a queue that there was no room for

    def needs_name(self, function: object) -> bool:
        """See `Arriving.needs_name`."""
        return self._children.operations.needs_name(function)

    def _site(self, where: tuple[str, str, int, int], word: str) -> Site:
        raise NotImplementedError

    def _note_step(self, actor: Actor, request: Request, counts: bool, timed_out: bool, result: str | None) -> None:
        raise NotImplementedError

    def _publish_request(self, actor: Actor) -> None:
        raise NotImplementedError

    def _end(self, actor: Actor, request: Request) -> None:
        """The actor has done all it had to, and what it held is given back."""
        payload = request.payload
        assert payload is not None
        if self._names_changed:  # somebody may have asked meanwhile whether it goes on
            self._publish_request(actor)
        if request.accesses:
            self._children.wait_for_end(actor)
            self._sessions.left(actor)
            if request.site in self.hot:
                self.steps += 1
            self._note_step(actor, request, request.site in self.hot, False, None)
        actor.finished = True
        self.live.remove(actor)
        self.unfinished -= 1
        owner: Any = actor
        owner.life.over = True
        if actor.child:
            self._child_ended(actor, payload[:-2])
            return
        self._was_not_killed(actor)
        why = complaint(actor.name, payload[:-2])
        if why is not None:
            self._fail(actor, why)

    def _kill(self, kill: Outside) -> None:
        """Let the actor beside which ``kill`` stands be no more."""
        actor: Any = kill.owner
        request = self._pending[actor]
        if self.events is not None:
            self.events.append(event_of(kill, IS_KILLED))
        self._children.kill(actor)
        if not self._sessions.left(actor):
            self.doubts[f"{actor.name} was killed while it waited in a database, which goes on without it"] = None
        self._crashes.killed = actor
        self.steps += 1
        self._is_no_more(actor, kill, request.site)
        if self.recorder is not None:
            told = f"before it {request.word} {self._told(request.label)}".rstrip()
            self.recorder.operation(kill, IS_KILLED, None, request.site, told)

    def _is_no_more(self, actor: ProcessActor, by: Actor, site: Site) -> None:
        """Its process was killed, and the system has freed what it held."""
        self._mark(by, actor.life, LIFE, True, site)
        for lock in self._paths.locks():
            if lock.ended(actor):
                self._mark(by, lock, SYNC, True, site)
        self._paths.used_all()
        if self.rounds is not None:
            self.rounds.killed(actor)
        if actor.wait is not None:
            actor.wait = None
            self.waiting -= 1
        actor.finished = True
        self.live.remove(actor)
        self.unfinished -= 1
        actor.life.over = True
        self._names_changed = True

    def _child_ended(self, actor: Actor, payload: tuple[Any, ...]) -> None:
        raise NotImplementedError

    def _was_not_killed(self, actor: Actor) -> None:
        """An actor has ended, and could have been killed before each of its operations."""
        kill = self._crashes.too_late(actor)
        if kill is not None:
            owner: Any = actor
            kill.site = self._site(_AT_THE_END, IS_KILLED)
            if self.events is not None:
                self.events.append(event_of(kill, IS_KILLED))
            self._mark(kill, owner.life, LIFE, True, kill.site)

    def _ended_as_told(self, actor: Actor) -> None:
        """Its process is no more, and ended as it had said that it would."""
        if self._children.wait_for_end(actor):
            self._fail(actor, ChildFailure(f"{actor.name} {self._children.how_ended(actor)}"))

    def _see_to_memory(self) -> None:
        """See what setup has made of memory that processes share."""
        self._reaching.look(self._children.memory.escapes())
        self._children.memory.arrange()
        for name in self._children.segments.made:
            self._paths.was_made(self._children.segments.path(name))

    def _told(self, text: str) -> str:
        """A text without what is another one in each execution, and without the private directory."""
        text = self._without_segments(text)
        text = text.replace(f"{self._directory.work}/", "").replace(self._directory.base, "<private>")
        for name, pid in self._children.pids():
            if str(pid) in text:
                text = re.sub(rf"(?<!\d){pid}(?!\d)", f"<pid of {name}>", text)
        return text

    def _without_segments(self, text: str) -> str:
        """A text without the names that chance gave to segments of setup."""
        for number, name in enumerate(self._children.segments.made, 1):
            if _BY_CHANCE.fullmatch(name):
                text = text.replace(name, f"<segment {number}>")
        return text

    def _see_to_ranges(self) -> None:
        """Where memory turned out to be touched in other parts than was known, what was covered was not all."""
        if self._paths.ranges.grew:
            self._paths.ranges.grew = False
            self.discovery.has_news()

    def _fail(self, actor: Actor, error: BaseException) -> NoReturn:
        if self._reaching.reached(actor, error):
            raise Stopped
        if isinstance(error, ChildFailure):
            error = ChildFailure(
                self._told(error.message), error.detail, error.kind
            )  # which is the same in every execution
        actor.error = error
        self.current = actor
        self.halted = "exception"
        raise Stopped

    def _find_dead(self) -> None:
        """Nobody can go on: perhaps because somebody was killed while it waited."""
        for actor in self.live:
            if self._children.is_dead(actor):
                self._fail(actor, ChildFailure(f"{actor.name} {self._children.how_ended(actor)}"))

    def _find_endless(self) -> None:
        """End an execution in which all that is left goes round, or waits for what nobody will do."""
        rounds = self.rounds
        if rounds is None:
            return
        busy = [actor for actor in self.live if rounds.goes_round(actor)]
        if busy and all(map(self._stays, self.live)) and rounds.were_seen(busy, _ROUNDS):
            self.going_round = tuple([actor.name for actor in busy])
            self.halted = "endless"
            raise Stopped

    def _stays(self, actor: Actor) -> bool:
        """Whether, if nobody changes anything any more, it does not either."""
        if self.rounds is not None and self.rounds.goes_round(actor):
            return True
        return actor.wait is not None and actor.wait.deadline is None and not actor.wait.ready()

    def _find_unsent(self) -> None:
        """Nobody can go on, but the thread of a queue, which is no actor, may have had something to send meanwhile."""
        for actor, label in self._unsent.items():
            if label and actor in self.live and self._pending[actor].wait[:1] != ("put",):
                self.escape(f"{actor.name} waits while a thread of its own sends what it put into {self._told(label)}")
                raise Stopped

    def _stands_still(self, actor: Actor) -> NoReturn:
        """It waits for ever for something that only its own process could do, such as to release a lock."""
        before = self._pending.get(actor)
        where = (f"{actor.name}: after {before.where}",) if before is not None else ()
        if self.discovery.uncontrolled:  # a timer of the system, a process that it has started
            known = next(iter(self.discovery.uncontrolled))
            self.escape(f"{actor.name} waits for something in its own process; {known}")
            raise Stopped
        other = _other_thread(self._older_threads, self._processes)
        if other:
            self.escape(
                f"{actor.name} waits for something in its own process that a thread of the runner may hold: {other}"
            )
            raise Stopped
        message = f"{actor.name} waits for ever for something in its own process"
        self._fail(actor, ChildFailure(message, where, "deadlock"))

    def _note_standstill(self) -> None:
        """Keep who waits for what."""
        self.standstill = [(actor, actor.wait) for actor in self.live if actor.wait is not None]
        self.held, self.was_set = {}, frozenset()
        for actor, wait in self.standstill:
            lock, wanted = wait.owner, self._pending[actor].wanted
            if isinstance(lock, Semaphore) and lock.holder is not None:
                self.held[id(lock)] = lock.holder
            elif isinstance(lock, FileLock) and wanted is not None:
                holder = lock.holder(wanted)
                self.held[id(lock)] = holder if holder is not None else "outside"
