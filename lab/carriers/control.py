"""Runs a program once under control: what every carrier has in common."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from functools import partial
from types import FrameType
from typing import Any

from lab.carriers.actor import Actor
from lab.carriers.arriving import Arriving
from lab.carriers.execution import Choose, Recorder, Sharing, Stopped
from lab.errors import Interrupted
from lab.forks import FORKED, end_child
from lab.hooks import DRIVERS
from lab.instrument import Site
from lab.origin import frame_of_program, shown
from lab.virtual.caches import store
from lab.virtual.calling import as_actor


def _pass_on(hook: Callable[[Any], object], unraisable: Any) -> None:
    if unraisable.exc_type is not Stopped:
        hook(unraisable)


class Control(Arriving):
    """One exploration's engine; `execute` runs the program once.

    Subclasses say how an actor is prepared and unwound; `Actor.resume` switches to it.
    """

    __slots__ = ()

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
        """Run the program once; what ``finish(state)`` gave, or None if it was not reached.

        With ``writes``, which sees the first writes, all that others may notice is noticed, but not told in full.
        Afterwards ``halted`` tells why it was cut short, `Actor.error` who failed.
        """
        self._clear()
        self.choose = choose
        self.recorder = recorder
        self.sharing = sharing
        self.writes = writes
        self.watching = sharing is not None or writes is not None
        if recorder is not None or sharing is not None:
            self.noted = True
        if len(self._declared) != len(bodies):
            called = [(name, as_actor(self, name, body)) for name, body in bodies]
            self._declared = [Actor(index, name, body, ()) for index, (name, body) in enumerate(called, 1)]
        self.next_index = len(bodies) + 1
        state: Any = None
        begun = torn_down = False
        DRIVERS[self.identity] = self
        if self.watching:
            self.discovery.watch(writes is not None)
            self.watched = True
        elif self.watched:
            self.watched = False
            self._leave_watched()
        try:
            for actor in self._declared:
                actor.argument = ()  # the state of the execution before ends here, at the same moment each time
            state = setup()
            if self.identity in FORKED:
                end_child()
            begun = True
            if bodies:
                self._start_all(bodies, state)
                self._join_all()
            if self.closing is not None:
                self.closing()
            result = finish(state)
            torn_down = True
            if teardown is not None:
                self._tear_down(teardown, state)
            if len(self.live) > 1:
                self._note_left_behind()
            return result
        except Stopped:
            return None
        finally:
            cut_short = len(self.live) > 1 or self.halted
            if cut_short or self.ended is not None:
                self._note_end()
            self.unwinding = self.quiet = True
            if cut_short:
                self._unwind_all()
            self.going_on = False
            if self.watching:
                self.discovery.unwatch()
            DRIVERS.pop(self.identity, None)
            self.twins.memory.forget()
            if self.locals.met:
                self.locals.forget()
            if begun and not torn_down and teardown is not None:
                self._tear_down(teardown, state)
            if self.interrupted is not None:
                error = self.interrupted
                raise error if isinstance(error, KeyboardInterrupt) else Interrupted(error)

    def _tear_down(self, teardown: Callable[[Any], object], state: Any) -> None:
        """What teardown raises must not hide why the execution failed; the caller weighs the two."""
        try:
            teardown(state)
        except Exception as error:
            self.teardown_error = error

    def _start_all(self, bodies: Sequence[tuple[str, Callable[[Any], Any]]], state: Any) -> None:
        declared = self._declared
        argument = (state,)
        for actor in declared:
            actor.reset()
            actor.argument = argument
            if actor.runner is None:
                self._prepare(actor)
        self.actors += declared
        self.live += declared
        self.unfinished = len(declared)
        self.locals.begin(self.sharing is not None or self.recorder is not None)

    def spawn(
        self, name: str, body: Callable[..., Any], arguments: tuple[Any, ...], daemon: bool, thread: Any
    ) -> Actor:
        """Start a child thread of the program as a further actor."""
        actor = Actor(self.next_index, name, body, arguments)
        self.next_index += 1
        actor.parent = self.current
        actor.born = len(self.events or ())
        actor.daemon = daemon
        actor.thread = thread
        self._prepare(actor)
        self.actors.append(actor)
        self.live.append(actor)
        self.daemons = self.daemons or daemon
        self.quiet = False
        return actor

    def returned(self, caller: FrameType | None, site: Site) -> None:
        """A function that a cache may have called is about to return."""
        store(self, caller)

    def _join_all(self) -> None:
        self.live.remove(self.main)
        self.joining = True
        self.quiet = False
        guarded = self.writes is not None
        if guarded:
            self.texts = self.locals.guard()
        try:
            self._hand_over(self.main, self._first(self._enabled() if self.waiting else self.live))
        finally:
            self.joining = False
            if guarded:
                self.texts = {}
                self.late |= self.locals.unguard()
            self.live.insert(0, self.main)
        self.quiet = True

    def _note_end(self) -> None:
        """Keep what unwinding undoes."""
        if self.closing is not None and self.halted:
            self.closing()
        if self.halted == "stuck":
            self._note_standstill()
        self.ended_with = [actor for actor in self.live if actor is not self.main]
        self.last = self._ran_last()

    def _ran_last(self) -> str:
        """Who ran when the execution was cut short, by a failure or because only daemons were left."""
        if not self.halted:
            return self.ended.name if self.ended is not None else ""
        return next((actor.name for actor in self.actors if actor.error is not None), self.current.name)

    def _note_left_behind(self) -> None:
        """Threads that neither ended nor are daemons would keep the interpreter from exiting."""
        if any(actor is not self.main and not actor.daemon and actor.wait is not None for actor in self.live):
            self.left_behind = True
            self._note_standstill()

    def _note_standstill(self) -> None:
        """Keep who waits for what, before unwinding undoes it."""
        memory = self.twins.memory
        self.standstill = [(actor, actor.wait) for actor in self.live if actor.wait is not None]
        for actor, wait in self.standstill:
            wait.doing = actor.doing
        self.held = memory.holders()
        if self.standstill and self.twins.uses_files:
            self.held.update(self.twins.files.holders(self.standstill))
        self.was_set = frozenset(memory.was_set)

    def _unwind_all(self) -> None:
        """End all actors; what is told to end in a finalizer or a weak reference's callback is nobody's concern."""
        before = sys.unraisablehook
        passing = sys.unraisablehook = partial(_pass_on, before)
        try:
            for actor in self.actors[1:]:
                if not actor.finished:
                    self._unwind(actor)
        finally:
            if sys.unraisablehook is passing:
                sys.unraisablehook = before

    def not_thread_safe(self, what: str) -> None:
        """A thread used what belongs to a loop of another one, without telling the loop."""
        if self.quiet or self.unwinding:
            return
        frame = frame_of_program(skip_libraries=True)
        where = f" at {shown(frame.f_code.co_filename)}:{frame.f_lineno}" if frame is not None else ""
        message = f"{what} is not thread-safe: {self.current.name} used it from another thread than the loop's{where}"
        if not any(message == known for _, known, _ in self.findings):
            self.findings.append(("exception", message, ()))

    def busy_actors(self) -> list[Actor]:
        """Who had not ended, and did not wait, when the execution was cut short."""
        return [actor for actor in self.live if actor is not self.main and actor.wait is None]

    def escape(self, place: str) -> None:
        """An actor did not come by the lab any more; what follows is no controlled execution."""
        self.halted = self.halted or "escaped"
        self.escaped = place
        self.discovery.uncontrolled[place] = None

    def take_off(self) -> None:
        """Called in the middle of an actor's own code: let the main actor go on instead."""
        if self.current is not self.main:
            self.halt("escaped")

    def struck(self, error: BaseException) -> None:
        """A signal's handler raised ``error`` where this is called: that ends the execution, whoever would catch it."""
        self.interrupted = error
        if not self.going_on or self.unwinding:  # then it is raised when that is over
            return
        self.next_look = -1  # at the next step, where nobody can be taken off
        if self._is_elsewhere():
            self.halted = self.halted or "interrupted"
            self._pass_to(self.main)
            self.main.resume()

    # ------------------------------------------------------------ for each carrier

    def _is_elsewhere(self) -> bool:
        """Whether the exploring thread is in the middle of an actor's code."""
        return False

    def _prepare(self, actor: Actor) -> None:
        """Give ``actor``, which has no runner, something to run on and set its ``resume``."""
        raise NotImplementedError

    def _unwind(self, actor: Actor) -> None:
        """End an actor that is in the middle of something."""
        raise NotImplementedError

    def _leave_watched(self) -> None:
        """Between executions whose functions were reported as they started and one whose are not."""

    def close(self) -> None:
        """End what the carrier keeps between executions."""
        raise NotImplementedError
