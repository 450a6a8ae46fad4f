"""Run a program under one controlled schedule after another: until a witness, or until the budget is spent."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from lab import keeping
from lab.carriers.control import Control
from lab.carriers.execution import Choose
from lab.carriers.greenlet import GreenletControl
from lab.detectors.deadlock import diagnose
from lab.discovery import Discovery
from lab.errors import InvalidType, InvalidValue, LabError
from lab.freshness import Freshness
from lab.hooks import DRIVERS
from lab.origin import LAB, shown
from lab.program import Failure, Program, describe, positive
from lab.recorder import Recording, SharingMap, identity_of
from lab.strategies import STRATEGIES, Strategy
from lab.strategies.replay import Choices, Profile
from lab.trace import Trace
from lab.verdict import Verdict
from lab.witness import Witness, fingerprints

DEFAULT_SCHEDULES = 10_000
DEFAULT_SECONDS = 10.0
_MOST_PROFILES = 60
_TWINS = os.path.join(LAB, "virtual") + os.sep  # raises what the real objects raise


class Exploration:
    """The engine and what is known of one program while it is explored."""

    def __init__(self, program: Program, control: Control, discovery: Discovery) -> None:
        self.program = program
        self.control = control
        self.discovery = discovery
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
        for _ in range(_MOST_PROFILES):
            sharing = SharingMap()
            outcome, failure = self.execute(Profile().choose, sharing=sharing, setup=fresh.setup)
            self.control.hot |= sharing.shared_sites()
            found = self.discovery.take_found()
            if failure is not None and not found:
                return self.control.choices, outcome, failure
            if fresh.done and not found:
                break
        return None

    def learn(self, choices: Sequence[int]) -> None:
        """Repeat an execution with everything noted, to find code and shared objects it met first."""
        known = len(self.control.hot)
        sharing = SharingMap()
        self.execute(Choices(choices).choose, sharing=sharing)
        self.control.hot |= sharing.shared_sites()
        self.discovery.take_found()
        if len(self.control.hot) > known:
            self._in_vain = 0

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
        from lab.recorder import place_of

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


def explore(
    setup: Callable[[], Any],
    actors: Any,
    *,
    check: Callable[[Any], object] | None = None,
    outcome: Callable[[Any], Any] | None = None,
    allowed: Any = None,
    forbidden: Any = None,
    on: str = "auto",
    strategy: str = "auto",
    schedules: int | None = None,
    seconds: float | None = None,
    seed: int = 0,
    preemptions: int | None = None,
    steps: int = 20_000,
    carrier: str = "auto",
    order: str = "fifo",
    cancel: bool = False,
    crash: bool = False,
    trace: Sequence[str] = (),
    teardown: Callable[[Any], object] | None = None,
    title: str = "",
) -> Verdict:
    """Run ``actors`` on fresh states under controlled schedules until one fails or the budget is spent.

    ``setup()`` makes the state; ``actors`` is a dict of name -> callable(state), or a
    list of them; ``check(state)`` runs when all have ended and fails by AssertionError
    or False; ``outcome(state)`` is tallied and must be in ``allowed`` if that is given.
    ``schedules`` counts executions, ``seconds`` is wall-clock time (default: 10,000
    or 10 s, whichever comes first); ``steps`` bounds one execution.  ``trace`` names
    library modules to step inside.  The same ``seed`` gives the same schedules.

    Raises InvalidType or InvalidValue, each in one line, for arguments that cannot work.
    """
    chosen = keeping.current()
    if chosen is not None:
        strategy = chosen.strategy or strategy
        seed = chosen.seed if chosen.seed is not None else seed
        if chosen.schedules is not None or chosen.seconds is not None:
            schedules, seconds = chosen.schedules, chosen.seconds
    _validate(strategy, schedules, seconds, seed, steps, on, carrier, trace)
    _validate_later(preemptions=preemptions, order=order, cancel=cancel, crash=crash)
    program = Program.of(setup, actors, check, outcome, allowed, forbidden, teardown)
    if chosen is not None and chosen.replay is not None:
        from lab.replaying import replay_program

        return replay_program(chosen.replay, program, tuple(trace), steps, title)
    if schedules is None and seconds is None:
        schedules, seconds = DEFAULT_SCHEDULES, DEFAULT_SECONDS
    verdict = _explore(program, STRATEGIES[strategy](seed), schedules, seconds, seed, steps, tuple(trace))
    verdict.title = title or (chosen.running() if chosen is not None else "")
    return verdict


def _explore(
    program: Program,
    strategy: Strategy,
    schedules: int | None,
    seconds: float | None,
    seed: int,
    steps: int,
    trace: tuple[str, ...],
) -> Verdict:
    verdict = Verdict("unknown", "")
    verdict.descriptions = program.descriptions
    verdict.allowed = frozenset(program.allowed) if program.allowed is not None else None
    verdict.forbidden = frozenset(program.forbidden)
    began = time.perf_counter()
    until = began + seconds if seconds is not None else None
    with engine(program, steps, trace) as exploration:
        failed = exploration.profile()
        if failed is None:
            _search(exploration, strategy, schedules, until, seed, verdict)
        else:
            verdict.schedules = 1
            choices, outcome, failure = failed
            verdict.outcomes[outcome] += 1
            _fail(exploration, verdict, choices, failure, "without switches", seed, 1)
        verdict.uncontrolled = tuple(exploration.discovery.uncontrolled)
    verdict.seconds = time.perf_counter() - began
    return verdict


def _search(
    exploration: Exploration,
    strategy: Strategy,
    schedules: int | None,
    until: float | None,
    seed: int,
    verdict: Verdict,
) -> None:
    control, discovery, outcomes = exploration.control, exploration.discovery, verdict.outcomes
    count = 0
    clock = time.perf_counter
    while True:
        if schedules is not None and count >= schedules:
            verdict.reason = _spent(count)
            verdict.bound = f"schedules={schedules:,}"
            break
        if until is not None and clock() >= until and count:
            verdict.reason = f"{_spent(count)} when the time was up"
            verdict.bound = "seconds"
            break
        if not strategy.begin():
            verdict.reason = f"the strategy had nothing left to try after {count:,} schedules"
            break
        outcome, failure = exploration.execute(strategy.choose)
        if discovery.found:
            outcome, failure = _again(exploration, outcome, failure)
        choices = control.choices
        count += 1
        strategy.end(len(choices))
        outcomes[outcome] += 1
        if failure is not None:
            verdict.schedules = count
            _fail(exploration, verdict, choices, failure, strategy.name, seed, count)
            return
        if not count & (count - 1):  # now and then: on 3.11 only a noted execution reports what it calls
            exploration.learn(choices)
        elif control.suspicious:
            exploration.learn_if_worthwhile(choices)
    verdict.schedules = count


def _again(exploration: Exploration, outcome: Any, failure: Failure | None) -> tuple[Any, Failure | None]:
    """Repeat an execution in which code started uninstrumented."""
    for _ in range(_MOST_PROFILES):
        if not exploration.discovery.take_found():
            break
        outcome, failure = exploration.execute(Choices(exploration.control.choices).choose)
    return outcome, failure


def _spent(count: int) -> str:
    return f"no failure in {count:,} {'schedule' if count == 1 else 'schedules'}"


def _fail(
    exploration: Exploration, verdict: Verdict, choices: list[int], failure: Failure, name: str, seed: int, count: int
) -> None:
    verdict.status = "fails"
    verdict.reason = f"failed in schedule {count:,}"
    verdict.failure = failure
    try:
        recorded = exploration.record(choices, failure)
    except LabError:
        raise
    except Exception as error:  # the failure is known; that must not be lost
        verdict.notes += (f"recording: the failed schedule could not be repeated ({describe(error)})",)
        return
    if recorded is None:
        verdict.failure = Failure(
            "nondeterminism", f"schedule {count:,} failed once ({failure}) but not when it was repeated", failure.detail
        )
        return
    recording, again, last = recorded
    verdict.failure = again
    actors = [actor for actor, _ in exploration.program.actors]
    steps = Trace(tuple(recording.steps))
    verdict.witness = Witness(
        actors=tuple(steps.actors(actors)),
        trace=steps,
        failure=again,
        last=last,
        decisions=frozenset(identity_of(site) for site in exploration.control.hot),
        strategy=name,
        seed=seed,
        found=count,
        code=fingerprints(recording.steps),
    )


@contextmanager
def engine(program: Program, steps: int, trace: tuple[str, ...]) -> Iterator[Exploration]:
    """A carrier and the instrumented program; everything is as before afterwards."""
    if threading.get_ident() in DRIVERS:
        raise LabError("explore() was called inside an exploration; call it from outside the actors, setup and check")
    with Discovery(trace) as discovery:
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


def _validate(
    strategy: Any, schedules: Any, seconds: Any, seed: Any, steps: Any, on: Any, carrier: Any, trace: Any
) -> None:
    if strategy not in STRATEGIES:
        raise InvalidValue(f"strategy={strategy!r}: unknown; choose one of {', '.join(STRATEGIES)}")
    positive(schedules, "schedules", whole=True)
    positive(seconds, "seconds", whole=False)
    if steps is None:
        raise InvalidType("steps=None: give a whole number of at least 1")
    positive(steps, "steps", whole=True)
    if isinstance(seed, bool) or not isinstance(seed, int):
        raise InvalidType(f"seed={seed!r}: give a whole number")
    if on not in ("auto", "threads"):
        raise InvalidValue(f"on={on!r}: unknown; choose one of auto, threads")
    if carrier not in ("auto", "greenlet"):
        raise InvalidValue(f"carrier={carrier!r}: unknown; choose one of auto, greenlet")
    if isinstance(trace, str) or not all(isinstance(name, str) for name in trace):
        raise InvalidType(f"trace={trace!r}: give a tuple of module names, such as ('collections',)")


def _validate_later(*, preemptions: Any, order: Any, cancel: Any, crash: Any) -> None:
    """Options whose work has not arrived: refused rather than ignored."""
    if preemptions is not None:
        raise InvalidValue(f"preemptions={preemptions!r}: no strategy bounds preemptions yet; leave it out")
    if order != "fifo":
        raise InvalidValue(f"order={order!r}: concerns tasks, which are not supported yet; leave it out")
    for name, value in (("cancel", cancel), ("crash", crash)):
        if value:
            raise InvalidValue(f"{name}={value!r}: not supported for threads; leave it out")
