"""``python -m tests.oracle.many 2000``: that many generated programs, each covered and compared with the oracle.

For each program the outcomes have to be exactly the possible ones and the executions
exactly the Mazurkiewicz classes.  Prints what was checked; a program that disagrees
is printed as Python, and then the exit code is 1.
"""

from __future__ import annotations

import argparse
import itertools
import multiprocessing
import os
import sys
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from lab.strategies.dpor import SourceSets

from .brute import Answer, TooMany, every
from .generate import SHAPES, from_seed
from .language import Program, waiting_for_time
from .running import explore
from .show import page
from .test_explore import SEVERAL_TIMES, outcomes_of

RAW = 300  # raw interleavings of one program: many small programs say more in the same time than few large ones
_BATCH = 50  # programs
_SEEDS = 10_000  # from one batch to the next, of which most are used by none


@dataclass
class Checked:
    """What some programs came to."""

    programs: int = 0
    failing: int = 0  # programs with an exception, a deadlock or a lost wakeup
    executions: int = 0
    blocked: int = 0  # executions that ended asleep: they repeat what was covered
    unknown: int = 0  # programs of which nothing is said though at most one of their threads has timeouts
    wrong: list[str] = field(default_factory=list)

    def add(self, other: Checked) -> None:
        for name in ("programs", "failing", "executions", "blocked", "unknown", "wrong"):
            setattr(self, name, getattr(self, name) + getattr(other, name))

    def __str__(self) -> str:
        share = self.blocked / max(1, self.executions)
        return (
            f"{self.programs:,} programs, {self.failing:,} of them with a failure; {self.executions:,} executions, "
            f"{share:.2%} of them blocked by sleep; {self.unknown:,} unknown; {len(self.wrong):,} wrong"
        )


def small(first: int, count: int) -> Iterator[tuple[str, Program, Answer]]:
    """Programs that are small enough, as many as wanted, from a seed on; each with what it is called."""
    shapes = itertools.cycle(SHAPES)
    for seed in itertools.count(first):
        if not count:
            return
        shape = next(shapes)
        program = from_seed(seed, shape)
        try:
            answer = every(program, RAW)
        except TooMany:
            continue
        count -= 1
        yield f"seed {seed}, shape {shape}", program, answer


def check(part: tuple[int, int]) -> Checked:
    """Cover programs from a seed on, so many; those that disagree with the oracle are in ``wrong``, as text."""
    return check_all(small(*part))


def check_all(programs: Iterable[tuple[str, Program, Answer]]) -> Checked:
    """Cover programs, each with what it is called, and compare them with the oracle."""
    found = Checked()
    end = SourceSets.end

    def counted(strategy: SourceSets, execution: object) -> None:
        found.executions += 1
        found.blocked += strategy.redundant
        end(strategy, execution)

    SourceSets.end = counted
    try:
        for name, program, answer in programs:
            _check_one(found, name, program, answer)
    finally:
        SourceSets.end = end
    return found


def _check_one(found: Checked, name: str, program: Program, answer: Answer) -> None:
    verdict = explore(program, strategy="dpor", schedules=10 * answer.raw + 10)
    found.programs += 1
    found.failing += answer.fails
    found.unknown += verdict.status == "unknown" and waiting_for_time(program) < 2
    seen = outcomes_of(verdict)
    if verdict.status == "unknown" and waiting_for_time(program) > 1:
        agrees = SEVERAL_TIMES in verdict.reason and seen <= answer.outcomes
    elif answer.fails:
        agrees = verdict.status == "fails" and seen <= answer.outcomes
    else:
        agrees = (verdict.status, seen, verdict.schedules) == ("holds", answer.outcomes, answer.classes)
    if not agrees or verdict.uncontrolled:
        found.wrong.append(f"{page(program)}\n\n# {name}: {verdict}")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.oracle.many", description=__doc__.partition("\n")[0])
    parser.add_argument("programs", type=int, nargs="?", default=2_000)
    parser.add_argument("--first", type=int, default=0, metavar="SEED", help="where the seeds begin (default: 0)")
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    given = parser.parse_args()
    began = time.perf_counter()
    found = Checked()
    parts = [
        (given.first + _SEEDS * number, min(_BATCH, given.programs - _BATCH * number))
        for number in range(-(-given.programs // _BATCH))
    ]
    with multiprocessing.get_context("spawn").Pool(given.processes) as pool:
        for part in pool.imap_unordered(check, parts):
            found.add(part)
            if sys.stderr.isatty():
                print(f"\r{found.programs:,} of {given.programs:,} programs", end="", file=sys.stderr)
    for text in found.wrong:
        print(text, end="\n\n")
    print(f"{found}; {time.perf_counter() - began:.0f} s")
    sys.exit(1 if found.wrong else 0)


if __name__ == "__main__":
    main()
