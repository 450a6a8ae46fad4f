"""Replay a witness: it fails again, it no longer fails, or it is stale."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Any

from lab import keeping
from lab.engine import engine
from lab.errors import InvalidType, InvalidValue, WitnessError, door
from lab.exploration import Escaped
from lab.following import Follower, follow, told
from lab.program import CARRIERS, STEPS, Failure, Program, modules, positive
from lab.searching import Search
from lab.stopwatch import now
from lab.trace import Trace
from lab.verdict import Verdict
from lab.witness import Witness, fingerprint

_EXPLORED_SECONDS = 10.0


@door
def replay(
    witness: Witness,
    setup: Callable[[], Any],
    actors: Any,
    *,
    check: Callable[[Any], object] | None = None,
    outcome: Callable[[Any], Any] | None = None,
    allowed: Any = None,
    forbidden: Any = None,
    teardown: Callable[[Any], object] | None = None,
    trace: Sequence[str] = (),
    steps: int = STEPS,
    title: str = "",
    carrier: str = "auto",
    cancel: object = False,
    schedules: int | None = None,
    force: bool = False,
) -> Verdict:
    """Run the schedule of ``witness`` once more on this code.

    The verdict is ``fails`` if the failure comes again, else ``unknown`` with a
    reason that begins with "no longer fails" or "stale".  The other arguments are
    those of `explore`; ``carrier="auto"`` is the witness's own where it can be had, and who could be cancelled is what
    the witness says, whatever ``cancel`` is.
    With ``force`` a failure that comes again is also forced on real OS threads, with the program's
    own locks, and ``verdict.notes`` tells whether it fails alike there; that may take some seconds.

    With ``schedules`` it is a regression test.  A repair changes the steps, and then the schedule no
    longer fits.  So where the steps or their code have come to differ the program is explored, with so many
    schedules and for 10 s at most, and that is the verdict.  Where nothing can be said, because none of the
    functions that took a step is run any more or something escapes control, it raises.

    Raises WitnessError if the actors are not the witness's, and with ``schedules`` if it is stale.
    """
    if not isinstance(witness, Witness):
        raise InvalidType(f"witness={witness!r}: give a Witness, such as Witness.load('.lab/NAME.json')")
    program = Program.of(setup, actors, check, outcome, allowed, forbidden, teardown)
    program = program.on("processes" if witness.carrier == "process" else "auto")
    if carrier not in CARRIERS:
        raise InvalidValue(f"carrier={carrier!r}: unknown; choose one of {', '.join(CARRIERS)}")
    positive(schedules, "schedules", whole=True)
    return replay_program(witness, program, modules(trace), steps, title, carrier, schedules, force)


def replay_program(
    witness: Witness,
    program: Program,
    trace: tuple[str, ...],
    steps: int,
    title: str,
    carrier: str = "auto",
    schedules: int | None = None,
    force: bool = False,
) -> Verdict:
    """`replay` for a program that has been checked."""
    names = [name for name, _ in program.actors]
    unknown = [name for name in names if name not in witness.actors]
    if unknown or list(witness.actors[: len(names)]) != names:
        recorded = f" (it was recorded at {witness.called})" if witness.called else ""
        raise WitnessError(
            f"witness: it has the actors {', '.join(witness.actors)}, this program has {', '.join(names)}; "
            f"it belongs to another scenario, test or exploration{recorded}"
        )
    if program.is_async:
        program = replace(program, order=witness.order, cancels=frozenset(witness.cancels).intersection(program.tasks))
    if program.processes:
        program = replace(program, crashes=frozenset(witness.crashes).intersection(names))
    began = now()
    verdict = Verdict("unknown", "", method="replay", schedules=1, title=title or witness.target)
    verdict.descriptions = program.descriptions
    verdict.allowed = frozenset(program.allowed) if program.allowed is not None else None
    verdict.forbidden = frozenset(program.forbidden)
    if carrier == "auto" and witness.carrier == "thread":
        carrier = "thread"
    with engine(program, max(steps, len(witness.trace.steps) + 1000), trace, carrier) as exploration:
        try:
            follower, outcome, failure = follow(exploration, witness, Follower)
        except Escaped as escaped:
            verdict.reason = str(escaped)
        last = exploration.control.last
        verdict.uncontrolled = tuple(exploration.discovery.uncontrolled)
        if not verdict.reason:
            functions = exploration.discovery.functions()
            known = [*(file for file, _ in functions), *(step.place.file for step in follower.taken)]
            changed = _changed(witness, known)
            runs = {f"{_base(file)}::{function}" for file, function in functions}
            if program.processes:  # whose code is not followed: what still is there may be run
                runs = {key for key, digests in _now(witness, known).items() if any(digests)}
    verdict.seconds = now() - began
    if verdict.reason:
        if schedules is not None:
            raise WitnessError(f"stale: {verdict.reason}")
        return verdict
    verdict.outcomes[outcome] = 1
    _judge(verdict, witness, follower, failure, changed)
    if schedules is not None and verdict.status != "fails" and (verdict.stale or changed):
        if verdict.stale and runs.isdisjoint(witness.code):
            gone = ", ".join(key.partition("::")[2] for key in witness.code)
            raise WitnessError(f"{verdict.reason}; nothing of what took its steps is run any more ({gone})")
        return _explored(verdict, program, trace, steps, carrier, schedules, changed)
    if verdict.status == "fails" and verdict.failure is not None:
        taken = follower.taken[: len(witness.trace.steps)] if witness.repeats else follower.taken
        verdict.witness = replace(
            witness, trace=Trace(tuple(taken)), failure=verdict.failure, last=last or witness.last
        )
        if verdict.failure.kind == witness.failure.kind:
            from lab.grading import realizable

            if not program.processes:
                verdict.realizable = realizable(witness, program, trace, steps, carrier)
            chosen = keeping.current()
            if chosen is not None and chosen.reporting:
                from lab.contrasting import beside

                verdict.passing = beside(witness, program, trace=trace, carrier=carrier, seed=witness.seed)
            if force:
                from lab.forcing import forced

                verdict.notes += (f"forced: {forced(witness, program, trace, steps).message}",)
    return verdict


def _explored(
    stale: Verdict,
    program: Program,
    trace: tuple[str, ...],
    steps: int,
    carrier: str,
    schedules: int,
    changed: list[str],
) -> Verdict:
    """What can be said of code that no longer takes the witness's steps: whether it fails in any of some schedules."""
    verdict = Search(program, "auto", schedules, _EXPLORED_SECONDS, 0, steps, trace, carrier).run()
    if verdict.status == "unknown" and verdict.uncontrolled:
        raise WitnessError(
            f"{stale.reason}; exploring it tells nothing, as something escaped control: {verdict.reason}"
        )
    verdict.title = stale.title
    since = f" (changed since: {', '.join(changed)})" if changed else ""
    fits = "no longer fits" if stale.stale else "passes"
    verdict.notes += (f"pinned: the schedule of the witness {fits}{since}, so others were tried",)
    return verdict


