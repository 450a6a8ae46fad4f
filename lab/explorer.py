"""Run a program under one controlled schedule after another: until a witness, or until the budget is spent."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

from lab import keeping
from lab.errors import InvalidType, InvalidValue, LabError
from lab.exploration import MOST_PROFILES, Exploration, engine
from lab.program import Failure, Program, describe, positive
from lab.recorder import identity_of
from lab.strategies import STRATEGIES, Strategy
from lab.strategies.replay import Choices
from lab.trace import Trace
from lab.verdict import Verdict
from lab.witness import Witness, fingerprints

DEFAULT_SCHEDULES = 10_000
DEFAULT_SECONDS = 10.0


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
    verdict = _explore(program, strategy, schedules, seconds, seed, steps, tuple(trace))
    verdict.title = title or (chosen.running() if chosen is not None else "")
    return verdict


def _explore(
    program: Program,
    strategy: str,
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
            chosen = STRATEGIES[strategy](seed, exploration.counts)
            _search(exploration, chosen, schedules, until, seed, verdict)
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
            break
        if until is not None and clock() >= until and count:
            verdict.reason = f"{_spent(count)} when the time was up"
            break
        if not strategy.begin():
            verdict.reason = f"the strategy had nothing left to try after {count:,} schedules"
            break
        outcome, failure = exploration.execute(strategy.choose)
        if discovery.found:
            outcome, failure = _again(exploration, outcome, failure)
        choices = control.choices
        count += 1
        strategy.end(control)
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
    for _ in range(MOST_PROFILES):
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
