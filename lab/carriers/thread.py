"""Actors on pooled OS threads of which one at a time runs: a hand-over costs some ten microseconds.

For builds that greenlet does not support, and for code that looks at the thread it
really runs on.  Who has the turn runs; everybody else waits for a lock of its own.
"""

from __future__ import annotations

from _thread import allocate_lock, start_new_thread
from contextvars import Context
from functools import partial
from threading import get_ident
from typing import Any, cast

from lab.carriers.actor import Actor
from lab.carriers.control import Control
from lab.carriers.execution import Stopped
from lab.carriers.seat import Ender, Seat, begin_actor, end_actor, end_thread, room_to_call
from lab.carriers.watch import LOOK, Watch, stopped
from lab.discovery import Discovery
from lab.forks import FORKED, end_child
from lab.hooks import DRIVERS
from lab.program import has_run

_PATIENCE = 100  # how often an actor that swallows `Stopped` is told again
_ATTEMPTS = 4  # to end an actor that does not come by the lab
_GRACE = 0.5  # seconds for each


class ThreadControl(Control):
    """The `thread` carrier."""

    __slots__ = ("_error", "_idle", "_made", "_own", "_passing", "_running", "_seats")

    def __init__(self, discovery: Discovery, steps: int) -> None:
        super().__init__(discovery, steps)
        self._seats: dict[int, Seat] = {}
        self._idle: list[Seat] = []
        self._made: list[Seat] = []
        self._own = self._running = Seat()  # the exploring thread's
        self._passing = allocate_lock()  # held while the turn changes hands, or an actor is given up
        self._error: BaseException | None = None  # for the exploring thread to raise
        self.main.runner = self._own
        self.main.resume = partial(self._switch, self._own)

    def execute(self, *arguments: Any, **named: Any) -> Any:
        """See `Control.execute`; raises what a signal's handler raised while actors ran."""
        self._error = None
        result = super().execute(*arguments, **named)
        if self._error is not None:
            raise self._error
        return result

    def _prepare(self, actor: Actor) -> None:
        if self._idle:
            seat = self._idle.pop()
        else:
            seat = Seat()
            seat.ended.acquire()
            self._made.append(seat)  # before there is a thread, which must be ended whatever comes in between
            seat.identity = start_new_thread(self._work, (seat,))
            self._seats[seat.identity] = seat
            self.discovery.threads.add(seat.identity)
        seat.actor = actor
        actor.runner = seat
        actor.resume = partial(self._switch, seat)

    # ------------------------------------------------------------ on the actors' threads

    def _switch(self, theirs: Seat) -> None:
        """Give the turn to another thread; returns when the calling one has it again."""
        mine = self._seats.get(get_ident())
        if mine is None:
            self._wait(theirs)
            if self._error is not None:
                raise self._error
            return
        try:
            room_to_call()
        except RecursionError:
            self.current = mine.actor or self.current
            raise
        with self._passing:
            DRIVERS.pop(mine.identity, None)
            if mine is not self._running:
                raise Stopped  # the others went on without this one
            self._running = theirs
            theirs.turn.release()
        mine.turn.acquire()
        DRIVERS[mine.identity] = self
        if self.unwinding:
            raise Stopped

    def _work(self, seat: Seat) -> None:
        """Run one actor after another."""
        try:
            while seat.turn.acquire() and seat.actor is not None:
                self._run(seat, seat.actor)
                if not self._leave(seat, seat.actor):
                    break
        except Stopped:
            pass  # it came late
        finally:
            DRIVERS.pop(seat.identity, None)
            self.discovery.threads.discard(seat.identity)
            self._seats.pop(seat.identity, None)
            end_thread(seat.identity)
            self._made.remove(seat)
            seat.ended.release()

    def _run(self, seat: Seat, actor: Actor) -> None:
        actor.begun = True
        begin_actor()
        DRIVERS[seat.identity] = self
        if self.watching:
            self.discovery.report()
        error: BaseException | None = None
        try:
            result = Context().run(actor.body, *actor.argument)
            if result is not None and actor.parent is None:
                has_run(f"actors[{actor.name!r}]", actor.body, result)
            result = None
            if self.daemons and not actor.daemon:
                self.end_as_step(actor)
        except Stopped:
            pass
        except BaseException as left:
            error = left
            if seat.identity not in FORKED:
                self.failed(actor, error)
        if seat.identity in FORKED:
            end_child(error)
        error = None
        seat.used |= self.locals.leave(actor)
        end_actor()

    def _leave(self, seat: Seat, actor: Actor) -> bool:
        """Give the turn on at the end of an actor; false if the thread has to end."""
        if DRIVERS.pop(seat.identity, None) is None:
            return False  # in the child of a fork
        seat.actor = None
        if actor.runner is seat:
            actor.runner = None
        following = self.main
        if self.unwinding:
            actor.finished = True
        else:
            try:
                following = self._ended(actor)
            except BaseException as error:  # not the actor's, but the lab's own
                self._error, self.halted = error, "interrupted"
        with self._passing:
            if self._running is not seat:
                return False
            DRIVERS.pop(seat.identity, None)  # it may have been told to end just now
            self._pass_to(following)
            if not seat.used:
                self._idle.append(seat)
            self._running = following.runner
            self._running.turn.release()
        return not seat.used

    # ------------------------------------------------------------ on the exploring thread

    def _wait(self, theirs: Seat) -> None:
        """Give the turn away until it comes back; end an actor that blocks, and all of them when interrupted."""
        DRIVERS.pop(self.identity, None)  # a signal's handler runs on this thread: it is no actor's step
        try:
            self._running = theirs
            theirs.turn.release()  # no handler runs between the beginning of ``try`` and this
            watch = Watch(self)
            while not self._own.turn.acquire(True, LOOK):
                if watch.is_overdue(self._running.identity):
                    self.escape(watch.place)
                    self._take_back()
                    break
        except BaseException as error:
            self._error = error
            self._take_back()
        self._running = self._own
        self._pass_to(self.main)
        DRIVERS[self.identity] = self

    def _take_back(self) -> None:
        """End the running actor wherever it is; if it cannot be ended, go on without it."""
        self.unwinding = self.quiet = True
        self.halted = self.halted or "interrupted"
        for attempt in range(_ATTEMPTS + 1):
            with self._passing:
                running = self._running
                if running is self._own:
                    self._own.turn.acquire(False)  # it came back by itself
                    return
                if attempt == _ATTEMPTS:
                    running.lost = True
                    self._running = self._own
                    return
                DRIVERS[running.identity] = cast("Any", Ender(partial(self._park, running)))
            try:
                if attempt and stopped(running.identity, self._own.turn, _GRACE):
                    return
                if not attempt and self._own.turn.acquire(True, _GRACE):
                    return
            except BaseException as error:  # once more
                self._error = error

    def _park(self, seat: Seat) -> None:
        """Called on the thread of an actor that catches whatever tells it to end: give the turn back, and wait."""
        with self._passing:
            if self._running is seat:
                DRIVERS.pop(seat.identity, None)
                self._running = self._own
                self._own.turn.release()
        seat.turn.acquire()
        DRIVERS[seat.identity] = self

    def _unwind(self, actor: Actor) -> None:
        seat = actor.runner
        if seat is None:  # interrupted before it had one
            actor.finished = True
            return
        if not actor.begun:
            actor.finished = True
            self._idle.append(seat)
        for _ in range(_PATIENCE):
            if actor.finished or seat.lost:
                break
            self._pass_to(actor)
            self._wait(seat)
        else:
            seat.lost = not actor.finished
        actor.runner = None

    def close(self) -> None:
        """Let every thread end, also where a signal came in the middle of preparing or unwinding an actor."""
        self.unwinding = self.quiet = True
        self._unwind_all()
        seats = [seat for seat in list(self._made) if seat.actor is None or not seat.actor.begun]
        for seat in seats:
            seat.actor = None
            seat.turn.release()
        for seat in seats:
            seat.ended.acquire(True, _GRACE)
        self._idle.clear()
