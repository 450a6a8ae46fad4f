"""Run a program on real processes that nobody controls, again and again; count how often it fails.

The processes are kept from round to round where that makes no difference: where the state can be pickled, and nothing
else that setup or an actor changes stays in a process.  Whether something does is looked at in the first rounds, and
again before a failure counts.  Else every round has processes of its own.
"""

from __future__ import annotations

import math
import multiprocessing
import os
import random
from collections import Counter
from itertools import cycle, pairwise
from typing import Any

from lab.carriers.private import PrivateDirectory, remove
from lab.child.telling import complaint
from lab.errors import InvalidValue, LabError
from lab.forks import ChildFailure
from lab.hammering.carrying import can_be_given, carried
from lab.hammering.crew import Crew, Round
from lab.hammering.segments import noted_segments
from lab.hammering.staying import digest
from lab.hammering.tally import Mode, Tally
from lab.program import Failure, Program
from lab.progress import Progress
from lab.segments import remove_segments
from lab.settings import Settings
from lab.signals import handlers_kept
from lab.stopwatch import now
from lab.verdict import Verdict

METHODS = ("auto", "fork", "forkserver", "spawn")
"""How the processes can be started."""
_WATCHED = 2  # rounds with processes of their own, in which is looked what stays
_TURN, _FRESH_TURN = 20, 3  # rounds of one mode, with processes that are kept and with new ones
_PATIENCE = 3  # rounds that may leave something before every one has processes of its own

Result = tuple[Any, Failure | None]