def _judge(verdict: Verdict, witness: Witness, follower: Follower, failure: Failure | None, changed: list[str]) -> None:
    hint = f" (changed since: {', '.join(changed)})" if changed else ""
    if failure is not None and failure.kind == witness.failure.kind:
        verdict.status = "fails"
        verdict.failure = failure
        verdict.reason = f"fails again: {failure.message}{hint}"
    elif follower.diverged:
        verdict.reason = f"stale: {follower.diverged}{hint}; explore again for a new witness"
    elif failure is not None:
        verdict.status = "fails"
        verdict.failure = failure
        verdict.reason = f"fails otherwise: {failure}; the witness had {witness.failure}{hint}"
    elif len(follower.taken) < len(witness.trace.steps):
        step = witness.trace.steps[len(follower.taken)]
        number = len(follower.taken) + 1
        verdict.reason = (
            f"stale: diverged at step {number}, expected {told(step)}, saw the end of the execution{hint}; "
            "explore again for a new witness"
        )
    else:
        verdict.reason = f"no longer fails: all {len(follower.taken)} steps were taken without the failure{hint}"


def _changed(witness: Witness, met: Iterable[str]) -> list[str]:
    """Functions of the witness whose source is not what it was."""
    today = _now(witness, met).items()
    return sorted(key.partition("::")[2] for key, digests in today if witness.code[key] not in (*digests, ""))


def _now(witness: Witness, met: Iterable[str]) -> dict[str, set[str]]:
    """Digests of the witness's functions in the files ``met`` or else in any loaded module, where there is such a file.

    A path that stands in the witness is never opened: it may have come from anywhere.
    """
    files: dict[str, set[str]] = {}
    for file in met:
        files.setdefault(_base(file), set()).add(file)
    loaded: dict[str, set[str]] = {}
    for module in list(sys.modules.values()):
        path = getattr(module, "__dict__", {}).get("__file__")
        if isinstance(path, str):
            loaded.setdefault(_base(path), set()).add(path)
    found = {}
    for key in witness.code:
        name, _, function = key.partition("::")
        known = files.get(name) or loaded.get(name)
        if known:
            found[key] = {fingerprint(file, function) for file in known}
    return found


def _base(file: str) -> str:
    return file.replace("\\", "/").rpartition("/")[2]
