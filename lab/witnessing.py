"""What becomes of a schedule that failed: it is repeated, made short, accounted for and kept as a witness."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass

from lab.circling import circles
from lab.deciding import account_for
from lab.errors import NeedsThreads, OutOfTime
from lab.exploration import Exploration
from lab.nondeterminism import first_difference
from lab.pinning import parts_of
from lab.program import Failure, describe
from lab.recorder import identity_of
from lab.shrink import Failed, Shrinking
from lab.stopwatch import now
from lab.trace import Trace
from lab.verdict import Shrunk, Verdict, hurried
from lab.witness import Witness, fingerprints

_TO_REPEAT = 3.0  # seconds beside those of the search: to write a failure down takes longer than to find it


@dataclass(frozen=True)
class Found:
    """A schedule that failed, and how it was found."""

    choices: list[int]
    failure: Failure
    strategy: str  # its name
    seed: int
    began: float  # when the search did


def put_down(verdict: Verdict, exploration: Exploration, found: Found, trace: tuple[str, ...], steps: int) -> None:
    """Make the verdict *fails*, with a witness; *nondeterminism* where the schedule does not fail again."""
    count, choices, failure = verdict.schedules, found.choices, found.failure
    verdict.status = "fails"
    verdict.reason = f"failed in schedule {count:,}"
    verdict.failure = failure
    if exploration.control.is_of_processes and failure.kind != "livelock":
        exploration.control.waits = False  # which takes time, and finds nothing else
    exploration.ends_by(now() + _TO_REPEAT + (now() - found.began))
    try:
        recorded = exploration.record(choices, failure)
    except NeedsThreads:
        verdict.status, verdict.reason, verdict.failure = "unknown", "", None
        raise
    except Exception as error:  # the failure is known; that must not be lost
        verdict.notes += (f"recording: the failed schedule could not be repeated ({describe(error)})",)
        return
    if recorded is None:
        verdict.failure = _not_again(exploration, choices, failure, count)
        return
    recording, again, last = recorded
    endless = exploration.control.halted == "endless"
    proved = bool(exploration.control.going_round)
    first = Failed(recording.steps, again, last)
    decisions = frozenset(identity_of(site) for site in exploration.control.hot)
    shrinking = Shrinking(exploration, first, failure)
    shrunk = shrinking.run()
    if endless and not (shrunk.repeats or proved) and not circles(exploration, choices):
        verdict.status, verdict.failure = "unknown", None
        verdict.reason = f"schedule {count:,} had {again.message}; give a larger steps= if that is not for ever"
        return
    finding = None
    if shrinking.limit.was_reached:
        verdict.notes += (hurried("shrinking", shrinking.limit.seconds),)
    if not shrunk.repeats:
        finding, limit = account_for(exploration, shrunk.steps, shrunk.failure, shrunk.last)
        if limit.was_reached:
            verdict.notes += (hurried("the search for the two critical steps", limit.seconds),)
    verdict.failure = shrunk.failure
    before, after = Trace(tuple(first.steps)), Trace(tuple(shrunk.steps))
    if after.switches < before.switches or len(after.steps) < len(before.steps):
        verdict.shrunk = Shrunk(before.switches, len(before.steps), shrinking.executions)
    verdict.witness = Witness(
        actors=tuple(after.actors([actor for actor, _ in exploration.program.actors])),
        trace=after,
        failure=shrunk.failure,
        last=shrunk.last,
        repeats=shrunk.repeats,
        program=parts_of(exploration.program, trace, steps),
        critical=tuple(position + 1 for position in finding.critical) if finding is not None else (),
        pattern=finding.pattern if finding is not None else "",
        story=finding.story if finding is not None else "",
        decisions=decisions,
        strategy=found.strategy,
        seed=found.seed,
        found=count,
        code=fingerprints(shrunk.steps),
        carrier=exploration.carrier,
        order=exploration.program.order,
        cancels=tuple(sorted(exploration.program.cancels)),
        crashes=tuple(sorted(exploration.program.crashes)),
    )


def _not_again(exploration: Exploration, choices: list[int], failure: Failure, count: int) -> Failure:
    why = ""
    with suppress(OutOfTime):
        why = first_difference(exploration, choices)
    why = why or next(iter(exploration.leftovers.found), "")
    return Failure(
        "nondeterminism",
        f"schedule {count:,} failed once ({failure}) but not when it was repeated" + (why and f"; {why}"),
        failure.detail,
    )
