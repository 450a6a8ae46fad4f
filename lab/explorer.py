"""Run a program under one controlled schedule after another: until a witness, or until the budget is spent."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from lab import keeping
from lab.errors import InvalidType, InvalidValue, door
from lab.origin import calling_line
from lab.program import CARRIERS, MODELS, STEPS, Program, modules, positive
from lab.searching import Search
from lab.strategies import names
from lab.verdict import Verdict

DEFAULT_SCHEDULES = 10_000
DEFAULT_SECONDS = 10.0


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
    steps: int = STEPS,
    carrier: str = "auto",
    order: str = "fifo",
    cancel: bool | Sequence[str] = False,
    crash: bool | Sequence[str] = False,
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
    The schedule of a failure is then shrunk and its two critical steps are looked for, whatever ``seconds`` says.  A
    witness that cannot happen on this GIL build gives way to another one of the same failure that can, if one is found.
    All this is bounded in executions and operations, so that one seed has one witness, and mostly takes a few
    hundredths of a second; where it takes longer than some seconds it is cut short, and the report says so.
    ``preemptions`` bounds how often an actor that could have gone on has to stand still
    in one schedule; what it leaves out is then not covered, and the verdict says so.
    ``carrier`` says what actors run on: ``greenlet``, ``thread`` (an OS thread each, of
    which one at a time runs), or ``auto``, the faster one where it can be had.

    Actors that are ``async def`` are tasks of one event loop, in which ``setup``, ``check``, ``outcome`` and
    ``teardown`` run as well and may be ``async def``; plain functions beside them are threads.  With
    ``order="fifo"`` callbacks that are ready run in the order in which they became so, as asyncio promises;
    with ``order="any"`` in any.  ``cancel=True`` lets the strategy cancel each actor's task once, at any
    ``await``; ``cancel=("worker",)`` only those.

    With ``on="processes"`` each actor is a process of its own, forked for each execution in a fresh private
    directory, in which ``setup``, ``check``, ``outcome`` and ``teardown`` run as well, in the calling process.  They
    are stopped before each operation on files; there is no ``carrier`` and no ``trace``.  With ``crash=True``
    the strategy may kill one of the actors (SIGKILL) before any of its operations, or at a page of a longer write;
    the others go on, and what is left is judged.  ``crash=("worker",)`` lets it kill only those.

    Raises InvalidType or InvalidValue, each in one line, for arguments that cannot work.
    """
    if on == "processes" and carrier in CARRIERS[1:]:  # what the runner of tests was told holds for those that have one
        raise InvalidValue(f"carrier={carrier!r}: processes run on none; leave it or on='processes' out")
    if on == "processes" and trace:
        raise InvalidValue(f"trace={trace!r}: processes are stopped at files, not at library code; leave it out")
    chosen = keeping.current()
    if chosen is not None:
        strategy = chosen.strategy or strategy
        carrier = chosen.carrier or carrier
        seed = chosen.seed if chosen.seed is not None else seed
        if chosen.schedules is not None or chosen.seconds is not None:
            schedules, seconds = chosen.schedules, chosen.seconds
    _validate(strategy, schedules, seconds, seed, steps, on, carrier)
    stepped = modules(trace)
    if preemptions is not None and (isinstance(preemptions, bool) or not isinstance(preemptions, int)):
        raise InvalidType(f"preemptions={preemptions!r}: give a whole number, or leave it out for any number")
    if preemptions is not None and preemptions < 0:
        raise InvalidValue(f"preemptions={preemptions!r}: must be 0 or more")
    program = Program.of(setup, actors, check, outcome, allowed, forbidden, teardown)
    program = program.with_tasks(order, cancel).on(on).with_crashes(crash)
    if preemptions is not None and program.is_async:
        raise InvalidValue(f"preemptions={preemptions!r}: tasks are not preempted; leave it out")
    if preemptions is not None and program.crashes:
        raise InvalidValue(f"preemptions={preemptions!r}: who is killed is not preempted; leave it or crash= out")
    call = keeping.count_call()
    witness = keeping.replaying(call)
    if witness is not None:
        from lab.replaying import replay_program

        force = chosen is not None and chosen.force
        return replay_program(witness, program, stepped, steps, title, carrier, force=force)
    if schedules is None and seconds is None:
        schedules, seconds = DEFAULT_SCHEDULES, DEFAULT_SECONDS
    verdict = Search(program, strategy, schedules, seconds, seed, steps, stepped, carrier, preemptions).run()
    verdict.title = title or (chosen.running() if chosen is not None else "")
    if verdict.witness is not None:
        from lab.realizing import grade_witness

        grade_witness(verdict, program, stepped, steps, carrier)
        verdict.witness = replace(verdict.witness, call=call, called=calling_line())
        if chosen is not None and chosen.reporting:
            from lab.contrasting import beside

            verdict.passing = beside(verdict.witness, program, trace=stepped, carrier=carrier, seed=seed)
    return verdict


def _validate(strategy: Any, schedules: Any, seconds: Any, seed: Any, steps: Any, on: Any, carrier: Any) -> None:
    if strategy not in names():
        raise InvalidValue(f"strategy={strategy!r}: unknown; choose one of {', '.join(names())}")
    positive(schedules, "schedules", whole=True)
    positive(seconds, "seconds", whole=False)
    if steps is None:
        raise InvalidType("steps=None: give a whole number of at least 1")
    positive(steps, "steps", whole=True)
    if isinstance(seed, bool) or not isinstance(seed, int):
        raise InvalidType(f"seed={seed!r}: give a whole number")
    if on not in MODELS:
        raise InvalidValue(f"on={on!r}: unknown; choose one of {', '.join(MODELS)}")
    if carrier not in CARRIERS:
        raise InvalidValue(f"carrier={carrier!r}: unknown; choose one of {', '.join(CARRIERS)}")
