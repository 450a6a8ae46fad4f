"""What each stretch of a task touches, in a world that is freer than the loop's: for proofs by classes of orders.

A *stretch* is what a task, or a callback, does from one ``await`` to the next; or one thing that happens to a task
from outside.  Here any callback that is ready may go next, timers may be up in any order, and who comes to a lock
waits before it takes it.  All that a loop with its order of callbacks can do is among that, so what holds here holds
there; what fails here need not fail there, and is no finding.

Two stretches depend on each other when both touch the same place and one writes it.  Places are what the hooks note,
and what they cannot see, noted here: the state of futures and tasks, of which C code has a part; whom a stretch made
ready; what it waits for.
"""

from __future__ import annotations

import asyncio
import types
from functools import partial
from types import FunctionType, MethodType
from typing import Any

from lab.carriers.actor import LONG_DELAY, Actor
from lab.carriers.awaiting import begin_site
from lab.carriers.loop import Timer
from lab.carriers.noting import GATED, STEPS, Noting
from lab.carriers.stretch import Stretch
from lab.carriers.task_actor import IS_CANCELLED, TIME_IS_UP, Outside, TaskActor
from lab.carriers.tasks import Tasks
from lab.carriers.turns import _AFTERWARDS
from lab.instrument import Site
from lab.kinds import is_a
from lab.operations import CONTENTS, SYNC

_READY = "ready"  # the key of the callbacks of an actor that are ready


