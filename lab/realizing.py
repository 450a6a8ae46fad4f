"""Where a witness cannot happen on the build that runs, look for one of the same failure that can.

Shrinking knows nothing of builds: it may end at a switch that no build with a global interpreter lock makes, while
the failure has other witnesses.  So schedules that such a build can come to are tried, those with the fewest
preemptions and switches first, which is every one of them where the program is small, and then some at random.
The first that fails alike is shrunk like any other, with the switches it can have.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from random import Random
from typing import Any

from lab.carriers.actor import Actor, Places
from lab.deciding import account_for
from lab.detectors.realizable import HERE, WITH_LOCK, Grade
from lab.engine import engine
from lab.exhaustion import doubts_of
from lab.exploration import Exploration
from lab.following import Follower, SitesOf, follow
from lab.grading import realizable
from lab.instrument import Site
from lab.leftovers import Writes
from lab.program import Failure, Program
from lab.recorder import Recording, SharingMap, identity_of
from lab.sameness import failing_in
from lab.shrink import Candidate, Failed, Shrinking, Spent
from lab.stopwatch import Limit
from lab.strategies.at_points import AtPoints, DrawnAtPoints, Passed
from lab.strategies.fewest import FewSwitches, Order, Switches
from lab.strategies.replay import Steps
from lab.trace import Trace
from lab.verdict import Shrunk, Verdict, hurried
from lab.witness import Witness, build_name, fingerprints

EXECUTIONS = 300
"""Most executions that are run to find another witness, and to shrink it."""
MOST_OPERATIONS = 30_000
"""Most operations of all of them together, those on what nobody else touches included."""
SECONDS = 3.0
"""Longest time for them, in seconds of the processor's time; most programs need a few hundredths."""
_WALKED = 200  # of them that go into trying one schedule after another
_DRAWN = 50  # that are drawn after that
_MOST_RESTARTS = 5


def grade_witness(verdict: Verdict, program: Program, trace: tuple[str, ...], steps: int, carrier: str) -> None:
    """Grade the witness of a verdict; one that cannot happen here gives way to one that can, if there is one."""
    witness = verdict.witness
    assert witness is not None
    if program.processes:
        return  # where processes are switched is no matter of the build
    verdict.realizable = realizable(witness, program, trace, steps, carrier)
    if program.is_async:
        return
    here = verdict.realizable[HERE]
    if build_name() != "gil" or here.status != "no" or witness.failure.kind == "livelock":
        return
    if carrier == "auto" and witness.carrier == "thread":
        carrier = "thread"
    with suppress(Exception):  # of the program, or something escapes: the witness that was found must not be lost
        looking = _look(witness, program, trace, steps, carrier)
        if looking is None:
            return
        if looking.limit.was_reached:
            verdict.notes += (hurried("the search for a witness that can happen here", SECONDS),)
        if looking.every:
            surely = Grade("no", here.reason, every=True)
            verdict.realizable = {**verdict.realizable, HERE: surely, WITH_LOCK: surely}
        other = _told(witness, looking, program, trace, steps, carrier)
        if other is None:
            return
        grades = realizable(other, program, trace, steps, carrier)
        if grades[HERE].status == "yes":
            _put_in_place(verdict, other, looking.executions)
            verdict.realizable = grades


def _put_in_place(verdict: Verdict, other: Witness, executions: int) -> None:
    before = verdict.shrunk or Shrunk(0, 0, 0)
    verdict.shrunk = replace(before, instead=executions)
    verdict.witness = other
    verdict.failure = other.failure


def _look(witness: Witness, program: Program, trace: tuple[str, ...], steps: int, carrier: str) -> _Realizing | None:
    """The search, when it is over; None if the witness does not fail again."""
    limit = Limit(SECONDS)
    with engine(program, steps, trace, carrier, strict=True, points=True) as exploration:
        exploration.ends_by(limit.until)
        exploration.profile()
        unnamed = _repeated(exploration, witness)
        if unnamed is None or unnamed.kind != witness.failure.kind:
            return None
        found = Failed(witness.trace.steps, witness.failure, witness.last)
        looking = _Realizing(exploration, found, unnamed, allowed=limit)
        looking.result = looking.run()
        looking.decisions = frozenset(identity_of(site) for site in exploration.control.hot)
        return looking


def _repeated(exploration: Exploration, witness: Witness) -> Failure | None:
    """How the witness fails when it is not written down; what it shows to be shared is learnt."""
    control = exploration.control
    known, sharing, order = control.hot, SharingMap(), Passed()
    control.hot = SitesOf(witness)
    try:
        follow = Steps(witness.trace.steps, order.actors, witness.last)
        _, failure = exploration.execute(follow.choose, recording=order, sharing=sharing)
    finally:
        control.hot = known
    exploration.take_in(sharing)
    return failure


