"""Runs a program of tasks once: setup, actors, check and teardown inside one event loop.

Put before a carrier, on which threads of the program run.  The loop runs where the exploration does.
"""

from __future__ import annotations

import asyncio
import functools
import re
import traceback
from collections.abc import Callable, Sequence
from contextvars import copy_context
from types import CoroutineType
from typing import Any

from lab.carriers.actor import Actor, Wait
from lab.carriers.awaiting import awaiting, begin_site
from lab.carriers.callers_loop import CallersLoop
from lab.carriers.doubting_tasks import DoubtingTasks
from lab.carriers.execution import Choose, Recorder, Sharing
from lab.carriers.executor import Calls
from lab.carriers.loop import Blank, ControlledLoop, closing
from lab.carriers.task_actor import TaskActor
from lab.carriers.turns import _AFTERWARDS, Turns, _never
from lab.hooks import DRIVERS
from lab.origin import LAB, frame_of_program, shown
from lab.program import is_async
from lab.virtual.tasks import TaskTwins

_DEFAULT_NAME = re.compile(r"Task-\d+")
_PATIENCE = 1_000  # turns for tasks that were told to end


class Tasks(Turns):
    """The `loop` carrier."""

    tasked = True

    def __init__(self, discovery: Any, steps: int) -> None:
        super().__init__(discovery, steps)
        self.twins = TaskTwins(self)
        self._blank: Blank | None = None  # what a loop is that was never used

    def _clear(self) -> None:
        super()._clear()
        self.findings: list[tuple[str, str, tuple[str, ...]]] = []  # kind, message and detail of what asyncio only logs
        self.holding: dict[int, Actor] = {}  # who holds which asyncio lock, by the lock's id
        self.calls = Calls(self)
        self._names: dict[str, int] = {}
        self._ended_badly: list[tuple[TaskActor, Any]] = []
        self._winding_up = False

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
        """See `Control.execute`; the caller's event loop and policy are as before afterwards."""
        self._part_with_actors()
        if len(self._declared) != len(bodies):
            self._declared = [self._declare(index, *named) for index, named in enumerate(bodies, 1)]
        wind_up = functools.partial(self._wind_up, teardown)
        execute = functools.partial(super().execute, setup, bodies, finish, choose, recorder, sharing, wind_up, writes)
        with CallersLoop():
            if self._blank is None:
                self._blank = ControlledLoop(self).blank()
            self.loop = ControlledLoop.like(self._blank)
            self.loop.begin()
            try:
                return copy_context().run(execute)
            finally:
                for told in self.network.given_up():
                    self.discovery.uncontrolled[told] = None
                self.loop.end()

    def _part_with_actors(self) -> None:
        """Let go of what the last execution left, as a part of it: coroutines that were never awaited end now."""
        DRIVERS[self.identity] = self
        self.unwinding = True
        for actor in self._declared:
            if actor.error is not None:
                traceback.clear_frames(actor.error.__traceback__)
            if isinstance(actor, TaskActor):
                actor.forget()
            else:
                actor.reset()
            actor.argument = ()
        self.actors.clear()
        DRIVERS.pop(self.identity, None)

    def close(self) -> None:
        """See `Control.close`."""
        self._part_with_actors()
        super().close()

    def _drop(self) -> None:
        """What the `greenlet` carrier keeps is its own actors' only."""
        every = self._declared
        self._declared = [actor for actor in every if not isinstance(actor, TaskActor)]
        super()._drop()  # type: ignore[misc]
        self._declared = every

    def _declare(self, index: int, name: str, body: Callable[[Any], Any]) -> Actor:
        if is_async(body):
            return self._at_home(TaskActor(index, name, body, (), self.main))  # type: ignore[no-any-return]
        return Actor(index, name, body, ())

    def inside(self, function: Any) -> Any:
        """``function``, called inside the loop, and awaited there if it is async."""
        if function is None:
            return None

        @functools.wraps(function, updated=())
        def called(*arguments: Any) -> Any:
            result = function(*arguments)
            return self._await(result) if isinstance(result, CoroutineType) else result

        return called

    def _await(self, coroutine: Any) -> Any:
        self._binding = self.main
        task = self.loop.create_task(coroutine)
        try:
            while not task.done():
                self.turn()
            return task.result()
        finally:
            self._by_task.pop(id(task), None)
            self.current = self.main

    # ------------------------------------------------------------ from the first actor to the last

    def _start_all(self, bodies: Sequence[tuple[str, Callable[[Any], Any]]], state: Any) -> None:
        for actor in self._declared:
            self._names[actor.name] = 1
            if isinstance(actor, TaskActor):
                self.arriving.append(actor)
            else:
                actor.reset()
                if actor.runner is None:
                    self._prepare(actor)
                self._meet_thread()
                self.live.append(actor)
            actor.argument = (state,)
        self.actors += self._declared
        self.unfinished = len(self._declared)
        self.locals.begin(self.sharing is not None or self.recorder is not None)

    def spawn(self, *arguments: Any) -> Actor:
        """See `Control.spawn`."""
        self._meet_thread()
        actor = super().spawn(*arguments)
        self.quiet = self._winding_up
        return actor

    def block(self, kind: str, owner: object, word: str, ready: Any, *arguments: Any, **named: Any) -> bool:
        """See `Scheduling.block`: a task that waits so keeps all the others waiting."""
        actor = self.current
        if not self.quiet and actor.runs_on is self.main and not ready():
            frame = frame_of_program(skip_libraries=True)
            where = f" ({shown(frame.f_code.co_filename)}:{frame.f_lineno})" if frame is not None else ""
            self.notes[f"blocking: {actor.name} {word}{where} without await, and the whole loop waits"] = None
        return super().block(kind, owner, word, ready, *arguments, **named)

    def _join_all(self) -> None:
        self.joining = True
        self.quiet = False
        try:
            while self._goes_on():
                if not self.turn():
                    break
        finally:
            self.joining = False
        self.quiet = True

    def _goes_on(self) -> bool:
        if self.loop._stopping:
            self.findings.append(("exception", "RuntimeError: Event loop stopped before Future completed.", ()))
            return False
        if self.unfinished:
            return True
        if not self._afterwards:
            self._all_ended_at = self.now
        self._afterwards += 1
        return self._afterwards < _AFTERWARDS

    def _child(self, task: Any) -> TaskActor:
        coroutine = task.get_coro()
        name = str(getattr(coroutine, "__qualname__", "task")).rpartition(".")[2]
        body = _Body(getattr(coroutine, "cr_code", None))
        actor: TaskActor = self._at_home(TaskActor(self.next_index, name, body, (), self.main))
        self.next_index += 1
        parent = self.current
        actor.parent = parent if parent is not self._rest else self.main
        self.actors.append(actor)
        return actor

    def _begins(self, actor: TaskActor) -> None:
        """A child takes its first step: by now it has its name, and from now on it keeps it."""
        actor.known = True
        task = actor.task() if actor.task is not None else None
        name = str(task.get_name()) if task is not None else ""
        if _DEFAULT_NAME.fullmatch(name) or not name.isprintable() or not name.strip():
            name = actor.name
        number = self._names[name] = self._names.get(name, 0) + 1
        actor.name = f"{name} #{number}" if number > 1 else name

    def _task_ended(self, actor: TaskActor, task: Any) -> None:
        """The task has ended in the step that it has just taken."""
        if actor.finished:
            return
        actor.finished = True
        if actor.child:
            if not task.cancelled() and task._exception is not None:
                self._ended_badly.append((actor, task))
            return
        self.unfinished -= 1
        if task.cancelled():
            if not actor.asked and not task.cancelling():
                self.failed(actor, asyncio.CancelledError())
            return
        error = task.exception()
        if error is not None:
            self.failed(actor, error)
        elif actor.asked and task.cancelling():
            self.findings.append(
                ("exception", f"{actor.name} was cancelled and ended as if it had not been: CancelledError is lost", ())
            )

    # ------------------------------------------------------------ findings

    def complain(self, context: dict[str, Any]) -> None:
        """Something went wrong that asyncio would only log."""
        if self.unwinding or self.halted:
            return
        error = context.get("exception")
        told = f"{type(error).__name__}: {error}" if error is not None else ""
        message = str(context.get("message", "")).rstrip("!.")
        task = context.get("task") or context.get("future")
        actor = self.of(task) if task is not None else None
        whom = f" ({actor.name})" if actor is not None else ""
        kind = "leak" if "destroyed" in message else "exception"
        if error is not None and "callback" in message:
            self.failed(self.rest(), error)
        else:
            self.findings.append((kind, f"{message}{whom}" + (told and f": {told}"), ()))

    def never_awaited(self, coroutine: Any) -> None:
        """A coroutine was thrown away before it began."""
        if not self.unwinding and not self.halted and not self.quiet:
            code = coroutine.cr_code
            where = f" ({shown(code.co_filename)}:{code.co_firstlineno})"
            if code.co_filename.startswith(LAB):  # a twin, which goes by the name of what it stands for
                where = ""
            name = coroutine.__qualname__
            message = f"the coroutine {name}(){where} was made by {self.current.name} and never awaited"
            self.findings.append(("exception", message, ()))

    def comes_from_thread(self, callback: Any) -> None:
        """A visible operation of a thread: it hands ``callback`` to the loop."""
        actor = self.current
        if actor.runs_on is self.main or self.quiet or self.unwinding:
            return
        self._publish(actor, self.loop, _HANDING, ())
        if len(self.live) > 1:
            self._decide(actor)
        self._count_operation(actor, self.loop, "hands over to", _HANDING, "", ())

    # ------------------------------------------------------------ the end

    def _note_standstill(self) -> None:
        super()._note_standstill()
        standstill = [(actor, wait) for actor, wait in self.standstill if actor not in (self.host, self.clock)]
        for actor in self.actors:
            if isinstance(actor, TaskActor) and actor.task is not None and not actor.finished and actor.wait is None:
                task = actor.task()
                if task is not None and not task.done():
                    found = awaiting(task)
                    wait = Wait(found.kind, found.owner, _never, None, self.now, found.site)
                    standstill.append((actor, wait))
        self.standstill = standstill
        nobody = self.network.nobody_serves()
        if nobody is not None:
            self.halted, self.rest().error = "exception", nobody
        self.held.update(self.holding)

    def _note_left_behind(self) -> None:
        """Pools that the program did not shut down were shut down with the loop."""
        super()._note_left_behind()

    def busy_actors(self) -> list[Actor]:
        """See `Control.busy_actors`; of the tasks, all that had not ended."""
        tasks = (actor for actor in self.actors if isinstance(actor, TaskActor) and not actor.finished)
        return [*(actor for actor in tasks if actor.task is not None), *super().busy_actors()]

    def _unwind_all(self) -> None:
        self.loop._ready.clear()
        for actor in self.actors[1:]:
            if not actor.finished and not isinstance(actor, TaskActor):
                self._unwind(actor)
        self._close_coroutines()

    def _close_coroutines(self) -> None:
        pending: list[Any] = [task for task in asyncio.all_tasks(self.loop) if not task.done()]
        for task in pending:
            if self.of(task) is not None:
                task._log_destroy_pending = False
                closing(task.get_coro())
        self.loop._ready.clear()
        self.loop._scheduled.clear()

    def _wind_up(self, teardown: Callable[[Any], object] | None, state: Any) -> None:
        """Teardown; then end the tasks, generators and threads of the loop, as ``asyncio.run`` does."""
        cut_short = self.unwinding
        if cut_short:
            self.live[:] = [self.main]
            self.waiting = 0
            self.current = self.main
        try:
            if teardown is not None:
                teardown(state)
        finally:
            if cut_short:
                self._close_coroutines()
            else:
                self._end_tasks()

    def _end_tasks(self) -> None:
        for actor, task in self._ended_badly:
            if task._log_traceback:
                task._log_traceback = False
                error = task._exception
                message = f"{type(error).__name__}: {error} ended {actor.name}, and nobody looked"
                self.findings.append(("exception", message, ()))
        self._winding_up = True
        pending: list[Any] = []
        if self.loop._task_factory is not None or not all(actor.finished for actor in self._by_task.values()):
            pending += [task for task in asyncio.all_tasks(self.loop) if not task.done()]
        for task in pending:
            task.cancel()
        for _ in range(_PATIENCE):
            if all(task.done() for task in pending) or not self._winds_up():
                break
        for task in pending:
            whose = self.of(task)
            if not task.done():
                task._log_destroy_pending = False
                if whose is not None:
                    self.findings.append(("livelock", f"{whose.name} goes on although it is cancelled", ()))
                closing(task.get_coro())
            elif not task.cancelled() and task._log_traceback:
                task._log_traceback = False
        if self.loop._asyncgens.data:
            self._await(self.loop.shutdown_asyncgens())
        if self.loop._default_executor is not None:
            self._await(self.loop.shutdown_default_executor())
        self.quiet = True

    def _winds_up(self) -> bool:
        """A turn at the end; false if nothing can go on any more."""
        self.live[0:1] = [self.host, self.clock]
        self.waiting += 2
        able = bool(self._enabled())
        self.live[0:2] = [self.main]
        self.waiting -= 2
        return able and self.turn()


class _Body:
    """Stands for what a child task runs, of which only the code is known."""

    def __init__(self, code: Any) -> None:
        self.__code__ = code

    def __call__(self) -> None:
        """Nobody calls it."""


def tasked(kind: Any, order: str, cancels: frozenset[str], strict: bool, classes: bool = False) -> Any:
    """The carrier ``kind`` with an event loop; with ``classes`` so that its stretches are told apart."""
    if classes:
        from lab.carriers.stretches import Stretches

        return type(f"Stretched{kind.__name__}", (Stretches, kind), {"order": "any", "cancels": cancels})
    bases = (Tasks, DoubtingTasks, kind) if strict else (Tasks, kind)
    return type(f"Tasked{kind.__name__}", bases, {"order": order, "cancels": cancels})


_HANDING = begin_site(ControlledLoop.call_soon_threadsafe.__code__)
