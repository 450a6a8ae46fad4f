"""One program under one carrier: execute it, profile it, and write a failed execution down."""

from __future__ import annotations

import gc
import os
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import replace
from typing import Any

from lab.carriers.choice import carrier as carrier_of
from lab.carriers.control import Control
from lab.carriers.doubting import watched
from lab.carriers.execution import Choose, Recorder
from lab.carriers.ownership import references_of_private
from lab.detectors.deadlock import diagnose
from lab.discovery import Discovery
from lab.errors import LabError, NeedsThreads
from lab.finalizers import Finalizers
from lab.forks import ChildFailure, ProcessEnd
from lab.freshness import Freshness
from lab.hooks import DRIVERS, ONE_AT_A_TIME
from lab.leftovers import FirstWrites, Leftovers, Writes
from lab.origin import LAB, shown
from lab.program import NOTHING, Failure, Program, describe
from lab.recorder import Recording, SharingMap, place_of
from lab.settings import Settings, complaint
from lab.strategies.counts import Counts
from lab.strategies.replay import Choices, Profile
from lab.surroundings import interruptible, tidy
from lab.virtual import operations_redirected

MOST_PROFILES = 60  # executions to find all code that runs
_TIDY = 1_000  # executions between two collections of garbage
_TIDY_AT_FIRST, _TIDY_WHEN_STRICT = 5, 32  # the first executions of a strict exploration, and between two later ones
_TWINS = tuple(
    os.path.join(LAB, *parts) for parts in (("virtual", ""), ("carriers", "dialing.py"), ("carriers", "sockets.py"))
)
"""Where what the real objects raise is raised."""

_LEFT_ALONE = ("tasks", "futures", "taskgroups", "timeouts", "streams", "selector_events", "trsock", "transports")
"""Of asyncio: the work of the loop's own callbacks, which take no locks and start no threads."""


class Escaped(Exception):
    """An actor blocked outside control, so no execution of the program can be told to the end."""


