"""Actors that are processes of their own: forked for each execution, and stopped before each operation they share.

The runner keeps who may go on; a child asks before each such operation and does it for real once it is told to.
Nobody else runs meanwhile, so an operation is a step.  What an actor does in its own memory concerns nobody.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from lab.carriers.actor import TIMED_OUT, Actor, event_of, next_in_turn
from lab.carriers.children import Children
from lab.carriers.crashing import Crashes, ProcessActor
from lab.carriers.execution import Choose, Recorder, Sharing, Stopped
from lab.carriers.private import PrivateDirectory
from lab.carriers.process_births import ProcessBirths
from lab.carriers.process_rounds import ProcessRounds
from lab.carriers.process_sites import Sites
from lab.carriers.reaching import Reaching
from lab.carriers.task_actor import Outside
from lab.child.others import ASKS_FOR_LIFE
from lab.discovery import Discovery
from lab.errors import Interrupted
from lab.filesystem.paths import Paths
from lab.filesystem.sessions import Sessions
from lab.filesystem.walks import Walks
from lab.hooks import DRIVERS, Bystander
from lab.naming import short

_SPIN = 300  # operations in a row on nothing shared, which may be a loop that waits for others


class ProcessControl(ProcessBirths):
    """The `process` carrier."""

    is_of_processes = True

    def __init__(
        self, discovery: Discovery, steps: int, strict: bool = False, crashes: Iterable[str] = frozenset()
    ) -> None:
        super().__init__(discovery, steps)
        self._crashes = Crashes(crashes)
        self._directory = PrivateDirectory()
        self._children = Children(self._directory, strict, self._crashes.names)
        self._reaching = Reaching(self._children.operations.stops.guard, discovery, strict)
        self._paths, self._walks = Paths(), Walks()
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
        self._walks.begin()
        self._paths.is_new(self._directory.temporary)
        self._paths.is_new(self._directory.segments)
        self._pending.clear()
        self._begin_births()
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
                self._children.channels.take_back()
                self.going_on = False
                self._see_to_ranges()
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
        self._reaching.begin()
        state = setup()
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
        for actor in self._processes:
            actor.reset()
            actor.life.over = False
            actor.argument = (state,)
            actor.begun = True
        self._see_to_memory()  # of which the state of the execution before has none any more
        self.rounds = ProcessRounds(self._paths) if self.waits else None
        self._children.begin(self._declared, state, self.now, self._sessions.fds(), self.waits, self._reaching)
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
            self._complain_of_children()
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
        elif self.has_offspring:
            self._see_to_ends()
        enabled = self._enabled()
        if not enabled:
            self._find_dead()
            self._complain_of_children()
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
            if actor.wait is not None and self.rounds is not None and self.rounds.came_round(actor):
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
        if self._children.channels.lends:
            self._see_to_readers(request)
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
        if self._newborn:
            self._bring_up()
        self._find_endless()
        if self.steps > self.next_look:
            self._look()

    def files(self) -> dict[str, str]:
        """What is in the small files of the private directory, as text, by their paths there."""
        return {name: short(self._told(text)) or "" for name, text in self._directory.small_files()}

    def close(self) -> None:
        """See `Control.close`; the last state must not live on, as it may share memory."""
        for actor in self._declared:
            actor.argument, actor.error = (), None
        self.actors, self._pending, self.recorder, self.sharing = [self.main], {}, None, None
        self._children.close()
        self._reaching.close()
        self._sessions.close()
        self._directory.close()
