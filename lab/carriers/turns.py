"""Which of a loop's callbacks goes next, and what happens from outside before.

A stock loop collects what has arrived and which timers are due, and then runs the callbacks that are ready, in the
order in which they became so, before it looks again (``BaseEventLoop._run_once``).  What arrives when, and whose
time is up, is the strategy's choice here; the rest is kept as it is.  With ``order="any"`` every callback is chosen.

While the loop looks, two stand-ins are in ``live``: ``host`` for what can run, ``clock`` for the earliest timers.
`_enabled` puts in their place whom the strategy may choose.  While a task takes its step, it is there itself.  So
threads of the program are chosen among tasks, by the same strategies, whether the loop asks or a thread does.
"""

from __future__ import annotations

import asyncio
import weakref
from functools import partial
from typing import TYPE_CHECKING, Any

from lab.carriers.actor import LONG_DELAY, Actor, Wait
from lab.carriers.awaiting import awaiting, begin_site, code_of
from lab.carriers.dialing import Of
from lab.carriers.execution import Stopped
from lab.carriers.home import AtHome
from lab.carriers.loop import ControlledLoop, Timer
from lab.carriers.network import Network
from lab.carriers.task_actor import ARRIVES, IS_CANCELLED, TIME_IS_UP, Outside, TaskActor
from lab.errors import Interrupted
from lab.instrument import Site

if TYPE_CHECKING:
    from lab.discovery import Discovery

_AFTERWARDS = 1_000
"""Turns for what the actors have left to do in tasks of their own when all of them have ended."""
_TASKS = (asyncio.Task, asyncio.tasks._PyTask)  # type: ignore[attr-defined]


