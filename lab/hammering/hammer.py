"""Run a program for real, again and again, on OS threads that nobody controls; report how often it fails.

Half of the batches are quiet, the program as it is.  The other half are noisy: its
threads give way before visible operations.  The quiet rate is what production
would see; the noisy one tells whether there is anything to see at all.
"""

from __future__ import annotations

import math
import random
import sys
import threading
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from itertools import cycle
from typing import Any

from lab import keeping
from lab.errors import Interrupted, InvalidType, InvalidValue, LabError, door
from lab.freshness import Freshness
from lab.hammering.isolation import Isolation, Watch, Watched
from lab.hammering.noise import Company, Noise, SharedDiscovery
from lab.hammering.pool import Batch, Pool, Worker, machine_kept
from lab.hammering.standstill import Standstill
from lab.hammering.tally import Mode, Tally, left_by
from lab.hooks import DRIVERS, ONE_AT_A_TIME
from lab.program import MODELS, Failure, Program, describe, positive
from lab.progress import Progress
from lab.settings import Settings, complaint
from lab.signals import handlers_kept
from lab.stopwatch import now
from lab.verdict import Verdict

DEFAULT_SECONDS = 1.0
_TURN_SECONDS = 0.02  # of one mode, so that every mode and setting gets many
_MOST_STATES = 1_000  # of one batch, which are in memory together
_SWITCH_INTERVALS = (5e-3, 1e-4, 1e-6)  # seconds; the first is CPython's own
_VALUES = (int, float, complex, str, bytes, bool, type(None))


@door
def hammer(
    setup: Callable[[], Any],
    actors: Any,
    *,
    check: Callable[[Any], object] | None = None,
    outcome: Callable[[Any], Any] | None = None,
    allowed: Any = None,
    forbidden: Any = None,
    on: str = "auto",
    rounds: int | None = None,
    seconds: float | None = None,
    noise: float = 0.5,
    seed: int = 0,
    cancel: bool | Sequence[str] = False,
    start: str = "auto",
    teardown: Callable[[Any], object] | None = None,
    title: str = "",
) -> Verdict:
    """Run ``actors`` on real threads, each round on a fresh state; tell how many rounds failed.

    ``setup``, ``actors``, ``check``, ``outcome``, ``allowed``, ``forbidden`` and
    ``teardown`` are those of `explore`.  ``rounds`` and ``seconds`` (wall-clock time)
    bound the run, whichever comes first; with neither it takes 1 s.  ``noise`` is the
    probability, from 0 to 1, that a thread gives way before a visible operation in the
    noisy half of the rounds; 0 leaves the program alone throughout.  ``seed`` seeds
    the noise, but real threads never run twice alike.

    The verdict is *fails* or *unknown*, never *holds*.  An exception that leaves an actor
    or a thread that it started is a failure.  A round in which nothing goes
    on is a failure, and ends the run.  Rounds whose actors touch more than their state
    (module-level variables, files) run one at a time, which is slower.

    Actors that are ``async def`` run on asyncio's own event loop, and every other time on uvloop's where uvloop is
    installed.  There noise is when they begin, how late timers and calls in threads end, when and in which order the
    stock loop notices what has arrived and, with ``cancel``, that an actor is cancelled on its way.

    With ``on="processes"`` each actor is a real process, started by ``start``: ``fork`` (which ``auto`` takes),
    ``forkserver`` or ``spawn``, where the platform has it.  Each round has an empty private directory, in which setup,
    check, outcome and teardown run as well, in the calling process.  The state comes to the actors pickled, and their
    processes are kept from round to round, unless it has what can only be inherited (a lock, say), or something else
    stays in a process: then each round has new ones.  The report tells which, with the exit codes and signals of
    processes that ended in the middle of it.

    Raises InvalidType or InvalidValue, each in one line, for arguments that cannot work,
    and LabError inside an exploration.  What ``setup`` or ``teardown`` raise passes through,
    or ends the run if a round has failed before.
    """
    chosen = keeping.current()
    if chosen is not None and chosen.seed is not None:
        seed = chosen.seed
    _validate(on, rounds, seconds, noise, seed)
    program = Program.of(setup, actors, check, outcome, allowed, forbidden, teardown)
    program = program.with_tasks("fifo", cancel).on(on)
    if start != "auto" and not program.processes:
        raise InvalidValue(f"start={start!r}: concerns processes; add on='processes', or leave it out")
    if threading.get_ident() in DRIVERS or isinstance(threading.current_thread(), Worker):
        raise LabError("hammer() was called while a program is run; call it from outside the actors, setup and check")
    if rounds is None and seconds is None:
        seconds = DEFAULT_SECONDS
    began = now()
    if program.processes:
        verdict = _hammer_processes(program, rounds, seconds, noise, seed, start)
    elif program.is_async:
        verdict = _hammer_tasks(program, rounds, seconds, noise, seed)
    else:
        run = _Run(program, rounds, seconds, noise, seed)
        try:
            run.go()
        except KeyboardInterrupt:
            tally = run.tally
            told = f"interrupted after {now() - began:.1f} s: {tally.done:,} rounds hammered, {tally.failed:,} failed"
            print(f"\nlab: {told}", file=sys.stderr)
            keeping.note_interrupted(told)
            raise
        verdict = run.tally.verdict()
    verdict.seconds = now() - began
    verdict.title = title or (chosen.running() if chosen is not None else "")
    return verdict