def _told(
    witness: Witness, looking: _Realizing, program: Program, trace: tuple[str, ...], steps: int, carrier: str
) -> Witness | None:
    """What was found as a witness, replayed on the usual engine; None if nothing was or it does not fail again."""
    result = looking.result
    if result is None or result is looking.found:
        return None
    taken = Trace(tuple(result.steps))
    other = replace(
        witness,
        actors=tuple(taken.actors([name for name, _ in program.actors])),
        trace=taken,
        failure=result.failure,
        last=result.last,
        repeats=0,
        decisions=looking.decisions,
        code=fingerprints(result.steps),
    )
    with engine(program, max(steps, len(taken.steps) + 1000), trace, carrier) as exploration:
        follower, _, failure = follow(exploration, other, Follower)
        if failure is None or follower.diverged or not failing_in(failure, witness.failure):
            return None
        finding, _ = account_for(exploration, follower.taken, failure, result.last)
    return replace(
        other,
        trace=Trace(tuple(follower.taken)),
        failure=failure,
        critical=tuple(position + 1 for position in finding.critical) if finding is not None else (),
        pattern=finding.pattern if finding is not None else "",
        story=finding.story if finding is not None else "",
    )


class _Again(Exception):
    """There are more decisions than was known."""


class _Written(Recording):
    """A recording on an engine that tells of switch points."""

    def passes(self, actor: Actor, surely: bool, why: str) -> None:
        """See `lab.carriers.pointing.Points`."""

    def comes(self, actor: Actor, site: Site) -> None:
        """See `lab.carriers.pointing.Points`."""

    def stands(self, actor: Actor, places: Places, site: Site) -> None:
        """See `lab.carriers.pointing.Points`."""


@dataclass(eq=False)
class _Realizing(Shrinking):
    """Looks for a schedule that fails like ``found`` and switches at switch points only."""

    allowed: Limit = field(default_factory=lambda: Limit(SECONDS))
    every: bool = False  # all schedules that can happen were tried, and none fails like that
    result: Failed | None = None
    decisions: frozenset[Any] = frozenset()
    _doubted: bool = False
    _at_most: int = EXECUTIONS

    def _look(self) -> None:
        self.limit = self.allowed
        for _ in range(_MOST_RESTARTS):
            self.best, self._doubted = None, False
            self._better.clear()
            try:
                self._try_all()
            except _Again:
                continue
            if self.best is not None:
                self._leave_out()
                self._move(EXECUTIONS)
            return

    def _try_all(self) -> None:
        self._at_most = min(EXECUTIONS, self.executions + _WALKED)
        try:
            self._from_the_beginning((sys.maxsize, sys.maxsize))
            self.every = self.best is None and not self._doubted and not self._doubts()
            return
        except Spent:
            if self.best is not None or self.limit.is_reached:
                return
        finally:
            self._at_most = EXECUTIONS
        source = Random("schedules that can happen")
        for _ in range(_DRAWN):
            passed = self._passed()
            strategy = DrawnAtPoints(passed, source)
            self._consider(strategy, passed, self._run(strategy, passed))
            if self.best is not None:
                break

    def _doubts(self) -> bool:
        """Whether anything stands against having tried everything."""
        exploration = self.exploration
        control = exploration.control
        exploration.put_back()
        return bool(exploration.discovery.uncontrolled or control.daemons or [*doubts_of(exploration)])

    def _alike(self, one: Failure, other: Failure) -> bool:
        return failing_in(one, other)

    def _is_same(self, candidate: Candidate) -> bool:
        same = super()._is_same(candidate)
        self._doubted = self._doubted or not same  # it fails much like that
        return same

    def _recording(self) -> Recording:
        return _Written()

    def _passed(self) -> Passed:
        return Passed(hot=self.exploration.control.hot)

    def _execute(self, first: Sequence[int], switches: Switches | None) -> tuple[FewSwitches, Order, Failure | None]:
        passed = self._passed()
        strategy = AtPoints(passed, first, switches)
        failure = self._run(strategy, passed)
        if [decision.chosen for decision in strategy.decisions[: len(first)]] != list(first):
            self._doubted = True
        return strategy, passed, failure

    def _run(self, strategy: FewSwitches, passed: Passed) -> Failure | None:
        exploration = self.exploration
        control = exploration.control
        if self.executions >= self._at_most or self._operations >= MOST_OPERATIONS or self.limit.is_reached:
            raise Spent
        self.executions += 1
        known, sharing = len(control.hot), Writes()
        _, failure = exploration.execute(
            strategy.choose, recording=passed, sharing=sharing, setup=exploration.leftovers.setup
        )
        self._count()
        exploration.take_in(sharing)
        exploration.leftovers.take_in(sharing)
        if exploration.discovery.take_found() or len(control.hot) > known:
            raise _Again
        endless = failure is not None and failure.kind == "livelock"
        if passed.doubted or endless or control.gave_way or len(control.timers) > 1:
            self._doubted = True
        return failure
