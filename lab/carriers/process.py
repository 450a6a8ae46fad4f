"""Actors that are processes of their own: forked for each execution, and stopped before each operation they share.

The runner keeps who may go on; a child asks before each such operation and does it for real once it is told to.
Nobody else runs meanwhile, so an operation is a step.  What an actor does in its own memory concerns nobody.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from lab.carriers.actor import TIMED_OUT, Actor, Wait, event_of, next_in_turn
from lab.carriers.asked import answer, known
from lab.carriers.children import Children, StandsStill
from lab.carriers.crashing import Crashes, ProcessActor
from lab.carriers.execution import Choose, Recorder, Sharing, Stopped
from lab.carriers.mappings import keeps_shared_memory, maps_shared_memory
from lab.carriers.private import PrivateDirectory
from lab.carriers.process_ends import ProcessEnds
from lab.carriers.process_rounds import ProcessRounds
from lab.carriers.process_sites import Sites
from lab.carriers.task_actor import Outside
from lab.child.net import ASKS_FOR_LIFE
from lab.child.wire import Gone
from lab.discovery import Discovery
from lab.errors import Interrupted
from lab.filesystem.paths import Paths
from lab.filesystem.request import HELD_BY_OTHERS, LETS_GO, Request, waiting
from lab.filesystem.sessions import Sessions
from lab.forks import ChildFailure
from lab.hooks import DRIVERS, Bystander
from lab.instrument import Site
from lab.naming import short

_AT_THE_END = ("", "", 0, 0)
_FREE = "which is not under control"
_SPIN = 300  # operations in a row on nothing shared, which may be a loop that waits for others


class ProcessControl(ProcessEnds):
    """The `process` carrier."""

    is_of_processes = True

    def __init__(
        self, discovery: Discovery, steps: int, strict: bool = False, crashes: Iterable[str] = frozenset()
    ) -> None:
        super().__init__(discovery, steps)
        self._crashes = Crashes(crashes)
        self._strict = strict
        self._kept = strict and keeps_shared_memory()
        self._directory = PrivateDirectory()
        self._children = Children(self._directory, strict, self._crashes.names)
        self._paths = Paths()
        self._paths.root = self._directory.work
        self._paths.value = self._children.semaphores.value
        self._paths.channels = self._children.channels
        self._sessions = Sessions()
        self._sites = Sites()
        self._pending = {}
        self._processes = []
        self._by_pid: dict[int, ProcessActor] = {}
        self._given_way: Actor | None = None
        self._unsent = {}
        self._names_changed = False  # a path may lead to something else than it did
        self._left_over = ""
        self._older_threads = ()
        self.rounds: ProcessRounds | None = None

    # ------------------------------------------------------------ one execution

    def execute(
        self,
        setup: Callable[[], Any],
        bodies: Sequence[tuple[str, Callable[[Any], Any]]],
        finish: Callable[[Any], Any],
        choose: Choose,
        recorder: Recorder | None = None,
        sharing: Sharing | None = None,
        teardown: Callable[[Any], object] | None = None,
        writes: Any = None,
    ) -> Any:
        """See `Control.execute`; setup, check, outcome and teardown run in the runner, in the private directory."""
        self._clear()
        self.choose, self.recorder, self.sharing = choose, recorder, sharing
        self.noted = True
        if len(self._declared) != len(bodies):
            self._processes = [ProcessActor(index, name, body, ()) for index, (name, body) in enumerate(bodies, 1)]
            self._declared = [*self._processes]
        self._paths.clear(len(bodies))
        self._paths.is_new(self._directory.temporary)
        self._pending.clear()
        self._unsent.clear()
        self._sessions.begin()
        begun = torn_down = False
        state: Any = None
        DRIVERS[self.identity] = Bystander()  # whoever explores in the middle of it is told so
        with self._directory.fresh():
            try:
                state = self._set_up(setup)
                begun = True
                if bodies:
                    self._start_all(bodies, state)
                    self._run()
                if self.closing is not None:
                    self.closing()
                result = finish(state)
                torn_down = True
                if teardown is not None:
                    self._tear_down(teardown, state)
                return result
            except Stopped:
                return None
            finally:
                if len(self.live) > 1 or self.halted:
                    self._note_end()
                self.unwinding = self.quiet = True
                self._children.end_all()
                self.going_on = False
                DRIVERS.pop(self.identity, None)
                try:
                    self._sessions.finish()
                finally:
                    if begun and not torn_down and teardown is not None:
                        self._tear_down(teardown, state)
                    if self.interrupted is not None:
                        error = self.interrupted
                        raise error if isinstance(error, KeyboardInterrupt) else Interrupted(error)

    def _set_up(self, setup: Callable[[], Any]) -> Any:
        """Make a state, and see what of it would escape control."""
        self._children.begin_anew()
        self._children.semaphores.begin()
        self._children.channels.begin()
        self._older_threads = set(sys._current_frames()) - {self.identity}
        state = setup()
        if self._kept:
            self.discovery.uncontrolled[f"memory that processes share was mapped before setup, {_FREE}"] = None
        elif self._strict and (maps_shared_memory() or self._children.memory.escapes()):
            self.discovery.uncontrolled[f"setup maps memory that processes share, {_FREE}"] = None
        semaphore = "a lock or semaphore that it did not make" if self._children.semaphores.changed() else ""
        memory = "shared memory that it did not make" if self._children.memory.changed() else ""
        self._left_over = self._paths.beyond.changed() or self._sessions.changed() or semaphore or memory
        return state

    def left_over(self) -> str:
        """See `Arriving.left_over`."""
        return self._left_over

    def see_to_servers(self) -> None:
        """See `Arriving.see_to_servers`."""
        self._sessions.are_there()

    def _start_all(self, bodies: Sequence[tuple[str, Callable[[Any], Any]]], state: Any) -> None:
        for actor in self._declared:
            actor.reset()
            actor.argument = (state,)
            actor.begun = True
        self.rounds = ProcessRounds(self._paths) if self.waits else None
        self._children.begin(self._declared, state, self.now, self._sessions.fds(), self.waits)
        self._by_pid = self._children.by_pid()
        self.actors += self._declared
        self.actors += self._crashes.begin(self._processes, self._kill)
        self.live += self._declared
        self.unfinished = len(self._declared)

    def _run(self) -> None:
        self.live.remove(self.main)
        self.quiet = False
        try:
            for actor in self._declared:
                self.current = actor
                self._go_to(actor, self._hear(actor))
                self._advance(actor)
            current: Actor | None = None
            while self.live:
                actor = self._choose(current)
                if isinstance(actor, Outside):
                    actor.happen()
                    current = None
                    continue
                self.current = actor
                self._take(actor)
                self._advance(actor)
                current = actor if not actor.finished else None
            for actor in self._declared:
                if actor is not self._crashes.killed:
                    self._ended_as_told(actor)
            self._sessions.settle()
        finally:
            self.live.insert(0, self.main)
        self.current = self.main
        self.quiet = True

    def _choose(self, current: Actor | None) -> Actor:
        """Ask the strategy who goes on."""
        if self._names_changed:
            self._names_changed = False
            for actor in self.live:
                self._publish_request(actor)
        enabled = self._enabled()
        if not enabled:
            self._find_dead()
            self._find_unsent()
            self.halted = "stuck"
            raise Stopped
        if self._given_way is not None:
            following, self._given_way = next_in_turn(enabled, self._given_way), None
            if following is not None:
                return following
        if current is not None and self._pending[current].goes_on:
            enabled = [current]  # in the middle of a write
        if self._crashes.kills and not self.last_chance:
            enabled = [*enabled, *self._crashes.possible(self._paths, self._pending)]
        if len(enabled) < self.fewest:
            return enabled[0]
        chosen = self.choose(enabled, current)
        self.choices.append(chosen.index)
        return chosen

    def _give_way(self, actor: Actor) -> None:
        """See `Scheduling._give_way`: here the loop in `_run` does it."""
        self.gave_way = True
        self._given_way = actor

    # ------------------------------------------------------------ an operation

    def _advance(self, actor: Actor) -> None:
        """Let ``actor`` go on up to an operation that concerns others, or that has to wait."""
        passed = 0
        while not actor.finished:
            request = self._pending[actor]
            if actor.wait is not None and not (actor.wait.ready() and request.site not in self.hot):
                return
            if actor.wait is None and request.site in self.hot:
                return
            if not request.ends:
                self.quiet_steps += 1
                passed += 1
                if passed > _SPIN or self.quiet_steps - self.last_decision > _SPIN:
                    passed = 0
                    self._spin(actor)
                    if self._given_way is not None:
                        return
            self._take(actor)

    def _publish_request(self, actor: Actor) -> None:
        """Tell the strategies what the actor is about to do, as things stand now."""
        request = self._pending[actor]
        request.publish(self._paths, self._crashes.lives(request, self._processes, self._by_pid))

    def _take(self, actor: Actor) -> None:
        """Let ``actor`` do the operation that it has come to, and come to the next one."""
        request = self._pending[actor]
        if actor.wait is not None:
            self._wake(actor)
        timed_out, actor.timed_out = actor.timed_out or request.is_refused(self._paths), False
        counts = request.blocks or request.site in self.hot
        if self.events is not None and counts:
            if timed_out:
                self.events.append(event_of(actor, TIMED_OUT, True, True))
            else:
                self.events.append(event_of(actor, request.kind, request.blocks, request.timed))
        if request.word == ASKS_FOR_LIFE:
            self._children.reap(one for one in self._declared if one.finished)
        self._children.answer(actor, timed_out, self.now)
        if request.ends:
            self._end(actor, request)
            return
        heard = self._hear(actor)
        if counts:
            self.last_decision = self.quiet_steps
            self.steps += 1
        self._note_step(actor, request, counts, timed_out, heard[2] if heard is not None else None)
        self._go_to(actor, heard)
        self._find_endless()
        if self.steps > self.next_look:
            self._look()

    def _note_step(self, actor: Actor, request: Request, counts: bool, timed_out: bool, result: str | None) -> None:
        if self.rounds is not None:
            self.rounds.happened(actor, request, result, timed_out)
        request.take(result, timed_out)
        if not timed_out and request.word in LETS_GO:
            self._paths.used(request.effects)
        if result == HELD_BY_OTHERS:
            self.doubts[f"{actor.name} waited for a lock on {self._told(request.label)} that no actor held"] = None
        for owner, key, write in request.accesses:
            if write and type(key) is tuple:
                self._names_changed = True
            self._mark(actor, owner, key, write, request.site)
        if self.recorder is not None and counts:
            word = f"{request.word} ({request.given_up})" if timed_out else request.word
            owner = self._named(request.subject(self._paths), request.label)
            detail = result if result is not None else request.detail
            self.recorder.operation(actor, word, owner, request.site, self._told(detail))

    def _named(self, owner: Any, label: str) -> Any:
        """``owner``, whose name in the trace is what the program calls it."""
        names = getattr(self.recorder, "names", None)
        if names is not None and owner is not None:
            names.give(owner, self._told(label))
        return owner

    def _told(self, text: str) -> str:
        """A text without what is another one in each execution, and without the private directory."""
        text = text.replace(f"{self._directory.work}/", "").replace(self._directory.base, "<private>")
        for name, pid in self._children.pids():
            if str(pid) in text:
                text = re.sub(rf"(?<!\d){pid}(?!\d)", f"<pid of {name}>", text)
        return text

    def files(self) -> dict[str, str]:
        """What is in the small files of the private directory, as text, by their paths there."""
        return {name: short(self._told(text)) or "" for name, text in self._directory.small_files()}

    # ------------------------------------------------------------ what children say

    def _answer(self, actor: Actor, *question: Any) -> object:
        """What a child is told about a session of its own."""
        return answer(self._sessions, actor, *question)

    def _hear(self, actor: Actor) -> tuple[str, Any, str | None] | None:
        """Wait for what ``actor`` comes to next, and the result of its last operation; None if it is no more."""
        try:
            kind, payload, result, notes, now = self._children.hear(actor, self._answer)
        except Gone:
            return None
        except StandsStill:
            self._stands_still(actor)
        except TimeoutError as error:
            self.escape(str(error))
            raise Stopped from None
        self.now = max(self.now, now)
        for sort, note in notes:
            if sort in ("doubt", "note"):
                (self.doubts if sort == "doubt" else self.notes)[note] = None
            elif sort == "code":
                self._children.prepare(note)
            elif sort in ("unsent", "sent"):
                self._unsent[actor] = note if sort == "unsent" else ""
            elif sort in ("writes", "wrote"):
                self._paths.database(note).writer = actor if sort == "writes" else None
            else:
                self.discovery.uncontrolled[f"{actor.name}: {note}"] = None
                self._children.is_wild(actor)
        return kind, payload, result

    def _go_to(self, actor: Actor, heard: tuple[str, Any, str | None] | None) -> None:
        """Take in what ``actor`` has come to, after all that it did before."""
        before = self._pending.get(actor)
        if heard is None:
            where = (f"{actor.name}: {before.where}",) if before is not None else ()
            self._fail(actor, ChildFailure(f"{actor.name} {self._children.how_ended(actor)}", where))
            return
        for made in before.made if before is not None else ():
            self._paths.made(made)
        request = self._pending[actor] = self._request(actor, *heard[:2])
        self._publish_request(actor)
        if request.blocks:
            kind, owner, ready, deadline = waiting(request, self._paths, self.now)
            actor.wait = Wait(kind, owner, ready, deadline, self.now, request.site)
            self.waiting += 1
            wait = actor.wait
            if request.timed and wait.deadline is not None and wait.deadline > self.now and not wait.any_order:
                self.timers.add(actor.index)
            if self.recorder is not None and request.awaited is not None:
                self._named(request.awaited, request.label)
                self.recorder.waits(actor, request.awaited, request.site)

    def _request(self, actor: Actor, kind: str, payload: Any) -> Request:
        if kind == "end":
            word, label, detail, wait = "ends", "", "", ("end",)
            effects, where = payload[-2:]
        else:
            word, label, effects, detail, wait, where, as_at = payload
            if self.rounds is not None:
                self.rounds.arrived(actor, as_at)
        site = self._site(where, word)
        effects, wait = known(self._sessions, effects, wait)
        request = Request(word, label, effects, detail, wait, site, actor)
        request.where = f"{where[0]}:{where[3]} in {where[1]}"
        if kind == "end":
            request.payload = payload
        request.find_locks(self._paths)
        return request

    def _site(self, where: tuple[str, str, int, int], word: str) -> Site:
        return self._sites.at(where, word)

    def close(self) -> None:
        """See `Control.close`; the last state must not live on, as it may share memory."""
        for actor in self._declared:
            actor.argument, actor.error = (), None
        self.actors, self._pending, self.recorder, self.sharing = [self.main], {}, None, None
        self._children.close()
        self._sessions.close()
        self._directory.close()
