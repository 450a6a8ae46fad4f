"""Actors on pooled greenlets of one OS thread: a switch costs half a microsecond.

A fresh greenlet that runs Python code allocates a frame chunk (some 10 us), so
greenlets are kept: each declared actor keeps its own from one execution to the next,
child threads are given those of earlier ones.
"""

from __future__ import annotations

from contextlib import suppress
from contextvars import Context, copy_context
from typing import Any

from greenlet import getcurrent, greenlet  # type: ignore[import-untyped, unused-ignore]

from lab.carriers.actor import Actor
from lab.carriers.control import Control
from lab.carriers.execution import Stopped
from lab.carriers.watch import Watchman
from lab.discovery import Discovery
from lab.forks import FORKED, end_child
from lab.program import has_run
from lab.starts import PROFILES

_PATIENCE = 100  # how often an actor that swallows `Stopped` is told again
_LITTLE_PATIENCE = 3  # with one that does not come by the lab


_ABANDONED: list[Any] = []
"""Greenlets that would not end.  To drop one would run its code again, with nobody in control."""


class GreenletControl(Control):
    """The `greenlet` carrier."""

    __slots__ = ("_idle", "_watchman")

    shares_thread = True

    def __init__(self, discovery: Discovery, steps: int) -> None:
        super().__init__(discovery, steps)
        self._idle: list[Any] = []
        self._watchman = Watchman(self)
        self.main.runner = getcurrent()
        self.main.resume = self.main.runner.switch

    def _prepare(self, actor: Actor) -> None:
        own = actor.runner = self._idle.pop() if self._idle else self._make()
        actor.resume = own.switch

    def _is_elsewhere(self) -> bool:
        return getcurrent() is not self.main.runner

    def _make(self) -> Any:
        """A greenlet that has begun here: where it begins, its depth of recursion is counted from."""
        own = greenlet(self._work, self.main.runner)
        own.switch(getcurrent())
        return own

    def _work(self, maker: Any) -> None:
        """Run one actor after another; each switch here hands over the next."""
        maker.switch()
        while True:
            actor = self.current
            own = actor.runner
            actor.begun = True
            if self.watching:
                self.discovery.report()
            try:
                if actor.parent is None:
                    # A plain call needs none of the C stack that a switch has to save.
                    result = actor.body(actor.argument[0])
                    if result is not None:
                        has_run(f"actors[{actor.name!r}]", actor.body, result)
                        result = None
                else:
                    actor.body(*actor.argument)
                if self.daemons and not actor.daemon:
                    self.end_as_step(actor)
            except Stopped:
                pass
            except BaseException as error:
                if self.identity in FORKED:
                    end_child(error)
                self.failed(actor, error)
            if self.identity in FORKED:
                end_child()
            if len(copy_context()):
                own.gr_context = Context()
            if actor.parent is not None:
                self._idle.append(own)
            if self.unwinding:
                actor.finished = True
                following = self.main
            else:
                following = self._ended(actor)
            self._pass_to(following)
            resume = following.resume
            del actor, following  # a thread that has ended must not live until the next one runs here
            resume()

    def _unwind(self, actor: Actor) -> None:
        own = actor.runner
        if not actor.begun:
            actor.finished = True
            if actor.parent is not None:
                self._idle.append(own)
            return
        told = 0
        while not actor.finished:
            if own.dead:  # a person's Ctrl-C struck between two actors, in the lab's own code
                actor.finished = True
                actor.runner = None
                return
            if told >= (_LITTLE_PATIENCE if self.escaped else _PATIENCE):
                _ABANDONED.append(own)
                actor.runner = None
                break
            self._pass_to(actor)
            with suppress(Stopped):  # it was between two actors
                own.throw(Stopped)
            told += 1

    def _leave_watched(self) -> None:
        if PROFILES:  # a greenlet in which a profile function was once set stays slow for ever
            self._drop()

    def close(self) -> None:
        """Let every pooled greenlet end, and the watch."""
        self._watchman.leave()
        self._drop()

    def _drop(self) -> None:
        for own in [*self._idle, *(actor.runner for actor in self._declared)]:
            if own:
                own.throw()
        self._idle.clear()
        for actor in self._declared:
            actor.runner = None
