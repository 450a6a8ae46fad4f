"""Run a program of tasks for real, again and again, on asyncio's own event loop and uvloop's; count how often it fails.

Where a task can be interrupted is fixed by its awaits; what varies for real is when things come from outside.  Half
of the rounds are quiet: all actors begin at once.  In the other half they begin a few turns of the loop or a
millisecond apart, what takes time takes a little longer (`lab.hammering.loops`), and, with ``cancel``, actors are
cancelled somewhere on their way.
"""

from __future__ import annotations

import asyncio
import inspect
import math
import random
import threading
from collections.abc import Callable
from functools import partial
from itertools import cycle
from typing import Any

from lab.errors import Interrupted
from lab.hammering.loops import LITTLE, loops, may_go_on
from lab.hammering.tally import Mode, Tally, left_by
from lab.hooks import ONE_AT_A_TIME
from lab.program import Failure, Program, describe, is_async
from lab.progress import Progress
from lab.signals import handlers_kept
from lab.stopwatch import now
from lab.verdict import Verdict

_PATIENCE = 2.0  # seconds without an actor's end: then nothing more is waited for
_LONGEST = 30.0  # seconds for a round in which something may still come
_MOST_TURNS = 6


def is_inside_loop() -> bool:
    """Whether the calling OS thread runs an event loop."""
    return asyncio._get_running_loop() is not None


class TaskRounds:
    """One call of `hammer` for a program with tasks."""

    def __init__(self, program: Program, rounds: int | None, seconds: float | None, noise: float, seed: int) -> None:
        self.program = program
        self.rounds = rounds
        self.until = now() + (seconds if seconds is not None else math.inf)
        self.seconds = seconds
        self.noise = noise
        self.random = random.Random(seed)
        self.modes = [
            Mode(noisy, False, where=where) for where in loops() for noisy in ([True, False] if noise else [False])
        ]
        self._running = False  # the program, and not what makes and closes their loop
        self.tally = Tally(program, self.modes)

    def go(self) -> Verdict:
        """Run until the budget is spent or a round does not end."""
        struck: list[BaseException] = []
        with (
            ONE_AT_A_TIME,
            handlers_kept(struck.append, leaves=lambda: self._running),
            Progress(self.seconds) as progress,
        ):
            for mode in cycle(self.modes):
                self._round(mode)
                for error in struck:  # which a task may have kept
                    raise Interrupted(error)
                progress.show(f"hammer: {self.tally.done:,} rounds, {self.tally.failed:,} failed", self.tally.done)
                if self.tally.hung or self.tally.done == self.rounds or now() >= self.until:
                    break
        verdict = self.tally.verdict()
        verdict.granularity = "real event loop"
        return verdict

    def _round(self, mode: Mode) -> None:
        factory = partial(loops()[mode.where], self.random, self.noise if mode.noisy else 0.0)
        with asyncio.Runner(loop_factory=factory) as runner:
            complaints: list[dict[str, Any]] = []
            runner.get_loop().set_exception_handler(lambda _, context: complaints.append(context))
            program = self.program.called_by(lambda function: partial(_inside, runner, function))
            self._running = True
            try:
                state = program.setup()
            except BaseException:
                self._running = False
                raise
            try:
                failure, overlapped = runner.run(self._actors(state, mode))
                outcome = _instead_of_outcome(failure)
                if failure is None:
                    outcome, failure = program.judge(state)
                if failure is None and complaints:
                    outcome, failure = _complaint(complaints[0])
            except _Endless as endless:
                self.tally.hung = True
                self.tally.endless = str(endless)
                return
            finally:
                try:
                    if program.teardown is not None:
                        program.teardown(state)
                finally:
                    self._running = False
        self.tally.count(mode, [(outcome, failure)])
        mode.overlapped += overlapped

    async def _actors(self, state: Any, mode: Mode) -> tuple[Failure | None, bool]:
        """What was wrong, and whether two actors were on their way at the same time."""
        threads = frozenset(thread.ident for thread in threading.enumerate())
        spans: dict[str, list[int]] = {}
        clock = iter(range(1 << 62))
        errors: list[tuple[str, BaseException]] = []
        cancelled: set[str] = set()

        async def run(name: str, body: Callable[[Any], Any]) -> None:
            if mode.noisy:
                await self._wait_a_little()
            spans[name] = [next(clock)]
            try:
                await (body(state) if is_async(body) else _in_thread(body, state))
            except asyncio.CancelledError as error:
                if name not in cancelled:
                    errors.append((name, error))
            except Exception as error:
                errors.append((name, error))
            finally:
                spans[name].append(next(clock))

        tasks = {
            name: asyncio.get_running_loop().create_task(run(name, body), name=name)
            for name, body in self.program.actors
        }
        cancels = sorted(self.program.cancels) if mode.noisy else []
        for name in cancels:
            if self.random.random() < 0.5:
                await self._wait_a_little()
                if name in spans and not tasks[name].done():
                    cancelled.add(name)
                    tasks[name].cancel()
        pending: set[Any] = set(tasks.values())
        waited = 0.0
        while pending:
            done, pending = await asyncio.wait(pending, timeout=_PATIENCE, return_when=asyncio.FIRST_COMPLETED)
            waited = 0.0 if done else waited + _PATIENCE
            if not done:
                names = ", ".join(sorted(task.get_name() for task in pending))
                if may_go_on(asyncio.get_running_loop(), threads):
                    if waited < _LONGEST:
                        continue
                    raise _Endless(f"{names} did not end in {waited:g} s")
                self.tally.hung = True
                return Failure("deadlock", f"{names} did not end: nothing happened for {_PATIENCE:g} s"), True
        ended = list(spans.values())
        overlapped = any(
            one[0] < other[1] and other[0] < one[1] for one in ended for other in ended if one is not other
        )
        return (left_by(*errors[0]) if errors else None), overlapped

    async def _wait_a_little(self) -> None:
        draw = self.random.random()
        if draw < 0.25:
            await asyncio.sleep(self.random.random() * LITTLE)
        else:
            for _ in range(self.random.randrange(_MOST_TURNS)):
                await asyncio.sleep(0)


async def _in_thread(body: Callable[[Any], Any], state: Any) -> None:
    loop = asyncio.get_running_loop()
    ended: asyncio.Future[None] = loop.create_future()

    def run() -> None:
        try:
            body(state)
        except BaseException as error:
            loop.call_soon_threadsafe(ended.set_exception, error)
        else:
            loop.call_soon_threadsafe(ended.set_result, None)

    threading.Thread(target=run, daemon=True).start()
    await ended


def _inside(runner: asyncio.Runner, function: Callable[..., Any], *arguments: Any) -> Any:
    async def call() -> Any:
        result = function(*arguments)
        return await result if inspect.iscoroutine(result) else result

    return runner.run(call())


class _Endless(Exception):
    """A round goes on, but not to its end."""


def _instead_of_outcome(failure: Failure | None) -> Any:
    """What stands for the outcome of a round that has none."""
    return None if failure is None else failure.message


def _complaint(context: dict[str, Any]) -> tuple[str, Failure]:
    error = context.get("exception")
    told = f"{context['message']}" + (f": {describe(error)}" if isinstance(error, BaseException) else "")
    return told, Failure("exception", told)
