"""Where a controlled loop runs, and how tasks and threads of the program give the turn to each other.

All tasks of the loop run on what the exploration runs on.  A thread that is to let a task go on resumes that, and
says which task it meant.
"""

from __future__ import annotations

import sys
from functools import partial
from threading import get_ident
from typing import TYPE_CHECKING, Any

from lab.carriers.actor import Actor
from lab.carriers.execution import Stopped
from lab.virtual.local import ThreadLocals

if TYPE_CHECKING:
    from lab.carriers.control import Control as _Base
    from lab.discovery import Discovery
else:
    _Base = object


class TaskLocals(ThreadLocals):
    """All tasks of a loop share the `threading.local` objects of its OS thread."""

    def meet(self, local: Any, actor: Actor, main: Actor) -> None:
        """See `ThreadLocals.meet`."""
        super().meet(local, actor.runs_on, main)

    def exchange(self, leaving: Actor, coming: Actor) -> None:
        """See `ThreadLocals.exchange`."""
        if leaving.runs_on is not coming.runs_on:
            super().exchange(leaving.runs_on, coming.runs_on)


class AtHome(_Base):
    """Put before a carrier: the exploring OS thread, or greenlet, is the loop's."""

    def __init__(self, discovery: Discovery, steps: int) -> None:
        super().__init__(discovery, steps)
        self._here: Any = sys.modules["greenlet"].getcurrent if hasattr(self.main.runner, "switch") else get_ident
        self._home = self._here()
        self._to_main = self.main.resume
        self.main.resume = self._resume_main
        self._coming: Actor | None = None  # which task was chosen while a thread ran
        self.met_threads = False  # in some execution
        if type(self.locals) is ThreadLocals:
            self.locals = TaskLocals()

    def _is_home(self) -> bool:
        """Whether the caller runs on what the loop runs on."""
        return bool(self._here() == self._home)

    def _prepare(self, actor: Actor) -> None:
        super()._prepare(actor)
        actor.resume = partial(self._go_to, actor.resume)

    def _meet_thread(self) -> None:
        """A thread of the program begins."""
        self.met_threads = True
        self.locals.meet_loops()

    def _go_to(self, resume: Any) -> None:
        """Let a thread go on."""
        home = self._is_home()
        if home:
            self._coming = None
        resume()
        if home and not self.unwinding:
            if self.halted:
                raise Stopped
            if self._coming is not None:
                self.current = self._coming

    def _resume_main(self) -> None:
        if self._is_home():
            self.halted = self.halted or "stuck"
            raise Stopped
        self._to_main()

    def _come(self, actor: Actor) -> None:
        """Let a task go on, or something happen to it."""
        self._coming = actor
        if not self._is_home():
            self._to_main()

    def _pass_to(self, chosen: Actor) -> None:
        super()._pass_to(chosen)
        if chosen is not self.main and chosen.runner is self.main.runner:
            self._coming = chosen

    def _at_home(self, actor: Any) -> Any:
        """Make ``actor`` one that runs on what the loop runs on."""
        actor.runner = self.main.runner
        actor.resume = partial(self._come, actor)
        return actor
