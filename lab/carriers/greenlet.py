"""Actors on pooled greenlets of one OS thread: a switch costs half a microsecond.

A fresh greenlet that runs Python code allocates a frame chunk (some 10 us), so
greenlets are kept and given one actor after another.
"""

from __future__ import annotations

from contextvars import Context, copy_context
from typing import Any

from greenlet import getcurrent, greenlet  # type: ignore[import-untyped, unused-ignore]

from lab.carriers.actor import Actor
from lab.carriers.control import Control
from lab.carriers.execution import Stopped
from lab.discovery import Discovery

_PATIENCE = 100  # how often an actor that swallows `Stopped` is told again


_ABANDONED: list[Any] = []
"""Greenlets that would not end.  To drop one would run its code again, with nobody in control."""


class GreenletControl(Control):
    """The `greenlet` carrier."""

    def __init__(self, discovery: Discovery, steps: int) -> None:
        super().__init__(discovery, steps)
        self._idle: list[Any] = []
        self.main.greenlet = getcurrent()
        self.main.resume = self.main.greenlet.switch

    def _prepare(self, actor: Actor) -> None:
        own = actor.greenlet = self._idle.pop() if self._idle else greenlet(self._work, self.main.greenlet)
        actor.resume = own.switch

    def _work(self) -> None:
        """Run one actor after another; each switch here hands over the next."""
        while True:
            actor = self.current
            own = actor.greenlet
            actor.begun = True
            if self.sharing is not None:
                self.discovery.watch()
            try:
                actor.body(*actor.argument)
                if self.daemons and not actor.daemon:
                    self.end_as_step(actor)
            except Stopped:
                pass
            except BaseException as error:
                if not self.unwinding:
                    actor.error = error
                    self.halted = self.halted or "exception"
            if len(copy_context()):
                own.gr_context = Context()
            self._idle.append(own)
            if self.unwinding:
                actor.finished = True
                following = self.main
            else:
                following = self._ended(actor)
                if following.wait is not None and not self.halted:
                    self._wake(following)
            self._pass_to(following)
            following.resume()

    def _unwind(self, actor: Actor) -> None:
        own = actor.greenlet
        if not actor.begun:
            actor.finished = True
            self._idle.append(own)
            return
        for _ in range(_PATIENCE):
            self._pass_to(actor)
            own.throw(Stopped)
            if actor.finished:
                break
        else:
            _ABANDONED.append(own)

    def _end_watch(self) -> None:
        # On 3.11 a greenlet in which a profile function was once set stays slow for ever.
        self.discovery.unwatch()
        self.close()

    def close(self) -> None:
        """Let every pooled greenlet end."""
        for own in self._idle:
            if own:
                own.throw()
        self._idle.clear()