class Exploration:
    """The engine and what is known of one program while it is explored."""

    def __init__(self, program: Program, control: Control, discovery: Discovery, carrier: str, strict: bool) -> None:
        self.program = program
        self.control = control
        self.discovery = discovery
        self.carrier = carrier
        self.strict = strict  # nothing shared may be missed, whatever it costs
        self.counts = Counts()
        self.leftovers = Leftovers(program.setup)
        self.finalizers = Finalizers()
        self._settings = Settings()
        self._restless = False  # the program changes them
        self._in_vain = 0
        self._executions = 0

    def execute(
        self,
        choose: Choose,
        recording: Recorder | None = None,
        sharing: SharingMap | None = None,
        setup: Callable[[], Any] | None = None,
        writes: FirstWrites | None = None,
    ) -> tuple[Any, Failure | None]:
        """One execution: its outcome, and what was wrong with it.

        ``writes`` asks a strict exploration for no more than what nothing else tells.
        """
        program, control = self.program, self.control
        self._executions += 1
        if not self._executions % _TIDY:
            gc.collect(1)
        more = recording, sharing, program.teardown, writes
        result = control.execute(setup or program.setup, program.actors, program.judge, choose, *more)
        if self._restless:
            self.put_back()
        if control.twins.memory.filled:
            self.leftovers.cannot_put_back(f"what is stored of {control.twins.memory.filled}")
        if self.strict and (self._executions <= _TIDY_AT_FIRST or not self._executions % _TIDY_WHEN_STRICT):
            self.finalizers.collect()
        outcome, failure = result if result is not None else (NOTHING, None)
        named = recording if isinstance(recording, Recording) else None  # without it there are only types to tell
        if control.halted:
            failure = self._failure(named)
            if control.halted == "stuck" and control.findings:  # what was found before is why
                kind, message, detail = control.findings[0]
                failure = Failure(kind, message, (*detail, *failure.detail))
        elif failure is None and control.left_behind:
            failure = self._standstill(named)
        elif failure is None and control.findings:
            failure = Failure(*control.findings[0])
        if control.teardown_error is not None:
            if failure is None:
                raise control.teardown_error
            broke = f"teardown raised {describe(control.teardown_error)} after the failure"
            failure = replace(failure, detail=(*failure.detail, broke))
        return outcome, failure

    def put_back(self) -> list[str]:
        """Put the interpreter's settings back, and put down which of them the program had changed."""
        changed = self._settings.put_back()
        for name in changed:
            self.control.discovery.uncontrolled[f"the program left {name} changed, which all of the process shares"] = (
                None
            )
        self._restless = self._restless or bool(changed)
        return changed

    def _failure(self, recording: Recording | None) -> Failure:
        control = self.control
        if control.halted == "escaped":
            raise Escaped(f"something escaped control: {control.escaped}")
        if control.halted == "exception":
            return _exception(control)
        if control.halted == "endless":
            busy = ", ".join(actor.name for actor in control.busy_actors())
            taken = min(control.steps, control.step_limit)
            length = f"{taken:,} {'step' if taken == 1 else 'steps'} and {control.quiet_steps:,} other operations"
            return Failure(
                "livelock", f"no end after {length} (bound: steps={control.step_limit}); still running: {busy}"
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
        failure of an execution that fails even so; if only an earlier one did, of that.
        """
        met = None
        fresh = Freshness(self.leftovers.setup)
        for _ in range(MOST_PROFILES):
            sharing = Writes()
            outcome, failure = self.execute(Profile().choose, sharing=sharing, setup=fresh.setup)
            self.put_back()
            self.leftovers.take_in(sharing)
            known = len(self.control.hot)
            self.take_in(sharing)
            found = self.discovery.take_found()
            if failure is not None and not found:
                met = self.control.choices, outcome, failure
                if len(self.control.hot) == known:
                    break
            if fresh.done and not found and failure is None:
                break
        return met

    def tally(self, outcomes: Counter[Any], outcome: Any, count: int = 1) -> None:
        """Count an outcome; raises a one-line error for one that cannot be compared."""
        try:
            outcomes[outcome] += count
        except Exception as error:  # its own __eq__
            raise self.program.untallied(outcome, error) from None

    def tally_all(self, outcomes: Counter[Any], more: Mapping[Any, int]) -> None:
        """Count what was counted elsewhere."""
        for outcome, count in more.items():
            self.tally(outcomes, outcome, count)

    def learn(self, choices: Sequence[int]) -> Failure | None:
        """Repeat an execution with everything noted, to find code and shared objects it met first.

        The failure of the repetition, unless code started in it uninstrumented, which may be why it failed.
        """
        known = len(self.control.hot)
        sharing = Writes() if self.strict else SharingMap()
        setup = self.leftovers.setup if self.strict else None
        _, failure = self.execute(Choices(choices).choose, sharing=sharing, setup=setup)
        self.put_back()
        self.take_in(sharing)
        if isinstance(sharing, Writes):
            self.leftovers.take_in(sharing)
        found = self.discovery.take_found()
        if len(self.control.hot) > known:
            self._in_vain = 0
        return None if found else failure

    def take_in(self, sharing: SharingMap) -> None:
        """Learn from an execution with everything noted."""
        shared = sharing.shared()
        self.control.hot.update(*shared)
        self.counts.add(shared, sharing.counts)
        for site in () if self.control.tasked else sharing.passed_over:
            self.discovery.escaped(site.code, "runs as one step, but touches what others touch", site.line)

    def learn_if_worthwhile(self, choices: Sequence[int]) -> Failure | None:
        """`learn` from an execution in which something new seemed to be shared.

        It may only have seemed so: a new object can take the place of a dead one
        in memory.  Where repeating has shown that often, it is done less often.
        """
        self._in_vain += 1
        if self._in_vain <= 32 or not self._in_vain & (self._in_vain - 1):
            return self.learn(choices)
        return None

    def record(self, choices: Sequence[int], failure: Failure) -> tuple[Recording, Failure, str] | None:
        """Repeat a failed execution and write it down; None if it does not fail alike.

        What was met as shared for the first time in this very execution is written down as well: a
        witness that knows nothing of it cannot tell when it has to happen.  Not where an actor goes round
        for ever, of which one round would fill the page.
        """
        known = frozenset(self.control.hot)
        self.control.locals.late = ""
        if failure.kind != "livelock":
            self.learn(choices)
        if len(self.control.hot) > len(known):
            recorded = self._record(Choices(choices, known), failure)
            if recorded is not None:
                return recorded
            self.control.hot.intersection_update(known)
        recorded = self._record(Choices(choices), failure)
        if recorded is None and self.control.locals.late:
            raise NeedsThreads(
                f"carrier='greenlet': actors had in common what {self.control.locals.late} keeps by thread, "
                "as it was not known that they use it; use carrier='thread' or 'auto'"
            )
        return recorded

    def _record(self, follow: Choices, failure: Failure) -> tuple[Recording, Failure, str] | None:
        recording = Recording()
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
def engine(
    program: Program,
    steps: int,
    trace: tuple[str, ...],
    carrier: str,
    strict: bool = False,
    points: bool = False,
    classes: bool = False,
) -> Iterator[Exploration]:
    """A carrier and the instrumented program, with ``points`` so that it tells of switch points as well.

    With ``classes`` it has tasks, and they are freer than on their loop (`lab.carriers.stretches`).

    Everything is as before afterwards.
    """
    if threading.get_ident() in DRIVERS:
        raise LabError("explore() was called inside an exploration; call it from outside the actors, setup and check")
    if program.processes:
        with _engine_of_processes(program, steps, strict) as exploration:
            yield exploration
        return
    carrier, kind = carrier_of(carrier)
    finder: type[Discovery] = Discovery
    is_async = program.is_async
    if is_async:
        from lab.carriers.tasks import tasked

        kind = tasked(kind, program.order, program.cancels, strict, classes)
    elif strict:
        kind = watched(kind)
    if points:  # imported here as most explorations need neither
        from lab.carriers.pointing import pointed
        from lab.pointing import PointDiscovery

        finder, kind = PointDiscovery, pointed(kind)  # outermost: it looks at the frame that its hooks are called from
    references_of_private()  # counted once in a process, and before anything is watched
    with ONE_AT_A_TIME, operations_redirected(), finder(trace, libraries=strict) as discovery:
        if is_async:
            if not classes:
                discovery.modelled += ("asyncio",)  # the tasks of a loop share what its own code touches
                discovery.left_alone |= {f"asyncio.{name}" for name in _LEFT_ALONE}
            discovery.left_alone |= {"_weakrefset"}  # each loop has functions of its own from there
        for function in (program.setup, program.check, program.outcome, program.teardown):
            if function is not None:
                discovery.cover(function)
        for _, function in program.actors:
            discovery.cover(function)
        control: Any = kind(discovery, steps)
        around: AbstractContextManager[None] = nullcontext()
        if is_async:
            from lab.virtual.tasks import warnings_redirected

            around, program = warnings_redirected(), program.called_by(control.inside)
        with around:
            try:
                with (
                    interruptible(control),
                    tidy(),
                    _as_before(Exploration(program, control, discovery, carrier, strict)) as exploration,
                ):
                    yield exploration
            finally:
                control.close()


@contextmanager
def _engine_of_processes(program: Program, steps: int, strict: bool) -> Iterator[Exploration]:
    from lab.carriers.process import ProcessControl
    from lab.carriers.unwatched import Unwatched

    with ONE_AT_A_TIME, Unwatched() as discovery:
        control = ProcessControl(discovery, steps, strict)
        try:
            with (
                interruptible(control),
                tidy(),
                _as_before(Exploration(program, control, discovery, "process", strict)) as exploration,
            ):
                yield exploration
        finally:
            control.close()


@contextmanager
def _as_before(exploration: Exploration) -> Iterator[Exploration]:
    """Leave the interpreter's settings as they were, and tell what that came to where it broke the lab itself."""
    try:
        yield exploration
    except Exception as error:
        told = complaint(exploration.put_back())
        if told:
            raise LabError(told) from error
        raise
    finally:
        exploration.put_back()


def _exception(control: Control) -> Failure:
    actor = next(actor for actor in control.actors if actor.error is not None)
    error = actor.error
    assert error is not None
    if isinstance(error, LabError):  # the lab was misused, which is no finding
        raise error
    if isinstance(error, ChildFailure):
        return Failure("exception", error.message, error.detail)
    if isinstance(error, ProcessEnd):
        return Failure(
            "exception", f"{actor.name} called {error}, which ends the process", (f"{actor.name}: {error.place}",)
        )
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
