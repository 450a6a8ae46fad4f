"""Cover every schedule of a program, and say what stands against calling that a proof."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from lab.carriers.effects import count_effects
from lab.errors import OutOfTime
from lab.exploration import Exploration
from lab.footprints import Footprints
from lab.leftovers import FirstWrites, Writes
from lab.nondeterminism import first_difference
from lab.program import Failure
from lab.sampling import UNENDED
from lab.stopwatch import now
from lab.strategies.bounded import BoundedSets
from lab.strategies.dpor import SourceSets
from lab.strategies.stretches import StretchSets
from lab.strategies.waiting import AwaitingSets
from lab.strategies.walk import Walk

_MOST_PATIENCE = 100  # stretches of 1,000 accesses to nothing shared: so long may a loop be that waits for nobody
_OFTEN = 10  # executions that were repeated in vain
_EXACTLY = 1_000  # classes up to which an estimate is told as it is
_MOST_RESTARTS = 50  # a program that always has something new to show has no end


@dataclass(eq=False)
class Exhaustion:
    """Runs one schedule of each class, as far as it is let go on.

    In a strict exploration nothing shared can be missed: what may be is looked at with every access noted.
    """

    exploration: Exploration
    preemptions: int | None = None  # at most so many in a schedule; None for any number
    classes: bool = False  # of orders of the stretches of tasks, on an engine that tells of them
    schedules: int = 0  # classes covered; with a bound, executions, of which several may be of one class
    executions: int = 0  # all, those that repeated a class and those before a restart included
    outcomes: Counter[Any] = field(default_factory=Counter)
    failure: Failure | None = None
    choices: list[int] = field(default_factory=list)  # of the execution that failed
    complete: bool = False
    doubts: dict[str, None] = field(default_factory=dict)  # what stands against a proof
    waits: bool = False  # actors were seen to wait in loops

    def __post_init__(self) -> None:
        self.waits |= self.exploration.control.waits
        self._strategy: SourceSets | Walk | StretchSets = self._covering()
        self._known = self._decisions()
        self._restarts = 0
        self._difference = ""
        self._patience = 0
        self._looked = self.waits  # for actors that wait in loops
        if self.waits:
            self.exploration.control.passed_over_sleepers = False  # in no execution that counts
        self._writes = FirstWrites()
        self._everything = False  # is noted in each execution, rather than only where something seems to be shared
        self._in_vain = 0

    def _covering(self) -> SourceSets | Walk | StretchSets:
        if self.classes:
            return StretchSets()
        if self.exploration.control.tasked:
            return Walk()
        if self.preemptions is not None:
            return BoundedSets(self.preemptions)
        return AwaitingSets() if self.waits else SourceSets()

    @property
    def name(self) -> str:
        """Of the strategy."""
        return self._strategy.name

    @property
    def estimate(self) -> int:
        """How many classes there are, as far as can be told."""
        return max(self.schedules, self._strategy.estimate(self.schedules))

    @property
    def is_plain(self) -> bool:
        """Whether it is of threads alone, all in this process."""
        return not self.exploration.control.tasked and self.exploration.carrier in ("greenlet", "thread")

    def unfinished(self) -> tuple[str, str | None]:
        """What to tell where not all was covered: the reason, and the bound."""
        what = "classes of schedules" if self.preemptions is None else f"schedules with {at_most(self.preemptions)}"
        what = "schedules of the tasks" if self.exploration.control.tasked else what
        told = f"no failure in {self.schedules:,} of about {about(self.estimate, self.schedules)} {what}"
        if not self.schedules and self.executions < 2:
            told = UNENDED
        bound = f"about {self.schedules / self.estimate:.0%} of the {what.split()[0]}" if self.estimate else None
        return next(iter(self.doubts), "") or told, bound

    @property
    def differences(self) -> list[str]:
        """Where executions of one schedule part, if they were seen to."""
        return [f"the program is not the same in every execution: {self._difference}"] if self._difference else []

    @property
    def cut(self) -> bool:
        """Whether the bound kept it from a schedule."""
        return isinstance(self._strategy, BoundedSets) and self._strategy.cut

    @property
    def over(self) -> bool:
        """Whether there is nothing to go on with."""
        return self.complete or self.failure is not None or bool(self._strategy.diverged)

    def go_on(self, executions: int | None, until: float | None) -> None:
        """Go on until all is covered, one execution fails, or so many have been run, or the time is up."""
        control = self.exploration.control
        control.patience = self._patience
        if self._looked:
            count_effects(control, self.waits)
        most = None if executions is None else self.executions + executions
        while not self.over:
            if self._known != self._decisions() and not self._restart():
                break
            if not self._strategy.begin(control):
                if self.exploration.discovery.missed():
                    self._known = (-1, -1)
                    continue
                self.complete = True
                break
            if (most is not None and self.executions >= most) or (until is not None and now() >= until):
                break
            self.executions += 1
            try:
                self._execute()
            except OutOfTime:
                break
        control.log, control.patience = False, 0
        if self._looked:
            count_effects(control, False)
        strategy = self._strategy
        if strategy.diverged and not self._difference:
            with suppress(OutOfTime):
                self._difference = first_difference(self.exploration, control.choices)
            self._difference = self._difference or f"{strategy.diverged} differed when it was repeated"
            self.doubts.update(dict.fromkeys(self.differences))
        if self.is_plain:
            self.exploration.break_guards()
        for doubt in doubts_of(self.exploration):
            self.doubts[doubt] = None

    def _execute(self) -> None:
        exploration, strategy = self.exploration, self._strategy
        control = exploration.control
        sharing: Writes | Footprints | None = None
        writes = None
        if self.classes:
            sharing = Footprints(control)
        elif exploration.strict and (self._everything or not self.is_plain):
            sharing = Writes()
        elif exploration.strict:
            writes = self._writes
            writes.clear()
        setup = exploration.leftovers.setup if exploration.strict else None
        outcome, failure = exploration.execute(strategy.choose, sharing=sharing, setup=setup, writes=writes)
        choices = control.choices
        if control.late:  # what each thread has for itself was not known to be in use
            self._everything, self._known = True, (-1, -1)
            return
        if failure is not None:
            self.failure, self.choices = failure, choices
            self._count(outcome)
            return
        if sharing is not None:
            exploration.take_in(sharing)
            exploration.leftovers.take_in(sharing)
        else:
            if writes is not None:
                exploration.leftovers.take_in_first(writes, control.touched)
            if control.suspicious:
                if isinstance(strategy, SourceSets):
                    strategy.settle(control)
                self.failure = self._learn(choices)
                if self.failure is not None:
                    self.choices = choices
                    self._count(outcome)
                    return
        if exploration.take_found():
            self._known = (-1, -1)  # code that started uninstrumented
            return
        if exploration.finalizers.missed:
            exploration.finalizers.missed, self._known = False, (-1, -1)
            return
        if self._known != self._decisions():
            return
        if self._may_wait():
            self._known = (-1, -1)  # with the waits left out there are fewer schedules
            return
        if control.gave_way and not self._patience:
            control.patience = self._patience = _MOST_PATIENCE
            self._known = (-1, -1)  # a switch that was no decision
            return
        if control.daemons:
            self.doubts["daemon threads may still be running when the others have ended"] = None
        if len(control.timers) > 1:
            self.doubts["of several actors that wait until a moment not each came to its wait early and late"] = None
        if control.gave_way or strategy.impatient:
            self.doubts["an actor that waited in a loop was interrupted only now and then"] = None
        strategy.end(control)
        if strategy.diverged:
            return
        if not strategy.redundant:
            self._count(outcome)

    def _may_wait(self) -> bool:
        """Look for actors that wait in loops when one went on for long, and no more if there are none."""
        strategy, exploration = self._strategy, self.exploration
        control = exploration.control
        if (
            control.tasked
            or self.preemptions is not None
            or exploration.carrier not in ("greenlet", "thread", "process")
        ):
            return False
        if any(event[4] == "loop" for event in control.events or ()):
            return False  # what comes through real sockets is known to nobody but the selector
        assert isinstance(strategy, SourceSets)
        if isinstance(strategy, AwaitingSets):
            if strategy.found or not strategy.stayed_long:
                return False
        elif self._looked or not (strategy.stayed_long or control.gave_way or control.passed_over_sleepers):
            return False
        self.waits = not self.waits
        self._looked = True
        self._strategy = self._covering()
        count_effects(control, self.waits)
        control.passed_over_sleepers = False  # in no execution that counts
        return True

    def _learn(self, choices: list[int]) -> Failure | None:
        """Repeat an execution in which something new seemed to be shared.

        In a strict one it is repeated however often it only seemed so; where that is often, all is noted at once.
        """
        before = self._decisions()
        failure = self.exploration.learn(choices)
        if self.exploration.strict and self._decisions() == before:
            self._in_vain += 1
            self._everything = self._in_vain >= _OFTEN
        return failure

    def _count(self, outcome: Any) -> None:
        self.schedules += 1
        self.exploration.tally(self.outcomes, outcome)

    def _decisions(self) -> tuple[int, int]:
        """Changes when a decision is discovered that was none before."""
        control = self.exploration.control
        if control.tasked:
            return 0, 0  # a task is interrupted where it awaits, whatever it touches
        return len(control.hot), len(control.class_names)

    def _restart(self) -> bool:
        """Forget what was covered, for it was not all; false if that never ends."""
        self._known = self._decisions()
        self._restarts += 1
        if self._restarts > _MOST_RESTARTS:
            self.doubts["something new turned out to be shared again and again"] = None
            return False
        self._strategy.restart()
        self.schedules = 0
        self.outcomes.clear()
        return True


def about(classes: int, covered: int = 0) -> str:
    """An estimate in words: to two digits where it is large, as more are not known, and never below what is known."""
    rounded = round(classes, 2 - len(str(classes))) if classes > _EXACTLY else classes
    return f"{max(rounded, covered):,}"


def at_most(preemptions: int | None) -> str:
    """A bound of preemptions in words."""
    return f"at most {preemptions} preemption{'' if preemptions == 1 else 's'}"


def doubts_of(exploration: Exploration) -> Iterator[str]:
    """What the executions so far have shown that stands against a proof."""
    control = exploration.control
    if control.met_threads:
        yield "threads that run beside tasks are interrupted only where it was known that they touch what others do"
    if control.passed_over_timers:
        yield "a timeout of ten seconds or more was taken to end only when nobody else could go on"
    if control.passed_over_sleepers:
        yield "a loop that sleeps was taken to wait when it had slept often while others stood still"
    if control.twins.memory.drew:
        yield f"{control.twins.memory.drew}, and random numbers were the same in every execution"
    if control.asked_for_ends:
        yield "it was asked whether a thread has ended, and to end is no step of its own"
    if control.read_time:
        yield f"{control.read_time} showed only times that pass while nothing is slow"
    yield from exploration.finalizers.found
    yield from exploration.leftovers.found
    yield from control.doubts
