"""One program under one carrier: execute it, profile it, and write a failed execution down."""

from __future__ import annotations

import gc
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from lab.carriers.control import Control
from lab.carriers.execution import Choose, Recorder
from lab.detectors.deadlock import diagnose
from lab.detectors.since import Since
from lab.discovery import Discovery
from lab.errors import InvalidValue, NeedsThreads, OutOfTime
from lab.finalizers import Finalizers
from lab.freshness import Freshness
from lab.inherited import Inherited
from lab.instrument import Site
from lab.leaving import exception_of
from lab.leftovers import FirstWrites, Leftovers, Writes
from lab.origin import module_at
from lab.program import NOTHING, Failure, Program, describe
from lab.reached import Reached
from lab.recorder import Recording, SharingMap
from lab.settings import Settings
from lab.stopwatch import now
from lab.strategies.counts import Counts
from lab.strategies.replay import Choices, Profile

MOST_PROFILES = 60  # executions to find all code that runs
_LATE = 2.0  # seconds that an execution which is going on when the time is up may still take
_TIDY = 1_000  # executions between two collections of garbage


class Escaped(Exception):
    """An actor blocked outside control, so no execution of the program can be told to the end."""


class LeftBehind(InvalidValue):
    """An execution that failed began with what the one before it had left behind, so nothing is told of the program."""