class Stretches(Noting, Tasks):
    """Put before `Tasks`: freer, and every stretch is put down in ``stretches``."""

    gates = True

    def __init__(self, discovery: Any, steps: int) -> None:
        super().__init__(discovery, steps)
        assert self.clock.wait is not None
        self.clock.wait.ready = self._is_pending

    def _clear(self) -> None:
        super()._clear()
        self.stretches: list[Stretch] = []
        self.stretch: Stretch | None = None
        self._causes: dict[int, int] = {}  # id of a callback that is ready -> position of the stretch that made it so
        self._timers_made: dict[
            int, tuple[Timer, int, Outside | None]
        ] = {}  # timers by id, and which stretch made them
        self._gated: dict[Actor, Any] = {}  # who is about to take which lock
        self._locks: dict[int, Any] = {}
        self._opening: tuple[Actor, Any] | None = None
        self._callers: dict[int, TaskActor] = {}  # by id of a timer, whose callback is ready
        self._pending = False

    # ------------------------------------------------------------ putting down

    def _next(self) -> Actor | None:
        chosen: Actor | None = super()._next()
        if chosen is not None and not self.quiet:
            self._begin(chosen)
        return chosen

    def _start_all(self, bodies: Any, state: Any) -> None:
        super()._start_all(bodies, state)
        sharing: Any = self.sharing
        if self.noting:
            sharing.know(state)

    def _begin(self, chosen: Actor) -> None:
        if self._opening is not None:
            actor, entry = self._opening
            if self._gated.get(actor) is entry:
                self._unsure("a lock was acquired by code that goes on in a coroutine itself")
            self._opening = None
        sharing: Any = self.sharing
        named = sharing.named if self.noting else 0
        stretch = self.stretch = Stretch(chosen, -1, named)
        self.stretches.append(stretch)
        stretch.locked = frozenset(self._number(lock) for lock in self._locks.values() if not _is_free(lock))
        if isinstance(chosen, TaskActor) and chosen not in self.arriving:
            self._begin_callback(chosen, stretch)

    def _begin_callback(self, actor: TaskActor, stretch: Stretch) -> None:
        handle = self._first_of(actor)
        cause = self._causes.pop(id(handle), None)
        if cause is None:
            self._unsure("it is not known who made a callback ready")
            return
        stretch.cause = cause
        self._note(actor, _READY, True)
        self._note(handle._context, CONTENTS, True)
        self._note(handle, "_cancelled", False)
        if actor in self._gated:
            lock = self._gated[actor][0]
            task = actor.task() if actor.task is not None else None
            self._opening = actor, self._gated[actor]
            if task is None or not task._must_cancel:
                stretch.lock = self._number(lock)
                self._note(lock, SYNC, True)
        callback, owner = handle._callback, getattr(handle._callback, "__self__", None)
        if _is_step(callback):
            self._note(owner, STEPS, True)
        elif not is_a(callback, FunctionType | MethodType):
            self.call(callback, handle._args, _CALLED)

    # ------------------------------------------------------------ who is made ready

    def became_ready(self, callback: Any) -> None:
        """See `Turns.became_ready`."""
        super().became_ready(callback)
        handle = self.loop._ready[-1]
        self.made(handle)
        self._number(handle._context)
        self._causes[id(handle)] = len(self.stretches) - 1
        if not self.quiet:
            self._note(self._owner(handle), _READY, True)

    def comes_from_thread(self, callback: Any) -> None:
        """See `Tasks.comes_from_thread`."""
        if not self.quiet:
            self._unsure("a callback was handed over as from another thread")
        super().comes_from_thread(callback)

    def made_timer(self, timer: Timer) -> None:
        """See `Turns.made_timer`."""
        self.made(timer)
        self._timers_made[id(timer)] = timer, len(self.stretches) - 1, None

    def made(self, thing: Any) -> None:
        """See `Turns.made`."""
        super().made(thing)
        if self.stretch is not None and not self.quiet and self.noting:
            self.stretch.born.add(self._number(thing))

    def _child(self, task: Any) -> TaskActor:
        actor: TaskActor = super()._child(task)
        actor.born = len(self.stretches)
        self.made(task)
        return actor

    def _suspended(self, actor: TaskActor, task: Any) -> None:
        super()._suspended(actor, task)
        future = task._fut_waiter
        if future is not None:
            self._note(future, CONTENTS, True)

    def _task_ended(self, actor: TaskActor, task: Any) -> None:
        self._note(task, CONTENTS, True)
        super()._task_ended(actor, task)

    # ------------------------------------------------------------ whom the strategy may choose

    def _can_go_on(self) -> bool:
        return bool(self._ready())

    def _enabled(self) -> list[Actor]:
        enabled = super()._enabled()
        if self.network.used:
            self._unsure("there are connections")
        for one in enabled:
            if isinstance(one, Outside):
                if one.word not in (TIME_IS_UP, IS_CANCELLED):
                    self._unsure(f"it is not known what it touches that {one.owner.name} {one.word}")
            elif not isinstance(one, TaskActor) and one is not self.main:
                self._unsure("threads run beside tasks")
        return enabled

    def _is_pending(self) -> bool:
        return self._pending

    def _ready(self) -> list[Actor]:
        ready = [(handle, self._owner(handle)) for handle in self.loop._ready if not handle._cancelled]
        return list(dict.fromkeys(owner for handle, owner in ready if self._is_open(owner)))

    def _owner(self, handle: Any) -> Actor:
        """Each timer's callback is for itself: it may go before its task, or after."""
        if type(handle) is Timer:
            actor = self._callers.get(id(handle))
            if actor is None:
                actor = self._callers[id(handle)] = self._at_home(
                    TaskActor(self.next_index, "", _nothing, (), self.main)
                )
                actor.finished = True
                self.next_index += 1
                self.actors.append(actor)
            return actor
        return super()._owner(handle) if _is_step(handle._callback) else self.rest()

    def _is_open(self, actor: Actor) -> bool:
        entry = self._gated.get(actor)
        if entry is None or _is_free(entry[0]):
            return True
        task = actor.task() if isinstance(actor, TaskActor) and actor.task is not None else None
        return task is None or bool(task._must_cancel)

    def _due(self) -> list[Outside]:
        """All timers that are waited for, in any order; after the actors only the near ones."""
        timers = [timer for timer in self.loop._scheduled if not timer.gone and not timer._cancelled]
        timers.sort(key=lambda timer: timer.when())
        if self.joining and not self.unfinished:
            near = [timer for timer in timers if timer.when() <= self._all_ended_at + LONG_DELAY]
            if len(near) < len(timers):
                self._unsure("a timer was left when all actors had ended")
            timers = near
        self._pending = bool(timers)
        found = []
        for timer in timers:
            _, made, outside = self._timers_made[id(timer)]
            if outside is None:
                outside = self._outside(timer.owner, TIME_IS_UP, partial(self._let_be_up, timer))
                self._timers_made[id(timer)] = timer, made, outside
            found.append(outside)
        return found

    def _let_be_up(self, timer: Timer) -> None:
        self.now = max(self.now, timer.when())
        self._tell(TIME_IS_UP, timer.owner, self.waiting_for.get(timer.owner))
        if self.stretch is not None and not self.quiet:
            self.stretch.cause = self._timers_made[id(timer)][1]
        timer.gone = True
        timer._scheduled = False  # type: ignore[attr-defined]
        self.loop._ready.append(timer)
        self._causes[id(timer)] = len(self.stretches) - 1
        self._note(timer, "_cancelled", False)
        self._note(self._owner(timer), _READY, True)

    def _cancel(self, actor: TaskActor) -> None:
        task = actor.task() if actor.task is not None else None
        if task is not None:
            self._future(task, "cancel")
        super()._cancel(actor)

    # ------------------------------------------------------------ locks

    async def gate(self, lock: Any) -> None:
        """Before a lock is taken: the stretch ends, and the next one begins when it can be."""
        actor = self.current
        if self.quiet or type(lock) not in GATED or type(actor) is not TaskActor:
            return
        entry = self._gated[actor] = (lock, len(self.stretches))
        self._locks[id(lock)] = lock
        try:
            await _turn()
        finally:
            self._gated.pop(actor, None)
            if entry[1] == len(self.stretches):
                self._unsure("a lock was acquired by code that goes on in a coroutine itself")

    # ------------------------------------------------------------ the end

    def untaken(self) -> list[Stretch]:
        """Stretches that could have been taken at some moment of the execution and were not."""
        found = []
        for timer, made, outside in self._timers_made.values():
            stretch = None
            if outside is not None and not timer.gone:
                stretch = Stretch(outside, made, 0)
            elif id(timer) in self._causes:  # it was cancelled when its time was up
                stretch = Stretch(self._callers[id(timer)], self._causes[id(timer)], 0)
            if stretch is not None:
                stretch.touched[self._number(timer), "_cancelled"] = False
                found.append(stretch)
        for actor in self.actors:
            if isinstance(actor, TaskActor) and actor.canceller is not None and not actor.asked:
                task = actor.argument[1] if len(actor.argument) > 1 else None
                stretch = Stretch(actor.canceller, -1, 0)
                stretch.touched[self._number(task), STEPS] = True
                found.append(stretch)
        return found

    def _end_tasks(self) -> None:
        dropped = any(one._cancelled and type(one) is not Timer for one in self.loop._ready)
        if self._afterwards >= _AFTERWARDS or self._gated or dropped:
            self._unsure("something was left to do when all actors had ended")
        super()._end_tasks()


def _is_step(callback: Any) -> bool:
    """Whether it is the next step of a task, rather than one of its methods."""
    task = getattr(callback, "__self__", None)
    return is_a(task, asyncio.Task) and not hasattr(type(task), str(getattr(callback, "__name__", "")))


def _nothing(*_: object) -> None:
    """What those have as a body who have none."""


def _is_free(lock: Any) -> bool:
    """Whether ``acquire`` would take it at once; no method of it is called, as that would be a step."""
    inside = vars(lock)
    if any(not one.cancelled() for one in inside["_waiters"] or ()):
        return False
    return bool(inside["_value"] > 0) if "_value" in inside else not inside["_locked"]


@types.coroutine
def _turn() -> Any:
    yield


_CALLED = begin_site(_nothing.__code__)
_CALLED = Site(_CALLED.code, 0, "call", None, False, _CALLED.line, stepped=False, watched=True)