def _hammer_processes(
    program: Program, rounds: int | None, seconds: float | None, noise: float, seed: int, start: str
) -> Verdict:
    from lab.hammering.processes import ProcessRounds  # so does multiprocessing

    with ONE_AT_A_TIME:
        return ProcessRounds(program, rounds, seconds, noise, seed, start).go()


def _hammer_tasks(program: Program, rounds: int | None, seconds: float | None, noise: float, seed: int) -> Verdict:
    from lab.hammering.tasks import TaskRounds, is_inside_loop  # asyncio takes its time to load

    if is_inside_loop():
        raise LabError("hammer() was called inside a running event loop; call it from a plain function")
    return TaskRounds(program, rounds, seconds, noise, seed).go()


class _Run:
    """One call of `hammer`."""

    def __init__(self, program: Program, rounds: int | None, seconds: float | None, noise: float, seed: int) -> None:
        self.program = program
        self.rounds = rounds
        self.seconds = seconds
        self.noise = noise
        self.random = random.Random(seed)
        free, in_step, noisy = Mode(False, False), Mode(False, True), Mode(True, True)
        self.modes = [noisy, free, in_step] if noise else [free, in_step]
        self.turns = [noisy, free, noisy, in_step] if noise else self.modes
        self.isolation: Isolation | None = None  # None until two rounds have been watched
        self.watched: list[tuple[Watched, Any]] = []  # with the state, to keep it alive
        self.tally = Tally(program, self.modes)
        self.fresh = Freshness(program.setup)
        self.changed: dict[str, None] = {}  # settings of the interpreter that had to be put back

    def go(self) -> None:
        """Run until the budget is spent or a round hangs; everything is as before afterwards."""
        settings = cycle([(interval, spread) for spread in (False, True) for interval in _SWITCH_INTERVALS])
        struck: list[BaseException] = []
        with (
            ONE_AT_A_TIME,
            handlers_kept(struck.append),
            machine_kept() as processors,
            Progress(self.seconds) as progress,
        ):
            self.settings = Settings()
            until = now() + (self.seconds if self.seconds is not None else math.inf)
            pool = Pool(self.program.actors, processors, self._put_back_builtins)
            try:
                for position, mode in enumerate(cycle(self.turns)):
                    if position % len(self.turns) == 0:
                        interval, pool.spread = next(settings)
                        sys.setswitchinterval(interval)
                    try:
                        self._turn(pool, mode, until)
                    except Exception as error:
                        self._put_back()
                        if not self.tally.failed:
                            told = complaint(self.changed, error)
                            if told:
                                raise LabError(told) from error
                            raise
                        self.tally.notes.append(f"ended early: {describe(error)}")  # which hides no failure
                        break
                    for lost in struck:  # as in the callback of a weak reference
                        raise Interrupted(lost)
                    goal = f" of {self.rounds:,}" if self.rounds is not None else ""
                    progress.show(
                        f"hammer: {self.tally.done:,}{goal} rounds, {self.tally.failed:,} failed", self.tally.done
                    )
                    if self._is_over(until):
                        break
            finally:
                self._put_back()
                self.tally.left += pool.close()
                left = [name for name in pool.left_behind() if name not in self.tally.left]
                if left:
                    count = "1 thread that was" if len(left) == 1 else f"{len(left):,} threads that were"
                    self.tally.notes.append(
                        f"left behind: {count} started meanwhile and did not end, such as {left[0]}"
                    )
                if self.changed:
                    self.tally.notes.append(f"put back: {', '.join(self.changed)}, which the program had changed")

    def _put_back_builtins(self) -> None:
        self.changed.update(dict.fromkeys(self.settings.put_back_builtins()))

    def _put_back(self, library: bool = True) -> None:
        self.changed.update(dict.fromkeys(self.settings.put_back(library)))

    def _is_over(self, until: float) -> bool:
        return self.tally.hung or self.tally.done == self.rounds or now() >= until

    def _turn(self, pool: Pool, mode: Mode, until: float) -> None:
        """Run batches of one mode for a while, or until it has had its share of the rounds."""
        end = min(until, now() + _TURN_SECONDS)
        share = mode.rounds + max(1, (self.rounds or sys.maxsize) // (2 * len(self.turns)))
        while True:
            self._batch(pool, mode, share - mode.rounds)
            if self.isolation is None or mode.rounds >= share or self._is_over(end):
                break

    # ------------------------------------------------------------ one batch

    def _batch(self, pool: Pool, mode: Mode, most: int) -> None:
        began = now()
        size = min(mode.size, most, (self.rounds or sys.maxsize) - self.tally.done)
        states: list[Any] = []
        with ExitStack() as after:
            for _ in range(size):
                state = self.program.setup() if self.fresh.done else self.fresh.setup()
                if self.program.teardown is not None:
                    after.callback(self._tear_down, self.program.teardown, state)
                states.append(state)
            try:
                batch, stuck = self._run(pool, mode, states)
                self._put_back(library=False)
                complete = min(map(len, batch.ends))
                if complete == size and stuck is not None:  # it went on after all
                    stuck = None
                    pool.renew()
                if stuck is not None:
                    self.tally.hung = True
                    batch.close(range(size))  # what being ended does to the threads is no finding
                    self.tally.left += pool.force(states[complete])
                self._judge(mode, batch, complete)
                if stuck is not None:
                    self._judge_hang(mode, batch, complete, stuck)
                batch.errors.clear()  # with their tracebacks, which hold the states
                batch.strays.clear()
            except BaseException:
                pool.close()  # before the states are torn down
                raise
        self._grow(mode, size, now() - began)

    def _run(self, pool: Pool, mode: Mode, states: list[Any]) -> tuple[Batch, Standstill | None]:
        count = len(self.program.actors)
        watched = None
        if self.isolation is None and mode.noisy == bool(self.noise):
            watched = Watched()
        if self.isolation is None or self.isolation.fresh_threads:
            pool.renew()
        pool.place()
        batch = Batch(states, mode.in_step, count, partial(self.tally.late, mode))
        numbers = [partial(batch.number, index) for index in range(count)]
        with SharedDiscovery() as discovery:
            if not mode.noisy and watched is None:
                discovery.cover(threading.Thread.start)
                batch.drivers = [Company(batch.strayed, number) for number in numbers]
                return batch, pool.run(batch)
            for _, actor in self.program.actors:
                discovery.cover(actor)
            discovery.meet_parts(states[0])
            seeds = [self.random.getrandbits(31) for _ in range(count)]
            noise, strayed = self.noise, batch.strayed
            batch.drivers = [
                Noise(discovery, noise, seed, strayed, number)
                if watched is None
                else Watch(discovery, noise, seed, strayed, number, watched)
                for seed, number in zip(seeds, numbers, strict=True)
            ]
            stuck = pool.run(batch)
        if watched is not None:
            self._learn(watched, states[0])
        return batch, stuck

    def _learn(self, watched: Watched, state: Any) -> None:
        """After two rounds that were watched, decide whether many states may be made at once."""
        self.watched.append((watched, state))
        if len(self.watched) == 2:
            (first, one), (second, other) = self.watched
            self.isolation = Isolation.between(first, second)
            if one is other or isinstance(state, _VALUES):  # then what the actors work on lies elsewhere
                self.isolation = replace(self.isolation, batches=False)
            if not self.isolation.batches:
                self.tally.notes.append("singly: the actors touch more than setup returns, so each round ran alone")
            self.watched.clear()

    def _grow(self, mode: Mode, states: int, seconds: float) -> None:
        """Aim at batches that are long enough to be worth their start and short enough for many settings."""
        if self.isolation is not None and self.isolation.batches:
            fitting = states * min(_TURN_SECONDS / seconds, 8.0)  # at most: the first rounds are not typical
            mode.size = max(1, min(int(fitting), _MOST_STATES))

    def _tear_down(self, teardown: Callable[[Any], object], state: Any) -> None:
        if not self.tally.hung:
            teardown(state)
        elif not self.tally.left:  # else a thread still works on it
            try:
                teardown(state)
            except Exception as error:  # a state whose locks were forced open
                self.tally.notes.append(f"teardown: raised {describe(error)} after the hang")

    # ------------------------------------------------------------ judging

    def _judge(self, mode: Mode, batch: Batch, complete: int) -> None:
        batch.close(())
        left = dict(batch.strays)  # round -> the first exception: when, whose, what
        for (name, _), ends, errors in zip(self.program.actors, batch.ends, batch.errors, strict=True):
            for number, error in errors.items():
                if number not in left or ends[number] < left[number][0]:
                    left[number] = (ends[number], name, error)
        judge = self.program.judge
        results: list[tuple[Any, Failure | None]] = []
        for number, state in zip(range(complete), batch.states, strict=False):
            if number in left:
                _, name, error = left[number]
                results.append((describe(error), left_by(name, error)))
            else:
                results.append(judge(state))
        self.tally.count(mode, results)
        batch.close([number for number, result in enumerate(results) if result[1] is not None])
        mode.overlapped += batch.overlaps(complete)

    def _judge_hang(self, mode: Mode, batch: Batch, number: int, stuck: Standstill) -> None:
        failure = stuck.failure
        outcome = failure.kind if failure is not None else ""
        left = [
            (name, errors[number])
            for (name, _), errors in zip(self.program.actors, batch.errors, strict=True)
            if number in errors
        ]
        left += [(name, error) for stray, (_, name, error) in batch.strays.items() if stray == number]
        for name, error in left:  # what the others wait for will not come, and this is why
            outcome, why = describe(error), left_by(name, error)
            waiting = (str(failure), *failure.detail) if failure is not None else ()
            failure = replace(why, detail=(*why.detail, *waiting))
        if failure is None:
            self.tally.endless = stuck.message
        else:
            mode.overlapped += batch.overlapped(number)
            self.tally.count(mode, [(outcome, failure)])


def _validate(on: Any, rounds: Any, seconds: Any, noise: Any, seed: Any) -> None:
    if on not in MODELS:
        raise InvalidValue(f"on={on!r}: unknown; choose one of {', '.join(MODELS)}")
    positive(rounds, "rounds", whole=True)
    positive(seconds, "seconds", whole=False)
    if isinstance(noise, bool) or not isinstance(noise, int | float):
        raise InvalidType(f"noise={noise!r}: give a probability, a number from 0 to 1")
    if not 0 <= noise <= 1:
        raise InvalidValue(f"noise={noise!r}: give a probability, a number from 0 to 1")
    if isinstance(seed, bool) or not isinstance(seed, int):
        raise InvalidType(f"seed={seed!r}: give a whole number")