class Turns(AtHome):
    """Runs the turns of one controlled loop on the exploring OS thread."""

    order = "fifo"
    gates = False  # a task waits before it takes a lock, not in the middle of that
    cancels: frozenset[str] = frozenset()  # whom the strategy may cancel
    loop: ControlledLoop

    def __init__(self, discovery: Discovery, steps: int) -> None:
        self.served: set[Any] = set()  # addresses, in some execution
        self.network = Network(self, self.served)  # the next execution has the same one if nobody used it
        super().__init__(discovery, steps)
        self.host = Actor(0, "loop", _nothing, ())
        self.clock = Actor(0, "clock", _nothing, ())
        self.host.wait = Wait("loop", None, self._can_go_on, None, self.now, None)
        self.clock.wait = Wait("sleep", None, _never, None, self.now, None)

    def _clear(self) -> None:
        super()._clear()
        self.arriving: list[TaskActor] = []
        if self.network.used or self.network.pieces:
            self.network = Network(self, self.served)
        self._by_task: dict[int, Actor] = {}
        self._timers: dict[Actor, Outside] = {}
        self._rest: TaskActor | None = None  # whose the plain callbacks are
        self._binding: Actor | None = None  # whose task is being made
        self._forced = False  # there was nobody else to choose
        self._late = False  # in this turn timers have begun to be due: what has arrived came before them
        self._afterwards = 0
        self._all_ended_at = 0.0
        self.waiting_for: dict[Actor, Site] = {}  # at which line each task is suspended
        self.at_home: dict[int, weakref.ref[Any]] = {}  # what of asyncio the tasks of the loop have used

    # ------------------------------------------------------------ who is there

    def became_ready(self, callback: Any) -> None:
        """``callback`` has been put among those that are ready."""
        task = getattr(callback, "__self__", None)
        if id(task) not in self._by_task and isinstance(task, _TASKS):
            self._meet_task(task)
        if self.current.runs_on is not self.main and not self.quiet:
            self.not_thread_safe("loop.call_soon()")

    def made_timer(self, timer: Timer) -> None:
        """A timer has been made."""

    def made(self, thing: Any) -> None:
        """The loop has made a future."""
        self.twins.memory.births.enter(thing, self.current.index)

    def in_any_order(self, what: str) -> None:
        """The library has gone through a set that has no order of its own."""
        if not self.quiet:
            self.doubts[f"{what} in the order of their addresses, which is another one in every process"] = None

    def told_time(self, filename: str) -> None:
        """The library code in that file has read the clock."""

    async def gate(self, lock: Any) -> None:
        """Before ``lock`` is taken, where there are gates."""

    def _meet_task(self, task: Any) -> None:
        actor = self._binding
        self._binding = None
        if actor is None:
            actor = self._child(task)
        if isinstance(actor, TaskActor):
            actor.task = weakref.ref(task, partial(_pop, self._by_task, id(task)))
        self._by_task[id(task)] = actor
        self.twins.memory.births.enter(task, self.current.index)

    def _child(self, task: Any) -> TaskActor:
        raise NotImplementedError

    def _begins(self, actor: TaskActor) -> None:
        raise NotImplementedError

    def of(self, task: Any) -> Actor | None:
        """The actor of a task."""
        return self._by_task.get(id(task))

    def rest(self) -> TaskActor:
        """The actor of the plain callbacks."""
        if self._rest is None:
            self._rest = self._at_home(TaskActor(self.next_index, "loop", _nothing, (), self.main))
            self._rest.finished = True
            self.next_index += 1
            self.actors.append(self._rest)
        return self._rest

    def _owner(self, handle: Any) -> Actor:
        """Whose step it is to run ``handle``."""
        kind = type(handle)
        if kind is Timer:
            found = handle.owner if handle.owner is not self.main else None
        elif kind is Of:
            found = handle.owner
        else:
            found = self._by_task.get(id(getattr(handle._callback, "__self__", None)))
        return found if found is not None else self.rest()

    def _outside(self, owner: Actor, word: str, happen: Any) -> Outside:
        one: Outside = self._at_home(Outside(self.next_index, owner, word, happen))
        self.next_index += 1
        self.actors.append(one)
        return one

    # ------------------------------------------------------------ whom the strategy may choose

    def _can_go_on(self) -> bool:
        return self.loop.has_ready()

    def _enabled(self) -> list[Actor]:
        live = self.live
        if live[0] is not self.host:
            return super()._enabled()  # a task is in the middle of its step
        if len(live) == 2 and not self.loop._scheduled:  # the same in short, without threads and timers
            found = self._ready()
        else:
            timers = self._due()
            found = []
            for actor in super()._enabled():
                if actor is self.host:
                    found[:0] = self._ready()
                elif actor is self.clock:
                    found += timers
                else:
                    found.append(actor)
        if self.arriving and not self._late:
            found += self.arriving
        if self.network.used and not self._late:
            found += self.network.events()
        if found and self.cancels and not self._late and not self.quiet:
            found += self._cancellable()
        return found

    def _ready(self) -> list[Actor]:
        """Who owns the first of the callbacks that are ready, or any of them."""
        ready = self.loop._ready
        if not ready or (ready[0]._cancelled and not self.loop.has_ready()):
            return []
        if self.order == "fifo":
            return [self._owner(ready[0])]
        return list(dict.fromkeys(self._owner(handle) for handle in ready if not handle._cancelled))

    def _due(self) -> list[Outside]:
        """The earliest timers, and the clock's wait as it has to be for them."""
        clock = self.clock
        wait = clock.wait
        assert wait is not None
        timers = self.loop.next_timers()
        if not timers:
            wait.deadline = None
            return []
        wait.deadline = timers[0].when()
        wait.is_long = all(timer.is_long for timer in timers)
        clock.daemon = wait.deadline > self._all_ended_at + LONG_DELAY and self.joining and not self.unfinished
        found: dict[Actor, Outside] = {}
        for timer in timers:
            owner = timer.owner
            if owner not in found:
                one = self._timers.get(owner)
                if one is None:
                    one = self._timers[owner] = self._outside(owner, TIME_IS_UP, _nothing)
                one.happen = partial(self._let_be_due, one, timer)
                found[owner] = one
        return list(found.values())

    def _cancellable(self) -> list[Outside]:
        found = []
        for actor in self.actors:
            if not isinstance(actor, TaskActor) or actor.name not in self.cancels:
                continue
            if actor in self.waiting_for and not actor.asked:
                if actor.canceller is None:
                    actor.canceller = self._outside(actor, IS_CANCELLED, partial(self._cancel, actor))
                found.append(actor.canceller)
        return found

    # ------------------------------------------------------------ what happens from outside

    def _let_be_due(self, outside: Outside, timer: Timer) -> None:
        self._late = True
        self.now = max(self.now, timer.when())
        if not self.quiet:
            self.timers.add(outside.index)
            self._pass_over(self.clock)
            self._tell(TIME_IS_UP, timer.owner, self.waiting_for.get(timer.owner))
        self.loop.let_be_due(timer)

    def _cancel(self, actor: TaskActor) -> None:
        task = actor.task() if actor.task is not None else None
        actor.asked = True
        self._tell(IS_CANCELLED, actor, self.waiting_for.get(actor))
        if task is not None:
            self.current = self.rest()
            task.cancel()

    def _arrive(self, actor: TaskActor) -> None:
        """An actor's task begins: it is put among those that are ready."""
        self.arriving.remove(actor)
        self._tell(ARRIVES, actor, None)
        self._binding = self.current = actor
        task = self.loop.create_task(actor.body(*actor.argument), name=actor.name)
        actor.argument = (actor.argument[0], task)  # the loop itself would not keep it alive

    # ------------------------------------------------------------ a turn

    def turn(self) -> bool:
        """Let things happen, then run what is ready; false if there is nothing left to do."""
        live = self.live
        live[0:1] = [self.host, self.clock]
        self.waiting += 2
        self._late = False
        if self.network.used:
            self.network.next_turn()
        while True:
            chosen = self._next()
            if chosen is None:
                break
            if isinstance(chosen, Outside):
                chosen.happen()
            elif isinstance(chosen, TaskActor) and chosen in self.arriving:
                self._arrive(chosen)
            else:
                break
        live[0:2] = [chosen or self.main]
        self.waiting -= 2
        if chosen is None:
            self.current = self.main
            return False
        self._run_ready(chosen)
        live[0] = self.current = self.main
        return True

    def _next(self) -> Actor | None:
        """Who goes on, here on the loop; None if nobody needs to."""
        enabled = self._enabled()
        self._forced = len(enabled) == 1
        if len(enabled) >= self.fewest and not self.quiet:
            chosen = self.choose(enabled, None)
            self.choices.append(chosen.index)
        elif enabled:
            chosen = enabled[0]
        elif self.joining and not self.unfinished:
            return None
        else:
            self.halted = self.halted or "stuck"
            raise Stopped
        if chosen.runner is self.main.runner:
            return chosen
        self._forced = False
        self._hand_over(None, chosen)
        return self._coming

    def _run_ready(self, chosen: Actor) -> None:
        ready = self.loop._ready
        before = self.steps
        if self.order == "fifo":
            first, count = ready[0], len(ready)
        else:
            first, count = self._first_of(chosen), 1
            ready.remove(first)
            ready.appendleft(first)
        stood, forced = self.waiting_for.get(chosen), self._forced
        timed, callback = type(first) is Timer, first._callback if chosen is self._rest else None
        del first  # nothing here keeps a task alive that nobody else does
        self.passed_over.pop(self.host, None)
        if self.starving is self.host:
            self.starving = None
        self._run_handle(ready.popleft(), chosen)
        for _ in range(count - 1):
            handle = ready.popleft()
            if not handle._cancelled:
                self._run_handle(handle, self._owner(handle))
        if self.steps == before and not forced and not self.quiet:  # else a replay would not know that it happened
            if timed:
                self._tell("ends its wait", chosen, stood)
            elif chosen is self._rest:
                self._tell("runs", chosen, stood, callback)
            else:
                self._tell("goes on", chosen, stood)

    def _first_of(self, chosen: Actor) -> Any:
        return next(one for one in self.loop._ready if not one._cancelled and self._owner(one) is chosen)

    def _run_handle(self, handle: Any, actor: Actor) -> None:
        """Run one callback as a step of ``actor``."""
        self.live[0] = self.current = actor
        if type(handle) is not Timer:
            self.waiting_for.pop(actor, None)
            if type(actor) is TaskActor and actor.child and not actor.known:
                self._begins(actor)
        try:
            handle._context.run(handle._callback, *handle._args)
        except Stopped:
            raise
        except (SystemExit, KeyboardInterrupt, Interrupted) as error:
            if self.interrupted is not None:
                raise
            if actor is self.rest():
                self.failed(actor, error)
        except BaseException as error:
            if error.__traceback__ is not None:
                error.__traceback__ = error.__traceback__.tb_next  # this line is none of the program's
            self.loop.call_exception_handler({"message": "Exception in callback", "exception": error, "handle": handle})
        if self.halted and not self.unwinding:
            raise Stopped
        if type(actor) is TaskActor and actor.task is not None:
            task = actor.task()
            if task is not None and task.done():
                self._task_ended(actor, task)
            elif task is not None and type(handle) is not Timer:
                self._suspended(actor, task)
            if self.halted and not self.unwinding:
                raise Stopped

    def _suspended(self, actor: TaskActor, task: Any) -> None:
        if self.recorder is None:
            self.waiting_for[actor] = _SOMEWHERE
        else:
            found = awaiting(task)
            self.waiting_for[actor] = found.site
        if self.quiet:
            return
        self.steps += 1
        if self.steps > self.next_look:
            self._look()
        if self.recorder is not None:
            other = self._by_task.get(id(found.owner)) if found.kind == "task" else None
            self.recorder.awaits(actor, found, other)

    def _task_ended(self, actor: TaskActor, task: Any) -> None:
        raise NotImplementedError

    def _tell(self, word: str, actor: Actor, stands: Site | None, callback: Any = None) -> None:
        """A step that has no line of its own: put down at the line where the task ``stands``."""
        if self.quiet:
            return
        self.steps += 1
        if self.recorder is None:
            return
        code = code_of(actor.body if callback is None else callback)
        site = stands if stands is not None else begin_site(code)
        detail = getattr(callback, "__qualname__", "").rpartition(">.")[2]
        self.recorder.operation(actor, word, None, site, detail)


def _nothing(*_: object) -> None:
    """What stand-ins do."""


def _never() -> bool:
    return False


def _pop(known: dict[int, Actor], identity: int, _: object) -> None:
    known.pop(identity, None)


_SOMEWHERE = begin_site(_nothing.__code__)
