"""What the engine finds about one variant: the facts that answers are compared with.

Runs in a process of its own (`lab.training.child`).
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from lab.deciding import decisive_pairs
from lab.engine import engine
from lab.errors import LabError
from lab.explorer import explore
from lab.following import Follower, follow
from lab.hammering.hammer import hammer
from lab.passing import Passing, passing
from lab.program import STEPS
from lab.stopwatch import now
from lab.trace import Place
from lab.training.breaking import order_of, play
from lab.training.cases import Case
from lab.training.schedules import written
from lab.training.subject import STANDSTILLS
from lab.verdict import Verdict
from lab.witness import Witness

SCHEDULES = 1_500
SECONDS = 8.0
"""Of the first exploration."""
_MORE_SECONDS = 2.0  # for further witnesses, each of which may have other pairs
_OTHERS = tuple((strategy, seed) for seed in (1, 2, 3) for strategy in ("surw", "pos", "pct", "random"))
_FEW = 300  # schedules of each of them
_PATIENCE = 5  # witnesses in a row that bring nothing new
_HAMMER_SECONDS = 0.15
_AT_LOCKS = ("acquires", "releases")  # which order what they guard, and race with nothing, unless somebody stands still
_AT = re.compile(r"(?:at|since) (\S+):(\d+)(?=;|$)")


def explored(case: Case, **options: Any) -> Verdict:
    """Explore the case as the catalogue does, unless told otherwise."""
    return explore(
        case.setup,
        case.actors,
        **{"schedules": SCHEDULES, "seconds": SECONDS, **case.judged, **case.how, **options},
    )


def measure(case: Case, file: str, witness_file: Path) -> dict[str, Any]:
    """The facts about a case whose code stands in ``file``; its shortest witness is saved beside them."""
    verdict = explored(case)
    facts: dict[str, Any] = {
        "must_fail": case.must_fail,
        "status": verdict.status,
        "reason": verdict.reason,
        "schedules": verdict.schedules,
        "model": _model(case),
        "actors": [name for name, _ in case.program().actors],
        **passing_facts(case),
    }
    if verdict.witness is None or verdict.failure is None:
        return facts
    witness = verdict.witness
    witness.save(witness_file)
    pairs, patterns = _found(case, witness, file)
    order = order_of(witness.trace.steps)
    facts |= {
        "failure": {"kind": verdict.failure.kind, "message": verdict.failure.message},
        "pattern": witness.pattern,
        "story": witness.story,
        "schedule": written(order),
        "playable": play(case, witness, order, 80)["fails"],
        "strikes": bool(case.program().cancels or case.program().crashes),
        "steps": len(witness.trace.steps),
        "switches": witness.trace.switches,
        "pairs": sorted(map(list, pairs)),
        "patterns": sorted(patterns),
        **_rate(case),
    }
    return facts


def _model(case: Case) -> str:
    program = case.program()
    return "processes" if program.processes else "tasks" if program.is_async else "threads"


def _found(case: Case, witness: Witness, file: str) -> tuple[set[tuple[int, ...]], set[str]]:
    """The lines of the file, one or two, whose order decides in some witness; and the patterns of these witnesses."""
    pairs: set[tuple[int, ...]] = set()
    patterns: set[str] = set()
    known: set[str] = set()
    in_vain, until = 0, now() + _MORE_SECONDS
    for one in _witnesses(case, witness):
        schedule = str(one.trace.schedule)
        found = set() if schedule in known else set(_lines_of(case, one, file))
        in_vain = in_vain + 1 if found <= pairs else 0
        known.add(schedule)
        pairs |= found
        patterns |= {one.pattern} - {""}
        if in_vain > _PATIENCE or now() >= until:
            break
    return pairs, patterns


def _witnesses(case: Case, witness: Witness) -> Iterator[Witness]:
    yield witness
    for strategy, seed in _OTHERS:
        found = explored(case, strategy=strategy, seed=seed, schedules=_FEW, seconds=1.0).witness
        if found is not None:
            yield found


def _lines_of(case: Case, witness: Witness, file: str) -> Iterator[tuple[int, ...]]:
    steps = witness.trace.steps
    stands = witness.failure.kind in STANDSTILLS
    if witness.critical:
        yield from _lines([steps[number - 1].place for number in witness.critical], file)
    for line in witness.failure.detail:  # who waits where, and since when another one holds it
        places = [Place(name, "", 0, "", int(number)) for name, number in _AT.findall(line)]
        if len(places) == 2:
            base = os.path.basename(file)
            yield from _lines(
                [replace(one, file=file) for one in places if os.path.basename(one.file) == base], file, 2
            )
    if witness.repeats:
        return
    program = case.program()
    with engine(program, STEPS, case.trace, "auto" if program.processes else case.carrier) as exploration:
        _, _, failure = follow(exploration, witness, Follower)
        if failure is None:
            return
        for pair in decisive_pairs(exploration, steps, failure, witness.last):
            both = [steps[position] for position in pair]
            if stands or not all(step.word in _AT_LOCKS for step in both):
                yield from _lines([step.place for step in both], file)


def _lines(places: list[Place], file: str, least: int = 1) -> Iterator[tuple[int, ...]]:
    """The lines of the places, each once; nothing where one of them stands in another file."""
    if len(places) >= least and all(os.path.realpath(place.file) == os.path.realpath(file) for place in places):
        yield tuple(sorted({place.line for place in places}))


def _rate(case: Case) -> dict[str, Any]:
    """How often it fails for real."""
    on = case.how.get("on", "auto")
    try:
        found = hammer(case.setup, case.actors, on=on, seconds=_HAMMER_SECONDS, **case.judged)
    except LabError:  # what cannot be hammered has no rate
        return {}
    return {"rate": found.rate, "rate_interval": list(found.rate_interval), "rounds": found.schedules}


def passing_facts(case: Case) -> dict[str, Any]:
    """How far the actors overlap in the execution, of some that pass, in which they do so most."""
    try:
        run = passing(case.program(), trace=case.trace, carrier=case.carrier, seed=0)
    except Exception:  # of the program, or of an engine that it got the better of; the verdict has been told
        return {}
    return {
        "overlap": overlap(run),
        "under_one_lock": under_one_lock(run),
        "passing": written(order_of(run.trace.steps)),
    }


def overlap(run: Passing) -> float:
    """The share of steps that an actor takes while another one has begun and not ended."""
    steps = run.trace.steps
    spans: dict[str, list[int]] = {}
    for position, step in enumerate(steps):
        spans.setdefault(step.actor, [position, position])[1] = position
    inside = sum(
        any(first < position < last for actor, (first, last) in spans.items() if actor != step.actor)
        for position, step in enumerate(steps)
    )
    return inside / len(steps) if steps else 0.0


def under_one_lock(run: Passing) -> float:
    """The largest share of steps that are taken under one and the same lock, its own operations included."""
    held: dict[tuple[str, str], int] = {}
    counted: dict[str, int] = {}
    for step in run.trace.steps:
        key = (step.actor, step.name)
        if step.word == "acquires":
            held[key] = held.get(key, 0) + 1
        for actor, name in held:
            if actor == step.actor and held[actor, name] > 0:
                counted[name] = counted.get(name, 0) + 1
        if step.word == "releases":
            held[key] = held.get(key, 0) - 1
    return max(counted.values(), default=0) / len(run.trace.steps) if run.trace.steps else 0.0