class ProcessRounds:
    """One call of `hammer` for a program of processes."""

    def __init__(
        self, program: Program, rounds: int | None, seconds: float | None, noise: float, seed: int, method: str
    ) -> None:
        self.program = program
        self.rounds = rounds
        self.seconds = seconds
        self.noise = noise
        self.random = random.Random(seed)
        self.method = _method(method)
        self.quiet, self.noisy = Mode(False, True), Mode(True, True)
        self.modes = [self.noisy, self.quiet] if noise else [self.quiet]
        self.tally = Tally(program, self.modes)
        self.fresh = ""  # why every round has processes of its own
        self.watched = 0
        self.tidy = 0  # rounds that left something in a process
        self.ends: Counter[str] = Counter()  # how processes ended that should not have
        self.ending: Counter[str] = Counter()  # the same in this turn, which may not count
        self.left: Counter[str] = Counter()  # what else is no more there
        self.functions = [actor for _, actor in program.actors]
        self.kept: list[int | None] = []  # what the runner and each process keep, as they were when those began

    def go(self) -> Verdict:
        """Run until the budget is spent or a round hangs; nothing is left behind."""
        if self.method != "fork":
            for name, actor in self.program.actors:
                can_be_given(actor, f"actors[{name!r}]", self.method, "give a function of a module, or start='fork'")
        struck: list[BaseException] = []
        private = PrivateDirectory()
        self.crew = Crew(self.program.actors, self.method, private)
        settings = Settings()
        try:
            with (
                handlers_kept(struck.append),
                Progress(self.seconds) as progress,
                noted_segments(private.base),
                private.fresh(),
            ):
                self.private = private
                until = now() + (self.seconds if self.seconds is not None else math.inf)
                for mode in cycle(self.modes):
                    self._turn(mode, until)
                    progress.show(f"hammer: {self.tally.done:,} rounds, {self.tally.failed:,} failed", self.tally.done)
                    if self._is_over(until):
                        break
        finally:
            try:
                self.crew.close()
            finally:
                self.left.update(["a segment of shared memory"] * len(remove_segments(private.base)))
                settings.put_back()
                private.close()
        return self._verdict()

    def _is_over(self, until: float) -> bool:
        return self.tally.hung or self.tally.done == self.rounds or now() >= until

    def _turn(self, mode: Mode, until: float) -> None:
        """Some rounds of one mode, which count if their processes are as they were."""
        results: list[Result] = []
        overlapped = 0
        self.ending.clear()
        most = _TURN if self.watched >= _WATCHED and not self.fresh else _FRESH_TURN
        most = min(most, (self.rounds or self.tally.done + most) - self.tally.done)
        warm = False
        while len(results) < most:
            warm = not self.fresh and self.watched >= _WATCHED
            result, overlaps, hung = self._round(mode, warm)
            if hung and warm:  # what a process kept may be why
                self._give_up_warmth("a round hung in processes that were kept")
                return
            self.tally.hung = hung
            if result is not None:
                results.append(result)
                overlapped += overlaps
            if hung or now() >= until:
                break
        if warm and any(failure is not None for _, failure in results) and not self._as_before():
            return
        self.tally.count(mode, results)
        self.ends.update(self.ending)
        mode.overlapped += overlapped

    def _as_before(self) -> bool:
        """Whether the processes keep what they did when they began; else nothing of the turn counts."""
        if self.crew.running and None not in self.kept and self._digests() == self.kept:
            return True
        self._give_up_warmth("an actor leaves something in its process")
        return False

    def _give_up_warmth(self, why: str) -> None:
        self.fresh = why
        self.crew.end()

    def _digests(self) -> list[int | None]:
        here = digest(self.functions) if self.method == "fork" else 0
        return [here, *self.crew.digests()]

    # ------------------------------------------------------------ one round

    def _round(self, mode: Mode, warm: bool) -> tuple[Result | None, bool, bool]:
        """The result, whether two actors overlapped, and whether it hung."""
        work = self.private.work
        _empty(work)
        os.chdir(work)
        watched = not warm and not self.fresh
        before = digest(self.functions) if watched and self.method == "fork" else 0
        state = self.program.setup()
        torn_down = False
        try:
            data = carried(state) if warm or watched else None
            if watched:
                self._watch_setup(before, data)
            if data is None and self.method != "fork":
                can_be_given(state, "state", self.method, "leave it out of the state, or use start='fork'")
            if not warm or not self.crew.running:
                self.crew.begin(state if not warm else None)
                self.kept = self._digests() if warm or watched else []
            seeds = [self.random.getrandbits(31) for _ in self.functions]
            run = self.crew.run(data if warm and data is not None else b"", self.noise if mode.noisy else 0.0, seeds)
            if watched:
                self._watch_actors(run)
            result = self._judge(state, run)
            if not warm or run.deaths or run.waiting or run.endless:
                self.crew.end()
            elif run.left:
                self._leaves(run.left)
            torn_down = True
            if self.program.teardown is not None:
                self.program.teardown(state)
        finally:
            if not torn_down and self.program.teardown is not None:
                self.crew.end()
                self.program.teardown(state)
        self.left.update(["a segment of shared memory"] * len(remove_segments(self.private.base)))
        return result, _overlapped(run), bool(run.waiting or run.endless)

    def _watch_setup(self, before: int | None, data: bytes | None) -> None:
        self.watched += 1
        if data is None:
            self.fresh = "the state has what a process can only inherit"
        elif self.method == "fork" and (before is None or before != digest(self.functions)):
            self.fresh = "setup changes more than the state"

    def _watch_actors(self, run: Round) -> None:
        if len(run.payloads) < len(self.functions):
            self.fresh = self.fresh or "a process ended in a round, or did not come to its end"
        elif not self.fresh and (run.left or None in self.kept or self._digests() != self.kept):
            self.fresh = "an actor leaves something in its process"

    def _leaves(self, what: tuple[str, ...]) -> None:
        """A round left something behind: the next one has new processes."""
        self.left.update(what)
        self.tidy += 1
        self.crew.end()
        if self.tidy >= _PATIENCE:
            self.fresh = f"an actor leaves {' and '.join(what)} in its process"

    # ------------------------------------------------------------ judging

    def _judge(self, state: Any, run: Round) -> Result | None:
        for name, how in run.deaths.items():
            self.ending[f"{name} {how}"] += 1
            message = f"{name} {how}"
            return message, Failure("exception", message)
        for name, payload in run.payloads.items():
            error = complaint(name, payload)
            if isinstance(error, LabError):
                raise error
            if isinstance(error, ChildFailure):
                return error.message, Failure("exception", error.message, error.detail)
        if run.waiting:
            names = " and ".join(run.waiting)
            verb = "waits" if len(run.waiting) == 1 else "wait"
            return "deadlock", Failure("deadlock", f"{names} {verb} for ever")
        if run.endless:
            self.tally.endless = f"{' and '.join(run.endless)} did not end in 30 s"
            return None
        return self.program.judge(state)

    def _verdict(self) -> Verdict:
        how = f"anew for each round, because {self.fresh}" if self.fresh else "and kept from round to round"
        self.tally.notes.append(f"processes: started by {self.method} {how}")
        for told, count in sorted(self.ends.items()):
            self.tally.notes.append(f"ended: {told} in {count:,} {'round' if count == 1 else 'rounds'}")
        for what, count in sorted(self.left.items()):
            self.tally.notes.append(f"left behind: {what} in {count:,} {'round' if count == 1 else 'rounds'}; removed")
        verdict = self.tally.verdict()
        verdict.granularity = "real processes"
        return verdict


def _overlapped(run: Round) -> bool:
    spans = sorted(run.spans)
    return any(begin < end for (_, end), (begin, _) in pairwise(spans))


def _empty(path: str) -> None:
    """Remove what is in a directory that stays where it is, as processes are in it."""
    for entry in list(os.scandir(path)):
        if entry.is_dir(follow_symlinks=False):
            remove(entry.path)
        else:
            os.unlink(entry.path)


def _method(asked: Any) -> str:
    known = multiprocessing.get_all_start_methods()
    if asked not in METHODS:
        raise InvalidValue(f"start={asked!r}: unknown; choose one of {', '.join(METHODS)}")
    if not hasattr(os, "fork"):
        raise InvalidValue("on='processes': this platform cannot fork; use on='threads'")
    if asked == "auto":
        return "fork"
    if asked not in known:
        raise InvalidValue(f"start={asked!r}: this platform has {', '.join(known)}; choose one of them")
    return str(asked)
