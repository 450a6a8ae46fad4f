"""One exploration: what is tried in which order, and what its verdict is made of."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from lab import keeping
from lab.classes import ByClasses, Classes
from lab.engine import engine
from lab.errors import NeedsThreads, OutOfTime
from lab.exhaustion import Exhaustion, about, at_most
from lab.exploration import Escaped, Exploration, LeftBehind
from lab.nondeterminism import first_difference, telling_what_is_left
from lab.program import Failure, Program
from lab.program import told as told_of
from lab.progress import Progress
from lab.sampling import Sample, spent
from lab.stopwatch import now
from lab.strategies import STRATEGIES, Strategy
from lab.strategies.bounded import FewPreemptions
from lab.strategies.dpor import SourceSets
from lab.verdict import Verdict
from lab.witnessing import Found, put_down

_FIRST_TURN = 50  # executions
_STEPS_OF_CLASSES = 5_000
"""Steps of one execution of tasks beyond which classes are not tried: most of what is so long has no end."""
_FIRST_CLASSES = 300  # executions of tasks before schedules are drawn
_FEW = 20  # executions in which most bugs show
_SMALL = 5_000  # classes: so many are covered at once as strictly as a proof needs
_SLICE = 0.25  # seconds


@dataclass
class Search:
    """A program, and how it is to be explored; ``schedules`` counts executions, ``seconds`` is wall-clock time."""

    program: Program
    strategy: str
    schedules: int | None
    seconds: float | None
    seed: int
    steps: int
    trace: tuple[str, ...]
    carrier: str
    preemptions: int | None = None  # at most so many in a schedule
    verdict: Verdict = field(default_factory=lambda: Verdict("unknown", ""))
    parts: list[Exhaustion | Sample] = field(default_factory=list)  # of the search, in the order in which they began
    cut: bool = False  # schedules with more preemptions were left out
    waits: bool = False  # actors were seen to wait in loops
    _notes: Collection[str] = ()  # what the carrier noticed
    _small = 0  # about how many classes there are, if so few that they were not covered before they are strictly

    def run(self) -> Verdict:
        """Explore; what was covered completely is covered once more, strictly, before it is called a proof."""
        verdict, program = self.verdict, self.program
        verdict.descriptions = program.descriptions
        verdict.allowed = frozenset(program.allowed) if program.allowed is not None else None
        verdict.forbidden = frozenset(program.forbidden)
        self._began = now()
        try:
            chosen = keeping.current()
            with Progress(self.seconds, chosen.tell if chosen is not None else None) as self.progress:
                try:
                    self._search_and_prove()
                except NeedsThreads:
                    if self.carrier != "auto":
                        raise
                    self.carrier = "thread"
                    self.parts.clear()
                    self._search_and_prove()
        except Escaped as escaped:
            verdict.reason = str(escaped)
            verdict.uncontrolled = (str(escaped),)
        except LeftBehind as left:
            verdict.reason, verdict.schedules = str(left), self._executions
        except KeyboardInterrupt:
            told = f"interrupted after {now() - self._began:.1f} s: {self._so_far()}"
            print(f"\nlab: {told}", file=sys.stderr)
            keeping.note_interrupted(told)
            raise
        verdict.seconds = now() - self._began
        verdict.notes += tuple(self._notes)
        return verdict

    @contextmanager
    def _engine(self, strict: bool = False) -> Iterator[Exploration]:
        made = engine(self.program, self.steps, self.trace, self.carrier, strict)
        with made as exploration, telling_what_is_left(exploration):
            yield exploration

    def _search_and_prove(self) -> None:
        """Cover the program or spend the budget on it; prove what was covered."""
        if not self._has_classes:
            self._search_all()
            return
        found = self._by_classes(_FIRST_CLASSES, self._share(0.2))
        if found.holds and not found.missing:
            self._told_by_classes(found)
            return
        schedules, seconds = self.schedules, self.seconds
        if found.open and schedules is not None:
            self.schedules = max(1, schedules // 2)
        if found.open and seconds is not None:
            self.seconds = 0.6 * seconds
        self._search_all()
        self.schedules, self.seconds = schedules, seconds
        if found.open and self.verdict.status == "unknown" and not self.verdict.uncontrolled:
            found = self._by_classes(None, self._until)
        if found.holds and self.verdict.status == "unknown":
            self._told_by_classes(found)

    @property
    def _has_classes(self) -> bool:
        tasks = len(self.program.tasks) == len(self.program.actors)
        return tasks and self._covers and self.preemptions is None

    def _share(self, share: float) -> float | None:
        return None if self.seconds is None else self._began + share * self.seconds

    def _by_classes(self, most: int | None, until: float | None) -> Classes:
        """Try to cover the classes of orders of a program of tasks."""
        if self.schedules is not None:
            left = max(1, (self.schedules - sum(part.executions for part in self.parts)) // 2)
            most = left if most is None else min(most, left)
        before = len(self.parts)
        try:
            steps = min(self.steps, _STEPS_OF_CLASSES)
            by_classes = ByClasses(self.program, steps, self.trace, self.carrier, self._go_on)
            return by_classes.cover(most, until, self.seed)
        except Escaped:
            return Classes()
        finally:
            del self.parts[before:]

    def _told_by_classes(self, found: Classes) -> None:
        verdict = self.verdict
        verdict.status, verdict.schedules, verdict.outcomes = "holds", found.schedules, found.outcomes
        verdict.bound, verdict.uncontrolled = None, ()
        self._notes = found.notes
        classes = f"{found.schedules:,} classes of schedules"
        verdict.reason = f"all {classes}" if found.schedules > 1 else "the only class of schedules"
        if found.missing:
            told = ", ".join(sorted(map(told_of, found.missing)))
            verdict.notes += (f"outcomes: no schedule that was tried came to {told}, and others may",)

    def _search_all(self) -> None:
        """Cover the program, once and strictly if it seems small, or spend the budget on it; prove what was covered."""
        verdict = self.verdict
        self._small = 0
        at_once = self.program.processes and self._covers  # which takes a process hardly longer
        with self._engine(strict=at_once) as exploration:
            self._began = now()  # once more: the engine may have been busy for another OS thread
            exploration.ends_by(self._until)
            covered = self._search(exploration)
            if covered is not None and at_once:
                self._prove(exploration, covered)
            self._notes = exploration.control.notes
            verdict.uncontrolled = tuple(exploration.discovery.uncontrolled)
            leftovers = exploration.leftovers.found
        if covered is None:
            return
        if at_once:
            self._sample_after_all()
        elif not self._prove_strictly(leftovers):
            with self._engine() as exploration:
                exploration.ends_by(self._until)
                covered = None if self._profile(exploration) else self._alternate(exploration, self._until, look=False)
                verdict.uncontrolled = tuple(exploration.discovery.uncontrolled)
            self._small = 0
            if covered is not None:
                self._prove_strictly(leftovers)

    @property
    def _covers(self) -> bool:
        """Whether the strategy may cover all schedules."""
        return self.strategy in ("auto", SourceSets.name)

    def _prove_strictly(self, leftovers: Collection[str]) -> bool:
        """Cover the program as a proof needs; false if it seemed small and is not, and others should have turns."""
        verdict, most = self.verdict, self.schedules
        if self._small and self.strategy == "auto":
            most = min(4 * self._small + 1_000, most or sys.maxsize)
        with self._engine(strict=True) as exploration:
            exploration.ends_by(self._until)
            if not self._profile(exploration):
                found = Exhaustion(exploration, self.preemptions if self.cut else None, waits=self.waits)
                self._go_on(found, most, self._until)
                if not found.over and most != self.schedules and (self._until is None or now() < self._until):
                    return False
                found.doubts.update(dict.fromkeys(leftovers))
                self._prove(exploration, found)
            verdict.uncontrolled = tuple(exploration.discovery.uncontrolled)
        self._sample_after_all()
        return True

    def _sample_after_all(self) -> None:
        """If what was covered is not all there is, go on with what is left of the budget."""
        verdict = self.verdict
        if verdict.status != "unknown" or self.strategy != "auto" or self.cut:
            return
        reason, uncontrolled = verdict.reason, verdict.uncontrolled
        with self._engine() as exploration:
            exploration.ends_by(self._until)
            if not self._profile(exploration):
                left = None if self.schedules is None else max(0, self.schedules - verdict.schedules)
                self._sample(exploration, left, self._until)
            verdict.uncontrolled = tuple(dict.fromkeys((*uncontrolled, *exploration.discovery.uncontrolled)))
        if verdict.status == "unknown":
            verdict.reason = f"{verdict.reason}; {reason}"

    @property
    def _until(self) -> float | None:
        return None if self.seconds is None else self._began + self.seconds

    def _search(self, exploration: Exploration) -> Exhaustion | None:
        """Look for a failure; what found none in any schedule of which it knows, or in few and may be done strictly."""
        if self._profile(exploration):
            return None
        if self.strategy == "auto":
            return self._alternate(exploration, self._until)
        if self.strategy == SourceSets.name:
            found = Exhaustion(exploration, self.preemptions)
            self._go_on(found, _FEW if self.schedules is None else min(_FEW, self.schedules), self._until)
            if self._is_small(found):
                return found
            self._go_on(found, None if self.schedules is None else self.schedules - found.executions, self._until)
            self._take_in(exploration, found)
            self.cut, self.waits = found.cut, found.waits
            return found if found.complete else None
        self._sample(exploration, self.schedules, self._until)
        return None

    def _is_small(self, covering: Exhaustion) -> bool:
        """Whether a program that has not failed yet seems small enough to be covered as strictly as a proof needs.

        Not where something stands against a proof already, nor where it is being covered so.
        """
        most = _SMALL if self.schedules is None else min(_SMALL, self.schedules)
        doubted = covering.doubts or covering.exploration.discovery.uncontrolled
        may_be = not covering.over and self.preemptions is None and covering.is_plain
        may_be = may_be and not covering.exploration.strict
        if may_be and not doubted and covering.executions >= _FEW and covering.estimate <= most:
            self._small, self.waits = covering.estimate, covering.waits
        return bool(self._small)

    def _draw(self, exploration: Exploration) -> Strategy:
        """The strategy that draws schedules, fitted to the program."""
        strategy = STRATEGIES[self.strategy](self.seed, exploration.counts)
        return strategy if self.preemptions is None else FewPreemptions(strategy, self.preemptions)

    def _alternate(self, exploration: Exploration, until: float | None, look: bool = True) -> Exhaustion | None:
        """Cover all and draw, by turns; what covers, if all is covered or a ``look`` tells to do it strictly."""
        covering = Exhaustion(exploration, self.preemptions)
        drawn = Sample(exploration, self._draw(exploration))
        turn = _FIRST_TURN
        while drawn.failure is None:
            left = self._left(covering, drawn)
            self._go_on(covering, turn if left is None else min(turn, left // 2), until)
            if covering.failure is not None or covering.complete:
                self._add_up(exploration, covering, drawn)
                if covering.failure is not None:
                    self._fail(exploration, covering.choices, covering.failure, covering.name)
                self.cut, self.waits = covering.cut, covering.waits
                return covering if covering.complete else None
            left = self._left(covering, drawn)
            self._go_on(drawn, turn if left is None else min(turn, left), until)
            in_time = until is None or now() < until
            if self._left(covering, drawn) == 0 or not in_time:
                break
            if look and drawn.failure is None and turn == _FIRST_TURN and self._is_small(covering):
                return covering
            turn *= 2
        self._add_up(exploration, covering, drawn)
        self.verdict.reason = "; ".join((spent(self.verdict.schedules, in_time), *covering.differences))
        if self.preemptions is not None:
            self.verdict.bound = at_most(self.preemptions)
        if drawn.failure is not None:
            self._fail(exploration, drawn.choices, drawn.failure, drawn.strategy.name)
        return None

    def _go_on(self, part: Exhaustion | Sample, executions: int | None, until: float | None) -> None:
        """Let a part go on, in slices of time, and tell a person how far it is."""
        if not any(part is one for one in self.parts):
            self.parts.append(part)
        most = None if executions is None else part.executions + executions
        while True:
            end = now() + _SLICE
            part.go_on(None if most is None else most - part.executions, end if until is None else min(until, end))
            if part.over or (most is not None and part.executions >= most):
                break
            if until is not None and now() >= until:
                break
            if self.progress.due:
                self.progress.show(self._so_far().replace(" classes covered", " classes"), self._executions)

    @property
    def _executions(self) -> int:
        return sum(part.executions for part in self.parts)

    def _so_far(self) -> str:
        """What is known while nothing has been decided, or while a failure is made easy to read."""
        if self.verdict.failure is not None:
            return f"{self.verdict.reason}: {self.verdict.failure}"
        executions = self._executions
        told = f"no failure in {executions:,} {'schedule' if executions == 1 else 'schedules'}"
        covering = next((part for part in reversed(self.parts) if isinstance(part, Exhaustion)), None)
        if covering is None or covering.complete or self.preemptions is not None:
            return told
        again = " once more" if covering.exploration.strict and not self._small else ""
        estimate = about(covering.estimate, covering.schedules)
        return f"{told}, {covering.schedules:,} of about {estimate} classes covered{again}"

    def _left(self, covering: Exhaustion, drawn: Sample) -> int | None:
        """How many executions the budget still has, if it counts them."""
        if self.schedules is None:
            return None
        return max(0, self.schedules - covering.executions - drawn.schedules)

    def _add_up(self, exploration: Exploration, covering: Exhaustion, drawn: Sample | None) -> None:
        """Tell all that was tried; of what was covered completely only that."""
        verdict = self.verdict
        verdict.schedules, verdict.outcomes = covering.schedules, covering.outcomes
        if drawn is not None and not covering.complete:
            verdict.schedules += drawn.schedules
            exploration.tally_all(verdict.outcomes, drawn.outcomes)

    def _profile(self, exploration: Exploration) -> bool:
        """Get to know the program; true if it fails even without switches."""
        try:
            failed = exploration.profile()
        except OutOfTime:
            return False  # so is what comes next, which tells
        if failed is None:
            return False
        choices, outcome, failure = failed
        self.verdict.schedules = 1
        self.verdict.outcomes = Counter([outcome])
        self._fail(exploration, choices, failure, "profile run")
        return True

    def _take_in(self, exploration: Exploration, found: Exhaustion) -> None:
        verdict = self.verdict
        self._add_up(exploration, found, None)
        if found.failure is not None:
            self._fail(exploration, found.choices, found.failure, found.name)
        elif not found.complete:
            verdict.reason, verdict.bound = found.unfinished()

    def _sample(self, exploration: Exploration, schedules: int | None, until: float | None) -> None:
        """Draw schedules, and tell what came of it."""
        verdict = self.verdict
        found = Sample(exploration, self._draw(exploration))
        self._go_on(found, schedules, until)
        verdict.schedules += found.schedules
        exploration.tally_all(verdict.outcomes, found.outcomes)
        verdict.reason = found.reason
        verdict.bound = None if self.preemptions is None else at_most(self.preemptions)
        if found.failure is not None:
            self._fail(exploration, found.choices, found.failure, found.strategy.name)

    def _prove(self, exploration: Exploration, found: Exhaustion) -> None:
        """Judge the strict repetition of what covered everything."""
        verdict = self.verdict
        self._take_in(exploration, found)
        if verdict.failure is not None or not found.complete:
            return
        try:
            difference = first_difference(exploration, exploration.control.choices)
        except OutOfTime:
            verdict.reason = f"{spent(verdict.schedules, in_time=False)}, all of them but that executions are alike"
            return
        differs = [f"the program is not the same in every execution: {difference}"] if difference else []
        exploration.put_back()
        doubts = [*differs, *exploration.discovery.uncontrolled, *found.doubts]
        classes = f"{found.schedules:,} {'class' if found.schedules == 1 else 'classes'} of schedules"
        if exploration.control.tasked:
            classes = f"{found.schedules:,} schedule{'' if found.schedules == 1 else 's'} of the tasks"
        if self.cut:
            verdict.bound = at_most(self.preemptions)
            classes = f"all schedules with {verdict.bound}"
        if doubts:
            verdict.reason = f"{classes} covered, but {doubts[0]}"
            return
        if self.cut:
            verdict.reason = f"no failure in any schedule with {verdict.bound}, and none with more was tried"
            return
        verdict.status = "holds"
        verdict.reason = f"all {classes}" if found.schedules > 1 else f"the only {classes.removeprefix('1 ')}"

    def _fail(self, exploration: Exploration, choices: list[int], failure: Failure, name: str) -> None:
        found = Found(choices, failure, name, self.seed, self._began)
        put_down(self.verdict, exploration, found, self.trace, self.steps)
