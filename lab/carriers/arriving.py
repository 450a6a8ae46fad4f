"""Operations outside of memory, as threads come to them: on files, databases and what all of a process shares."""

from __future__ import annotations

from typing import Any

from lab.carriers.accesses import Accesses
from lab.carriers.actor import TIMED_OUT, Wait, event_of
from lab.carriers.execution import Stopped
from lab.filesystem.paths import Paths
from lab.filesystem.request import Request, waiting
from lab.filesystem.walks import OVERTAKEN

_SPIN = 1_000  # operations on nothing shared in a row, which may be a loop that waits for others


class Arriving(Accesses):
    """Like `Scheduling.operate` and `Scheduling.block`, for what is known by what it touches outside of memory."""

    __slots__ = ()

    def arrive(self, request: Request) -> bool:
        """Take a step as soon as it may happen; false if its time was up instead.

        What a path leads to may change while others go on, so what the operation touches is told anew then
        (`lab.virtual.files.Files.done`).
        """
        if self.unwinding:
            raise Stopped
        files = self.twins.files
        actor, site = request.actor, request.site
        wait = self._wait_of(request, files.paths)
        if self.quiet:
            if wait is not None and not wait.ready():
                self._stuck_alone(actor, wait)
            return True
        request.publish(files.paths)
        decides = site in self.hot and len(self.live) > 1 and actor.place is not None
        if wait is not None and (decides or not wait.ready()):
            if wait.deadline is not None and wait.deadline > self.now and not wait.any_order:
                self.timers.add(actor.index)
            actor.wait = wait
            self.waiting += 1
            if self.recorder is not None:
                self._named(wait.owner, request.label)
                self.recorder.waits(actor, wait.owner, site)
            decides = True
        if decides:
            files.pending[actor] = request
            try:
                self._decide(actor)
            finally:
                files.pending.pop(actor, None)
        timed_out, actor.timed_out = actor.timed_out, False
        self._arrived(request, timed_out, site in self.hot)
        return not timed_out

    def _wait_of(self, request: Request, paths: Paths) -> Wait | None:
        if not request.blocks:
            return None
        kind, owner, ready, deadline = waiting(request, paths, self.now)
        return Wait(kind, owner, ready, deadline, self.now, request.site)

    def _arrived(self, request: Request, timed_out: bool, hot: bool) -> None:
        """It has been chosen: put down what it does."""
        actor = request.actor
        if hot or request.blocks:
            self.last_decision = self.quiet_steps
            self.steps += 1
            if self.steps > self.next_look:
                self._look()
            if self.events is not None and (request.accesses or request.blocks):
                kind = TIMED_OUT if timed_out else request.kind
                self.events.append(event_of(actor, kind, request.blocks, request.timed))
        else:
            self.quiet_steps += 1
            if self.quiet_steps - self.last_decision > _SPIN:
                self._spin(actor)
        overtaken = self.twins.files.walks.happened(request, lambda _: frozenset())
        if overtaken:
            self.doubts[OVERTAKEN.format(self.twins.files.told(overtaken))] = None
        for owner, key, write in request.accesses:
            self._mark(actor, owner, key, write, request.site)
        if self.recorder is not None and hot:
            files = self.twins.files
            word = f"{request.word} (timed out)" if timed_out else request.word
            subject = self._named(request.subject(files.paths), request.label)
            self.recorder.operation(actor, word, subject, request.site, files.told(request.detail))

    def _named(self, owner: Any, label: str) -> Any:
        """``owner``, whose name in the trace is what the program calls it."""
        names = getattr(self.recorder, "names", None)
        if names is not None and owner is not None:
            names.give(owner, self.twins.files.told(label))
        return owner

    def left_over(self) -> str:
        """The path of a file that was not as the execution before had found it; empty if there is none."""
        return self.twins.files.left_over() if self.twins.uses_files else ""

    def needs_name(self, function: object) -> bool:
        """Whether it only stops where it is called by its own name; behind a hook every name will do."""
        return False

    def see_to_servers(self) -> None:
        """Raises LabError if a server that actors use is no longer there: what fails then is no failure of theirs."""
        if self.twins.uses_files:
            self.twins.files.sessions.are_there()
