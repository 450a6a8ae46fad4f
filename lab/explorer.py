"""Run a program under one controlled schedule after another: until a witness, or until the budget is spent."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from lab import keeping
from lab.errors import InvalidType, InvalidValue, door
from lab.exhaustion import Exhaustion, exhaust
from lab.exploration import Exploration, engine
from lab.origin import calling_line
from lab.program import Failure, Program, describe, positive
from lab.recorder import identity_of
from lab.sampling import Sample, sample
from lab.strategies import STRATEGIES, names
from lab.strategies.dpor import SourceSets
from lab.trace import Trace
from lab.verdict import Verdict
from lab.witness import Witness, fingerprints

DEFAULT_SCHEDULES = 10_000
DEFAULT_SECONDS = 10.0
_SHARE = 0.4  # of the budget, in which "auto" tries to cover everything before it samples


@door
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
    or 10 s, whichever comes first); ``steps`` bounds the steps of one execution, and its other
    operations at ten times that.  ``trace`` names
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
    call = keeping.count_call()
    witness = keeping.replaying(call)
    if witness is not None:
        from lab.replaying import replay_program

        return replay_program(witness, program, tuple(trace), steps, title)
    if schedules is None and seconds is None:
        schedules, seconds = DEFAULT_SCHEDULES, DEFAULT_SECONDS
    verdict = _explore(program, strategy, schedules, seconds, seed, steps, tuple(trace))
    verdict.title = title or (chosen.running() if chosen is not None else "")
    if verdict.witness is not None:
        verdict.witness = replace(verdict.witness, call=call, called=calling_line())
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
    found: Exhaustion | None = None
    with engine(program, steps, trace) as exploration:
        if not _profile(exploration, verdict, seed):
            if strategy in ("auto", "dpor"):
                share = _SHARE if strategy == "auto" else 1.0
                most = None if schedules is None else int(schedules * share)
                found = exhaust(exploration, most, None if seconds is None else began + seconds * share)
                _take_in(exploration, verdict, found, seed)
            if strategy != "dpor" and verdict.failure is None and not (found and found.complete):
                chosen = STRATEGIES[strategy](seed, exploration.counts)
                left = None if schedules is None else schedules - verdict.schedules
                _sample(exploration, verdict, sample(exploration, chosen, left, until), seed)
        verdict.uncontrolled = tuple(exploration.discovery.uncontrolled)
    if found is not None and found.complete and verdict.failure is None:
        with engine(program, steps, trace, strict=True) as exploration:
            if not _profile(exploration, verdict, seed):
                _prove(exploration, verdict, exhaust(exploration, schedules, until), seed)
            verdict.uncontrolled = tuple(exploration.discovery.uncontrolled)
    verdict.seconds = time.perf_counter() - began
    return verdict


def _profile(exploration: Exploration, verdict: Verdict, seed: int) -> bool:
    """Get to know the program; true if it fails even without switches."""
    failed = exploration.profile()
    if failed is None:
        return False
    choices, outcome, failure = failed
    verdict.schedules = 1
    verdict.outcomes = Counter([outcome])
    _fail(exploration, verdict, choices, failure, "without switches", seed, 1)
    return True


def _take_in(exploration: Exploration, verdict: Verdict, found: Exhaustion, seed: int) -> None:
    """What came of trying to cover everything."""
    verdict.schedules = found.schedules
    verdict.outcomes = found.outcomes
    if found.failure is not None:
        _fail(exploration, verdict, found.choices, found.failure, SourceSets.name, seed, found.schedules)
    elif not found.complete:
        doubt = next(iter(found.doubts), "")
        verdict.reason = doubt or f"no failure in {found.schedules:,} of about {found.estimate:,} classes of schedules"
        verdict.bound = f"about {found.schedules / found.estimate:.0%} of the classes" if found.estimate else None


def _sample(exploration: Exploration, verdict: Verdict, found: Sample, seed: int) -> None:
    """What came of sampling."""
    verdict.schedules += found.schedules
    verdict.outcomes.update(found.outcomes)
    verdict.reason = found.reason
    verdict.bound = None
    if found.failure is not None:
        _fail(exploration, verdict, found.choices, found.failure, found.strategy, seed, verdict.schedules)


def _prove(exploration: Exploration, verdict: Verdict, found: Exhaustion, seed: int) -> None:
    """Judge the strict repetition of what covered everything."""
    _take_in(exploration, verdict, found, seed)
    if verdict.failure is not None or not found.complete:
        return
    doubts = [*exploration.discovery.uncontrolled, *found.doubts]
    classes = f"{found.schedules:,} {'class' if found.schedules == 1 else 'classes'} of schedules"
    if doubts:
        verdict.reason = f"no failure in {classes}, all there are under control, but {doubts[0]}"
        return
    verdict.status = "holds"
    verdict.reason = f"all {classes}" if found.schedules > 1 else "the only class of schedules"


def _fail(
    exploration: Exploration, verdict: Verdict, choices: list[int], failure: Failure, name: str, seed: int, count: int
) -> None:
    verdict.status = "fails"
    verdict.reason = f"failed in schedule {count:,}"
    verdict.failure = failure
    try:
        recorded = exploration.record(choices, failure)
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
    if strategy not in names():
        raise InvalidValue(f"strategy={strategy!r}: unknown; choose one of {', '.join(names())}")
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
