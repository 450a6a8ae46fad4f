"""Shrinking: a schedule with fewer switches that leads to the same failure.

What is easy to understand has few switches, and of these few preemptions: switches away from an
actor that could have gone on.  Every candidate is run on the engine that found the failure and
counts only if the same failure comes back.  Three ways are tried one after another:

- switches are left out, many at once and then one by one (Zeller and Hildebrandt, "Simplifying and
  Isolating Failure-Inducing Input", IEEE TSE 2002; here what is simplified is the set of switches);
- each switch that is left is moved earlier and later;
- schedules are tried from the beginning, those with the fewest preemptions and then the fewest switches
  first (as in Musuvathi and Qadeer, "Iterative Context Bounding", PLDI 2007).  Where the budget
  suffices for all that are no worse than the best one known, there is none better.

The budget is counted in executions and operations, so that the result is the same on every machine.  A
bound in seconds is there for programs that are slow, comes on top of the time of the search, and is
told where it was reached.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import count

from lab.errors import OutOfTime
from lab.exploration import Exploration
from lab.program import Failure
from lab.recorder import Recording
from lab.rounds import cut
from lab.sameness import identity_of_failure
from lab.stopwatch import Limit
from lab.strategies.fewest import Decision, FewSwitches, Order, Switches, cost, switches_of
from lab.strategies.replay import Steps
from lab.trace import Step

EXECUTIONS = 1_500
"""Most candidates that are run."""
EXECUTIONS_OF_PROCESSES = 300
"""The same where actors are processes, of which each execution takes some milliseconds."""
STEPS = 150_000
"""Most steps of all candidates together."""
OPERATIONS = 1_000_000
"""Most operations of all candidates together, those on what nobody else touches included."""
SECONDS = 4.0
"""Longest time, in seconds of the processor's time; most programs need a few hundredths."""
_LATE = 0.5  # seconds that an execution which is going on then may still take
_MOST_TIMES_AS_LONG = 4  # a candidate may be so many times as long as the failed execution; one that spins has no end
_TIMES_AS_MUCH_WRITTEN = 10  # work an operation is where the execution is written down
_MOST_MOVES = 400  # executions that go into moving switches


class Spent(Exception):
    """The budget is spent."""


@dataclass(frozen=True)
class Failed:
    """A failed execution, written down."""

    steps: Sequence[Step]
    failure: Failure
    last: str  # who ran when the failure showed
    repeats: int = 0  # how many of the last steps come again and again, up to the bound on steps


@dataclass(frozen=True)
class Candidate:
    """An execution with the same failure."""

    cost: tuple[int, int, int, int, tuple[int, ...]]
    decisions: list[Decision]

    @property
    def order(self) -> tuple[int, ...]:
        return self.cost[-1]

    @property
    def choices(self) -> list[int]:
        return [decision.chosen for decision in self.decisions]