class Exploration:
    """The engine and what is known of one program while it is explored."""

    def __init__(self, program: Program, control: Control, discovery: Discovery, carrier: str, strict: bool) -> None:
        self.program = program
        self.control = control
        self.discovery = discovery
        self.carrier = carrier
        self.strict = strict  # nothing shared may be missed, whatever it costs
        self.counts = Counts()
        reached = Reached(program.actors)
        inherited = reached if program.processes else Inherited(program.functions)
        self.leftovers = Leftovers(program.setup, inherited, unseen=program.processes)
        for path, kept in reached.kept(control.needs_name) if strict and program.processes else ():
            discovery.uncontrolled[f"{path} keeps {kept.__name__} as it was before, which is not under control"] = None
        self.finalizers = Finalizers()
        self._profiled: tuple[list[int], frozenset[Site]] = [], frozenset()  # of which some were no decisions yet
        self._guarded: dict[Site, None] = {}  # library code that is no step, but under a lock
        self._supposed: dict[str, None] = {}  # operations that are several, but under a lock
        self.until: float | None = None  # in real time: no execution begins after it that can be done without
        self._settings = Settings()
        self._restless = False  # the program changes them
        self.replaced: dict[str, None] = {}  # builtins, in any execution
        self._in_vain = 0
        self._executions = 0
        self.comparing = False  # what its executions come to is not asked, but whether they are alike

    def execute(
        self,
        choose: Choose,
        recording: Recorder | None = None,
        sharing: SharingMap | None = None,
        setup: Callable[[], Any] | None = None,
        writes: FirstWrites | None = None,
    ) -> tuple[Any, Failure | None]:
        """One execution: its outcome, and what was wrong with it; raises OutOfTime if it has to be cut short.

        ``writes`` asks a strict exploration for no more than what nothing else tells.
        """
        program, control = self.program, self.control
        self._executions += 1
        if not self._executions % _TIDY:
            gc.collect(1)
        if sharing is not None and self.carrier in ("greenlet", "thread"):
            sharing.guards.holds = control.twins.memory.locks_of
        result = control.execute(
            setup or (self.leftovers.setup if self.leftovers.unseen else program.setup),
            program.actors,
            program.judge,
            choose,
            recording,
            sharing,
            program.teardown,
            writes,
        )
        if self._restless:
            self.put_back()
        if control.twins.memory.filled:
            self.leftovers.cannot_put_back(f"what is stored of {control.twins.memory.filled}")
        if self.strict:  # while the state is still referred to: what ends with it ends when all actors have
            self.finalizers.collect()
        outcome, failure = result if result is not None else (NOTHING, None)
        if control.halted or control.left_behind or control.findings or control.teardown_error is not None:
            failure = self._found(failure, recording)
        if failure is not None:
            control.see_to_servers()
        self._see_to_files(failure)
        return outcome, failure

    def _see_to_files(self, failure: Failure | None) -> None:
        """See whether the execution began with what the one before it had left behind: LeftBehind if it failed so."""
        path = self.control.left_over()
        if path:
            self.leftovers.is_left(path)
        if path and failure is not None and not self.comparing:
            raise LeftBehind(
                f"setup does not make everything anew: {path} is not as the execution before found it, "
                f"and so an execution may have failed ({failure.kind}: {failure.message}); "
                "make it anew in setup, or put it back in teardown"
            )

    def _found(self, failure: Failure | None, recording: Recorder | None) -> Failure | None:
        """What was wrong with an execution that was not only judged; ``failure`` is what it was judged to be."""
        control = self.control
        named = recording if isinstance(recording, Recording) else None  # without it there are only types to tell
        if control.halted:
            failure = self._failure(named)
            if control.halted == "stuck" and control.findings:  # what was found before is why
                kind, message, detail = control.findings[0]
                failure = Failure(kind, message, (*detail, *failure.detail))
        elif failure is None and control.left_behind:
            failure = self._standstill(named)
        elif failure is None and control.findings:
            failure = Failure(*control.findings[0])
        if control.teardown_error is not None:
            if failure is None:
                raise control.teardown_error
            broke = f"teardown raised {describe(control.teardown_error)} after the failure"
            failure = replace(failure, detail=(*failure.detail, broke))
        return failure

    def ends_by(self, until: float | None) -> None:
        """Let no execution begin after that moment of real time, or go on for long; None for any number and length."""
        self.until = until
        self.control.deadline = None if until is None else until + _LATE

    @property
    def is_late(self) -> bool:
        """Whether the time is up."""
        return self.until is not None and now() >= self.until

    def put_back(self, library: bool = True) -> list[str]:
        """Put the interpreter's settings back, and put down which of them the program had changed."""
        changed = self._settings.put_back(library)
        for name in changed:
            self.control.discovery.uncontrolled[f"the program left {name} changed, which all of the process shares"] = (
                None
            )
        if changed:
            self._restless = True
            self.replaced.update(dict.fromkeys(name for name in changed if name.startswith("builtins.")))
        return changed

    def _failure(self, recording: Recording | None) -> Failure:
        control = self.control
        if control.halted == "escaped":
            raise Escaped(f"something escaped control: {control.escaped}")
        if control.halted == "exception":
            return exception_of(control)
        if control.halted == "out of time":
            raise OutOfTime(f"an execution was not over after {control.steps + control.quiet_steps:,} operations")
        if control.halted == "endless":
            busy = ", ".join(actor.name for actor in control.busy_actors())
            taken = min(control.steps, control.step_limit)
            length = f"{taken:,} {'step' if taken == 1 else 'steps'} and {control.quiet_steps:,} other operations"
            if control.going_round:
                names = " and ".join(control.going_round)
                why = f": {names} went round with nothing changed, and so will for ever"
            else:
                why = f" (bound: steps={control.step_limit}); still running: {busy}"
            return Failure("livelock", f"no end after {length}{why}")
        return self._standstill(recording)

    def _standstill(self, recording: Recording | None) -> Failure:
        control = self.control
        return diagnose(
            control.standstill,
            control.held,
            control.was_set,
            control.actors,
            recording.name if recording is not None else lambda thing: type(thing).__name__,
            Since(recording, dict(control.standstill)),
            control.left_behind,
        )

    def profile(self) -> tuple[list[int], Any, Failure] | None:
        """Run without switches until all code that runs is instrumented; learn what is shared.

        Done at least twice, to compare what setup makes.  The choices, outcome and
        failure of an execution that fails even so; if only an earlier one did, of that.
        """
        met = failed = failure = None
        fresh = Freshness(self.leftovers.setup)
        for number in range(MOST_PROFILES):
            sharing, hot = Writes(), frozenset(self.control.hot)
            outcome, failure = self.execute(Profile().choose, sharing=sharing, setup=fresh.setup)
            self.put_back(library=not number)
            self.leftovers.take_in(sharing)
            known = len(self.control.hot)
            self.take_in(sharing)
            found = self.take_found()
            failed = failure or failed
            if failure is not None and not found:
                met = self.control.choices, outcome, failure
                self._profiled = self.control.choices, hot
                if len(self.control.hot) == known:
                    break
            if fresh.done and not found and failure is None:
                break
            if self.is_late and failure is None:  # what was not found yet is found, or named, in what follows
                break
        if met is None:
            self._doubt(failed, failure)
        return met

    def take_found(self) -> bool:
        """Instrument the functions that started uninstrumented; true if there were any, and then look what they did."""
        found = self.discovery.take_found()
        self.leftovers.unseen |= found
        return found

    def tally(self, outcomes: Counter[Any], outcome: Any, count: int = 1) -> None:
        """Count an outcome; raises a one-line error for one that cannot be compared."""
        try:
            outcomes[outcome] += count
        except Exception as error:  # its own __eq__
            raise self.program.untallied(outcome, error) from None

    def tally_all(self, outcomes: Counter[Any], more: Mapping[Any, int]) -> None:
        """Count what was counted elsewhere."""
        for outcome, count in more.items():
            self.tally(outcomes, outcome, count)

    def learn(self, choices: Sequence[int], hot: frozenset[Site] | None = None) -> Failure | None:
        """Repeat an execution with everything noted, to find code and shared objects it met first.

        The failure of the repetition.  If code started in it uninstrumented, which may be why it failed, it is
        repeated once more.
        """
        known = len(self.control.hot)
        failed: Failure | None = None
        for _ in range(MOST_PROFILES):
            sharing = Writes() if self.strict else SharingMap()
            setup = self.leftovers.setup if self.strict else None
            _, failure = self.execute(Choices(choices, hot).choose, sharing=sharing, setup=setup)
            self.put_back(library=False)
            self.take_in(sharing)
            if isinstance(sharing, Writes):
                self.leftovers.take_in(sharing)
            found = self.take_found()
            if len(self.control.hot) > known:
                self._in_vain = 0
            failed = failure or failed
            if not (found and failure):
                break
        self._doubt(failed, failure)
        return None if found else failure

    def _doubt(self, failed: Failure | None, failure: Failure | None) -> None:
        """What failed while code ran uninstrumented may be no failure, but nothing holds of a program that does so."""
        if failed is not None and failure is None:
            self.leftovers.found[
                f"an execution failed ({failed}) in which code ran uninstrumented, and did not when it was repeated"
            ] = None

    def take_in(self, sharing: SharingMap) -> None:
        """Learn from an execution with everything noted."""
        shared = sharing.shared()
        self.control.hot.update(*shared)
        self.counts.add(shared, sharing.counts)
        if self.control.tasked:
            return
        for site in sharing.passed_over:
            self.discovery.escaped(site.code, _parted(site), site.line)
        self._guarded.update(sharing.guarded)
        self._supposed.update(sharing.guards.supposed)
        self.control.doubts.update(sharing.guards.unguarded)

    def break_guards(self) -> None:
        """Put down all that counts on locks, where one who had taken a lock was seen not to be who let go of it."""
        if self.control.twins.memory.handed_on:
            for site in self._guarded:
                self.discovery.escaped(site.code, _parted(site), site.line)
            self.control.doubts.update(self._supposed)

    def learn_if_worthwhile(self, choices: Sequence[int]) -> Failure | None:
        """`learn` from an execution in which something new seemed to be shared.

        It may only have seemed so: a new object can take the place of a dead one
        in memory.  Where repeating has shown that often, it is done less often.
        """
        self._in_vain += 1
        if self._in_vain <= 32 or not self._in_vain & (self._in_vain - 1):
            return self.learn(choices)
        return None

    def record(self, choices: Sequence[int], failure: Failure) -> tuple[Recording, Failure, str] | None:
        """Repeat a failed execution and write it down; None if it does not fail alike.

        What was met as shared for the first time in this very execution is written down as well: a
        witness that knows nothing of it cannot tell when it has to happen.  Not where an actor goes round
        for ever, of which one round would fill the page.
        """
        of_profile = choices is self._profiled[0]
        known = self._profiled[1] if of_profile else frozenset(self.control.hot)
        self.control.locals.late = ""
        if failure.kind != "livelock":
            self.learn(choices, known if of_profile else None)
        if len(self.control.hot) > len(known):
            recorded = self._record(Choices(choices, known), failure)
            if recorded is not None:
                return recorded
            self.control.hot.intersection_update(known)
        recorded = self._record(Choices(choices), failure)
        if recorded is None and self.control.locals.late:
            raise NeedsThreads(
                f"carrier='greenlet': actors had in common what {self.control.locals.late} keeps by thread, "
                "as it was not known that they use it; use carrier='thread' or 'auto'"
            )
        return recorded

    def _record(self, follow: Choices, failure: Failure) -> tuple[Recording, Failure, str] | None:
        recording = Recording()
        _, again = self.execute(follow.choose, recording=recording)
        if again is None or again.kind != failure.kind or follow.diverged:
            return None
        return recording, again, self.control.last


def _parted(site: Site) -> str:
    """That code is taken for one step, and what can be done about it."""
    module = "" if site.stepped else module_at(site.code.co_filename)
    remedy = f'; trace=("{module}",) steps inside' if module else ""
    return f"runs as one step, but touches what others touch{remedy}"
