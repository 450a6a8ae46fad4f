"""One program under one carrier: execute it, profile it, and write a failed execution down."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from lab.carriers.control import Control
from lab.carriers.execution import Choose
from lab.carriers.greenlet import GreenletControl
from lab.detectors.deadlock import diagnose
from lab.discovery import Discovery
from lab.errors import LabError
from lab.freshness import Freshness
from lab.hooks import DRIVERS
from lab.origin import LAB, shown
from lab.program import Failure, Program, describe
from lab.recorder import Recording, SharingMap, place_of
from lab.strategies.counts import Counts
from lab.strategies.replay import Choices, Profile
from lab.virtual import operations_redirected

MOST_PROFILES = 60  # executions to find all code that runs
_TWINS = os.path.join(LAB, "virtual") + os.sep  # raises what the real objects raise


class Exploration:
    """The engine and what is known of one program while it is explored."""

    def __init__(self, program: Program, control: Control, discovery: Discovery) -> None:
        self.program = program
        self.control = control
        self.discovery = discovery
        self.counts = Counts()
        self._in_vain = 0

    def execute(
        self,
        choose: Choose,
        recording: Recording | None = None,
        sharing: SharingMap | None = None,
        setup: Callable[[], Any] | None = None,
    ) -> tuple[Any, Failure | None]:
        """One execution: its outcome, and what was wrong with it."""
        program, control = self.program, self.control
        result = control.execute(
            setup or program.setup, program.actors, program.judge, choose, recording, sharing, program.teardown
        )
        if not control.halted:
            outcome, failure = result if result is not None else ("nothing", None)
            if failure is None and control.left_behind:
                failure = self._standstill(recording)
            return outcome, failure
        return "nothing", self._failure(recording)

    def _failure(self, recording: Recording | None) -> Failure:
        control = self.control
        if control.halted == "exception":
            return _exception(control)
        if control.halted == "endless":
            busy = ", ".join(actor.name for actor in control.live if actor is not control.main and actor.wait is None)
            return Failure(
                "livelock", f"no end after {control.steps + control.quiet_steps:,} steps; still running: {busy}"
            )
        return self._standstill(recording)

    def _standstill(self, recording: Recording | None) -> Failure:
        control = self.control
        return diagnose(
            control.standstill,
            control.held,
            control.was_set,
            control.actors,
            recording.name if recording is not None else lambda thing: type(thing).__name__,
            _Since(recording, dict(control.standstill)),
            control.left_behind,
        )

    def profile(self) -> tuple[list[int], Any, Failure] | None:
        """Run without switches until all code that runs is instrumented; learn what is shared.

        Done at least twice, to compare what setup makes.  The choices, outcome and
        failure of an execution that fails even so.
        """
        fresh = Freshness(self.program.setup)
        for _ in range(MOST_PROFILES):
            sharing = SharingMap()
            outcome, failure = self.execute(Profile().choose, sharing=sharing, setup=fresh.setup)
            known = len(self.control.hot)
            self._take_in(sharing)
            found = self.discovery.take_found()
            if failure is not None and not found and len(self.control.hot) == known:
                return self.control.choices, outcome, failure
            if fresh.done and not found:
                break
        return None

    def learn(self, choices: Sequence[int]) -> None:
        """Repeat an execution with everything noted, to find code and shared objects it met first."""
        known = len(self.control.hot)
        sharing = SharingMap()
        self.execute(Choices(choices).choose, sharing=sharing)
        self._take_in(sharing)
        self.discovery.take_found()
        if len(self.control.hot) > known:
            self._in_vain = 0

    def _take_in(self, sharing: SharingMap) -> None:
        shared = sharing.shared()
        self.control.hot.update(*shared)
        self.counts.add(shared, sharing.counts)

    def learn_if_worthwhile(self, choices: Sequence[int]) -> None:
        """`learn` from an execution in which something new seemed to be shared.

        It may only have seemed so: a new object can take the place of a dead one
        in memory.  Where repeating has shown that often, it is done less often.
        """
        self._in_vain += 1
        if self._in_vain <= 32 or not self._in_vain & (self._in_vain - 1):
            self.learn(choices)

    def record(self, choices: Sequence[int], failure: Failure) -> tuple[Recording, Failure, str] | None:
        """Repeat a failed execution and write it down; None if it does not fail alike."""
        recording = Recording()
        follow = Choices(choices)
        _, again = self.execute(follow.choose, recording=recording)
        if again is None or again.kind != failure.kind or follow.diverged:
            return None
        return recording, again, self.control.last


class _Since:
    """Tells where an actor took a lock, or where it waits, from the recorded steps."""

    def __init__(self, recording: Recording | None, waits: dict[Any, Any]) -> None:
        self._recording = recording
        self._waits = waits

    def __call__(self, actor: Any, lock: object) -> str:
        if lock is None:
            wait = self._waits[actor]
            place = self._recording.waiting.get(actor.index) if self._recording else None
            place = place or place_of(wait.site)
            return f"{place.file.rsplit('/', 1)[-1]}:{place.line}"
        if self._recording is None:
            return "?"
        name = self._recording.name(lock)
        for step in reversed(self._recording.steps):
            if step.actor == actor.name and step.name == name and step.word in ("acquires", "tries to acquire"):
                return f"{step.place.file.rsplit('/', 1)[-1]}:{step.place.line}"
        return "before the actors began"


@contextmanager
def engine(program: Program, steps: int, trace: tuple[str, ...]) -> Iterator[Exploration]:
    """A carrier and the instrumented program; everything is as before afterwards."""
    if threading.get_ident() in DRIVERS:
        raise LabError("explore() was called inside an exploration; call it from outside the actors, setup and check")
    with operations_redirected(), Discovery(trace) as discovery:
        for function in (program.setup, program.check, program.outcome, program.teardown):
            if function is not None:
                discovery.cover(function)
        for _, function in program.actors:
            discovery.cover(function)
        control = GreenletControl(discovery, steps)
        try:
            with _interruptible(control):
                yield Exploration(program, control, discovery)
        finally:
            control.close()


@contextmanager
def _interruptible(control: Control) -> Iterator[None]:
    """Tell a person's Ctrl-C from a KeyboardInterrupt that an actor raises."""
    if (
        threading.current_thread() is not threading.main_thread()
        or signal.getsignal(signal.SIGINT) is not signal.default_int_handler
    ):
        yield
        return

    def interrupted(number: int, frame: Any) -> None:
        control.interrupted = True
        signal.default_int_handler(number, frame)

    signal.signal(signal.SIGINT, interrupted)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def _exception(control: Control) -> Failure:
    actor = next(actor for actor in control.actors if actor.error is not None)
    error = actor.error
    assert error is not None
    detail = []
    entry = error.__traceback__
    innermost = ""
    while entry is not None:
        code = entry.tb_frame.f_code
        if not code.co_filename.startswith(LAB):
            detail.append(f"{actor.name}: {shown(code.co_filename)}:{entry.tb_lineno} in {code.co_qualname}")
        innermost = code.co_filename
        entry = entry.tb_next
    own = innermost.startswith(LAB) and not innermost.startswith(_TWINS)
    if own and not isinstance(error, RecursionError | MemoryError):  # the program's depth and size, wherever they show
        raise LabError(
            f"the lab itself failed while {actor.name} ran: {describe(error)}; please report this"
        ) from error
    return Failure("exception", f"{describe(error)} left {actor.name}", tuple(detail[-6:]))