@dataclass(eq=False)
class Shrinking:
    """Looks for a better schedule than the one that failed.

    ``unnamed`` is the failure as an execution tells it that is not written down.
    """

    exploration: Exploration
    found: Failed
    unnamed: Failure
    executions: int = 0  # that were needed so far
    best: Candidate | None = None
    _better: list[Candidate] = field(default_factory=list)  # each better than the one before
    _steps: int = 0
    _operations: int = 0

    def run(self) -> Failed:
        """The best execution there is; the one that was found, if there is no better one or anything goes wrong."""
        control = self.exploration.control
        self.limit = Limit(SECONDS)
        self._most = EXECUTIONS_OF_PROCESSES if self.exploration.carrier == "process" else EXECUTIONS
        control.deadline = self.limit.until + _LATE
        if self.found.failure.kind == "livelock":
            return self._cut()
        before = control.step_limit
        control.step_limit = min(before, _MOST_TIMES_AS_LONG * len(self.found.steps) + 200)
        try:
            with suppress(Spent):
                self._look()
        except OutOfTime:
            self.limit.was_reached = True
        except Exception:  # the program may fail in other ways, or escape; what was found must not be lost
            pass
        finally:
            control.step_limit = before
        with suppress(Exception):
            return self._confirmed()
        return self.found

    def _cut(self) -> Failed:
        """A livelock is as long as its bound: to run many of them would take too long."""
        with suppress(Exception):
            found = cut(self.exploration, self.found.steps, self.found.last)
            if found is not None:
                self.executions += found.executions
                return Failed(found.steps, found.failure, found.steps[-1].actor, found.repeats)
        return self.found

    def _look(self) -> None:
        numbers = {actor.name: actor.index for actor in self.exploration.control.actors}
        order = [numbers[step.actor] for step in self.found.steps]
        self._try(switches=switches_of(order))
        if self.best is not None:
            self._leave_out()
            with suppress(Spent):
                self._move(self.executions + _MOST_MOVES)
        self._from_the_beginning(cost(len(order), order)[:2])

    # ------------------------------------------------------------ one candidate

    def _try(self, first: Sequence[int] = (), switches: Switches | None = None) -> FewSwitches:
        """Run a candidate; the best one is kept."""
        strategy, order, failure = self._execute(first, switches)
        self._consider(strategy, order, failure)
        return strategy

    def _alike(self, one: Failure, other: Failure) -> bool:
        return identity_of_failure(one) == identity_of_failure(other)

    def _recording(self) -> Recording:
        return Recording()

    def _consider(self, strategy: FewSwitches, order: Order, failure: Failure | None) -> None:
        if failure is None or not self._alike(failure, self.unnamed):
            return
        costs = cost(strategy.preemptions, order.actors)
        if self.best is None or costs < self.best.cost:
            candidate = Candidate(costs, strategy.decisions)
            if self.unnamed == self.found.failure or self._is_same(candidate):
                self.best = candidate
                self._better.append(candidate)

    def _execute(self, first: Sequence[int], switches: Switches | None) -> tuple[FewSwitches, Order, Failure | None]:
        discovery = self.exploration.discovery
        while True:
            self._go_on()
            self.executions += 1
            order = Order()
            strategy = FewSwitches(order, first, switches)
            _, failure = self.exploration.execute(strategy.choose, recording=order)
            self._count()
            if not discovery.take_found():  # else code has started that could not be interrupted yet
                return strategy, order, failure

    def _go_on(self) -> None:
        """Raise Spent if no candidate may be run any more."""
        counted = self.executions >= self._most or self._steps >= STEPS or self._operations >= OPERATIONS
        if counted or self.limit.is_reached:
            raise Spent

    def _count(self, times: int = 1) -> None:
        control = self.exploration.control
        self._steps += control.steps
        self._operations += times * (control.steps + control.quiet_steps)

    def _is_same(self, candidate: Candidate) -> bool:
        """Whether it is the same failure with the names of all objects."""
        written = self._write_down(FewSwitches(Order(), candidate.choices))
        return written is not None

    def _write_down(self, strategy: FewSwitches | Steps, recording: Recording | None = None) -> Failed | None:
        recording = recording or self._recording()
        self.executions += 1
        _, failure = self.exploration.execute(strategy.choose, recording=recording)
        self._count(_TIMES_AS_MUCH_WRITTEN)
        if failure is None or not self._alike(failure, self.found.failure):
            return None
        return Failed(recording.steps, failure, self.exploration.control.last)

    def _confirmed(self) -> Failed:
        """The best execution that also fails when its steps are followed, as a replay does."""
        for candidate in reversed(self._better):
            written = self._write_down(FewSwitches(Order(), candidate.choices))
            if written is None:
                continue
            recording = self._recording()
            again = self._write_down(Steps(written.steps, recording.steps, written.last), recording)
            if again is not None and again.steps == written.steps:
                return written
        return self.found

    # ------------------------------------------------------------ ways to a better one

    def _leave_out(self) -> None:
        """Leave out switches: halves of them first, in the end single ones."""
        assert self.best is not None
        size = len(self.best.decisions)
        while size:
            before = self.best
            exceptions = _exceptions(before.decisions)
            size = min(size, max(1, len(exceptions) // 2))
            for start in range(0, len(exceptions), size):
                left = exceptions[:start] + exceptions[start + size :]
                self._try(switches=dict(left))
                if self.best is not before:
                    break
            else:
                size //= 2

    def _move(self, most: int) -> None:
        """Let each switch happen a step earlier or later, or many."""
        assert self.best is not None
        before = None
        while self.best is not before:
            before = self.best
            for switches in _moved(before):
                if self.executions >= most:
                    return
                self._try(switches=switches)
                if self.best is not before:
                    self._leave_out()
                    break

    def _from_the_beginning(self, bound: tuple[int, int]) -> None:
        """Try every schedule that is no worse than the best one: the fewest preemptions first."""
        all_go_on = self.found.failure.kind in ("outcome", "check")  # which show when everybody has ended
        number = count()
        pending: list[tuple[tuple[int, int], int, list[int], int, int]] = [((0, 0), next(number), [], 0, 0)]
        while pending:
            costs, _, choices, position, option = heapq.heappop(pending)
            if costs > (bound if self.best is None else self.best.cost[:2]):
                break
            first = [*choices[:position], option] if option else []
            strategy = self._try(first)
            bound_now = bound if self.best is None else self.best.cost[:2]
            taken = [decision.chosen for decision in strategy.decisions]
            for at in range(len(first), len(taken)):
                decision = strategy.decisions[at]
                for other in decision.options:
                    costs = decision.costs(other, all_go_on)
                    if other != decision.chosen and costs <= bound_now:
                        heapq.heappush(pending, (costs, next(number), taken, at, other))


def _exceptions(decisions: Sequence[Decision]) -> list[tuple[tuple[int, int], int]]:
    """The decisions that nobody would take who does not want a switch."""
    return [
        (decision.key, decision.chosen)
        for decision in decisions
        if decision.chosen != (decision.running or decision.options[0])
    ]


def _moved(candidate: Candidate) -> Iterator[dict[tuple[int, int], int]]:
    exceptions = _exceptions(candidate.decisions)
    longest = max((candidate.order.count(actor) for actor in set(candidate.order)), default=0)
    distance = 1
    while distance < longest:
        for position, ((actor, taken), following) in enumerate(exceptions):
            for moved in (taken - distance, taken + distance):
                if actor and moved >= 0:
                    others = exceptions[:position] + exceptions[position + 1 :]
                    yield {**dict(others), (actor, moved): following}
        distance *= 2
