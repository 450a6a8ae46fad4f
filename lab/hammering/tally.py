"""What the rounds of a hammering came to: counts, the first failure, and the verdict they add up to."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from lab.errors import LabError
from lab.origin import LAB, shown
from lab.program import Failure, Program, describe
from lab.verdict import Verdict, wilson


@dataclass
class Mode:
    """One way of running a batch, and what came of it."""

    noisy: bool
    in_step: bool  # every round begins with a meeting
    size: int = 1  # states of the next batch
    rounds: int = 0
    failed: int = 0
    overlapped: int = 0  # rounds in which two actors ran at the same time
    late: int = 0  # rounds that were judged before one of their threads failed
    where: str = ""  # of tasks: the event loop


class Tally:
    """Counts by mode and by outcome."""

    def __init__(self, program: Program, modes: list[Mode]) -> None:
        self._program = program
        self._several = len(program.actors) > 1
        self._modes = modes
        self._outcomes: Counter[Any] = Counter()
        self._failure: Failure | None = None  # the first
        self.hung = False  # the last round did not end, which ended the run
        self.endless = ""  # who is where in a last round that goes on, but not to its end
        self.left: tuple[str, ...] = ()  # actors whose threads could not be ended
        self.notes: list[str] = []
        self._late: tuple[str, BaseException] | None = None  # the first

    @property
    def done(self) -> int:
        """Rounds so far."""
        return sum(mode.rounds for mode in self._modes)

    @property
    def failed(self) -> int:
        """Failed rounds so far."""
        return sum(mode.failed for mode in self._modes)

    def count(self, mode: Mode, results: Sequence[tuple[Any, Failure | None]]) -> None:
        """Add rounds: the outcome of each, and what was wrong with it."""
        mode.rounds += len(results)
        try:
            self._outcomes.update(outcome for outcome, _ in results)
        except Exception:  # an outcome's own __eq__
            self._name_incomparable([outcome for outcome, _ in results])
            raise
        failures = [failure for _, failure in results if failure is not None]
        mode.failed += len(failures)
        self._failure = self._failure or next(iter(failures), None)

    def _name_incomparable(self, outcomes: Sequence[Any]) -> None:
        for outcome in outcomes:
            try:
                self._outcomes.get(outcome)
            except Exception as error:
                raise self._program.untallied(outcome, error) from None

    def late(self, mode: Mode, name: str, error: BaseException) -> None:
        """Told by a thread that failed after its round had been judged, which had not failed before."""
        mode.late += 1
        self._late = self._late or (name, error)

    def verdict(self) -> Verdict:
        """*fails* or *unknown*: real runs never show that something cannot happen."""
        for mode in self._modes:
            mode.failed, mode.late = min(mode.failed + mode.late, mode.rounds), 0
        if self._failure is None and self._late is not None:
            self._failure = left_by(*self._late)
        program, rounds, failed = self._program, self.done, self.failed
        verdict = Verdict("fails" if failed else "unknown", f"{failed:,} of {_rounds(rounds)} failed", self._failure)
        verdict.method = "hammer"
        verdict.granularity = "real threads"
        verdict.schedules = rounds
        verdict.outcomes = self._outcomes
        verdict.descriptions = program.descriptions
        verdict.allowed = frozenset(program.allowed) if program.allowed is not None else None
        verdict.forbidden = frozenset(program.forbidden)
        verdict.rate_interval = wilson(failed, rounds)
        verdict.by_noise = self._by_noise()
        if rounds:
            verdict.rate = failed / rounds
            verdict.overlap = sum(mode.overlapped for mode in self._modes) / rounds
        if self.endless:
            verdict.reason = f"{self.endless}; before that, {verdict.reason}"
        elif self.hung:
            verdict.reason += "; the last one hung, which ended the run"
        elif not failed and not verdict.overlap and self._several:
            verdict.reason = (
                f"nothing overlapped: in none of {_rounds(rounds)} did two actors run at the same time, so nothing was "
                "tested; raise noise, rounds or seconds, or let each actor do more"
            )
        verdict.notes = (*self._rates(), *self._by_loop(), *self._bound(), *self.notes)
        if self.left:
            verdict.notes += (f"left alive: the thread of {' and of '.join(self.left)} could not be ended",)
        return verdict

    def _by_noise(self) -> dict[str, tuple[int, int]]:
        """Quiet and noisy, as far as there were such rounds: how many failed, and how many there were."""
        found = {}
        for name in ("quiet", "noisy"):
            modes = self._so(name)
            rounds = sum(mode.rounds for mode in modes)
            if rounds:
                found[name] = (sum(mode.failed for mode in modes), rounds)
        return found

    def _so(self, name: str) -> list[Mode]:
        return [mode for mode in self._modes if mode.noisy is (name == "noisy")]

    def _rates(self) -> Iterator[str]:
        for name, (failed, rounds) in self._by_noise().items():
            told = f"{name}: {failed:,} of {_rounds(rounds)}"
            if failed:
                told += f" ({_percent(failed / rounds)})"
            if self._several:
                told += f"; actors overlapped in {_percent(sum(mode.overlapped for mode in self._so(name)) / rounds)}"
            yield told

    def _by_loop(self) -> Iterator[str]:
        loops = dict.fromkeys(mode.where for mode in self._modes)
        for where in loops if len(loops) > 1 else ():
            modes = [mode for mode in self._modes if mode.where == where]
            rounds, failed = sum(mode.rounds for mode in modes), sum(mode.failed for mode in modes)
            if rounds:
                yield f"{where}: {failed:,} of {_rounds(rounds)}" + (
                    f" ({_percent(failed / rounds)})" if failed else ""
                )

    def _bound(self) -> Iterator[str]:
        if not self.failed and self.done >= 6:  # "fewer than 1 in 1" would say nothing
            # J. A. Hanley, A. Lippman-Hand, "If nothing goes wrong, is everything all right?", JAMA 1983.
            yield f"bound: 95 % confident that fewer than 1 in {self.done // 3:,} rounds fails"


def left_by(name: str, error: BaseException) -> Failure:
    """The failure of an actor that an exception left.

    Raises LabError where the lab itself failed or was misused: that is no race.
    """
    lines, innermost = [], ""
    entry = error.__traceback__
    while entry is not None:
        code = entry.tb_frame.f_code
        innermost = code.co_filename
        if not innermost.startswith(LAB):
            lines.append(f"{name}: {shown(innermost)}:{entry.tb_lineno} in {code.co_qualname}")
        entry = entry.tb_next
    if isinstance(error, LabError):
        raise error
    # Without lines the worker's own frame is the only one: the actor is a C function.  The
    # program's recursion may reach its limit inside a hook.
    if innermost.startswith(LAB) and lines and not isinstance(error, RecursionError | MemoryError):
        raise LabError(f"the lab itself failed while {name} ran: {describe(error)}; please report this") from error
    return Failure("exception", f"{describe(error)} left {name}", tuple(lines[-6:]))


def _rounds(count: int) -> str:
    return f"{count:,} {'round' if count == 1 else 'rounds'}"


def _percent(share: float) -> str:
    percent = 100 * share
    return f"{percent:.0f} %" if percent >= 10 or percent == 0 else f"{percent:.2g} %"
