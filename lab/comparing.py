"""Threads, tasks and processes on this machine: what each costs, what each gains, and where each can be switched.

Every figure is measured when it is asked for.  Where a switch can happen is shown by exploring a lost update, not
asserted.
"""

from __future__ import annotations

import asyncio
import math
import multiprocessing
import os
import queue
import resource
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from lab.explorer import explore
from lab.stopwatch import now

WORKERS = (1, 2, 4, 8)
_REPEATS = 3
_PARTS = 8  # of a job, which the workers share
_ROUND_TRIPS, _STARTS = 400, 30
_WAIT = 0.02  # seconds of one part that waits
_BUSY = 0.75  # processors: what computes would use one at least, if it could have it
_GAIN = 1.25  # times as fast: then more workers are worth something


@dataclass
class Model:
    """One way of doing several things at once."""

    name: str
    switched: str = ""  # who decides a switch, and where it can happen, as explorations showed
    start: float = 0.0  # seconds to start one and to see its end
    hand_off: float = 0.0  # seconds for one to hand over to another
    processors: float = 0.0  # used by a job that computes
    computing: dict[int, float] = field(default_factory=dict)  # workers -> times as fast as one after the other
    waiting: dict[int, float] = field(default_factory=dict)

    @property
    def gain(self) -> tuple[float, int]:
        """The most that a job that computes gained, and with how many workers."""
        return max((factor, -workers) for workers, factor in self.computing.items())


# ------------------------------------------------------------------ what is run


def compute(rounds: int) -> int:
    """A part of a job that only computes, in plain Python."""
    total = 0
    for number in range(rounds):
        total += number & 3
    return total


def wait(seconds: float) -> None:
    """A part of a job that only waits."""
    time.sleep(seconds)


async def _compute_task(rounds: int) -> int:
    return compute(rounds)


def _nothing() -> None:
    pass


async def _nothing_task() -> None:
    pass


_PROGRAM = """
import asyncio

class Counter:
    value = 0

def add(counter):
    current = counter.value
    counter.value = current + 1

async def add_at_once(counter):
    current = counter.value
    counter.value = current + 1

async def add_across_await(counter):
    current = counter.value
    await asyncio.sleep(0)
    counter.value = current + 1

def value(counter):
    return counter.value
"""
"""What is explored, as text: the lab's own code is none that it looks into."""


def _write_zero() -> None:
    Path("counter").write_text("0")


def _add_in_file(_: None) -> None:
    current = int(Path("counter").read_text() or "0")
    Path("counter").write_text(str(current + 1))


def _in_file(_: None) -> int:
    return int(Path("counter").read_text())


# ------------------------------------------------------------------ who decides


def _outcomes(setup: Any, actor: Any, outcome: Any, on: str = "auto") -> set[int]:
    """What two actors that each add one come to in any schedule: 1 is a lost update."""
    verdict = explore(setup, {"one": actor, "other": actor}, outcome=outcome, on=on, strategy="dpor", schedules=200)
    return set(verdict.outcomes)


def who_decides() -> dict[str, str]:
    """For each model who decides a switch and where it can happen, as explorations of a lost update show."""
    program: dict[str, Any] = {"__name__": "counter"}
    exec(compile(_PROGRAM, "<counter>", "exec"), program)
    counter, value, nobody = program["Counter"], program["value"], "nobody was switched"
    threads, at_once, across = (
        1 in _outcomes(counter, program[name], value) for name in ("add", "add_at_once", "add_across_await")
    )
    found = {"threads": "the system, between any two operations" if threads else nobody}
    found["tasks"] = "the loop, anywhere" if at_once else "the task, at an await only" if across else nobody
    if hasattr(os, "fork"):
        shares = _outcomes(counter, program["add"], value, on="processes") != {0}
        in_files = 1 in _outcomes(_write_zero, _add_in_file, _in_file, on="processes")
        told = "the system, between any two operations on files" if in_files else nobody
        found["processes"] = told if shares else f"{told}; memory is not shared"
    return found


# ------------------------------------------------------------------ measuring


def _cpu_time() -> float:
    total = 0.0
    for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN):
        used = resource.getrusage(who)
        total += used.ru_utime + used.ru_stime
    return total


def _timed(function: Callable[[], object]) -> tuple[float, float]:
    """Seconds that a call takes, and how many processors it uses: CPU time, of ended children too, over that."""
    used, began = _cpu_time(), now()
    function()
    took = now() - began
    return took, (_cpu_time() - used) / took


def _rounds_for(seconds: float) -> int:
    """How many rounds of `compute` take that long in one part of a job."""
    rounds = 10_000
    while (took := _timed(partial(compute, rounds))[0]) < 0.01:
        rounds *= 2
    return max(1, int(rounds * seconds / _PARTS / took))


def _with_threads(workers: int, part: Callable[[Any], object], argument: Any) -> None:
    with ThreadPoolExecutor(workers) as pool:
        list(pool.map(part, [argument] * _PARTS))


def _with_processes(workers: int, part: Callable[[Any], object], argument: Any) -> None:
    with ProcessPoolExecutor(workers) as pool:
        list(pool.map(part, [argument] * _PARTS))


def _with_tasks(workers: int, part: Callable[[Any], Any], argument: Any) -> None:
    async def worker(parts: list[Any]) -> None:
        while parts:
            await part(parts.pop())

    async def job() -> None:
        parts = [argument] * _PARTS
        await asyncio.gather(*(worker(parts) for _ in range(workers)))

    asyncio.run(job())


def _start_thread() -> None:
    thread = threading.Thread(target=_nothing)
    thread.start()
    thread.join()


def _start_process() -> None:
    process = multiprocessing.Process(target=_nothing)
    process.start()
    process.join()


def _start_tasks(count: int) -> float:
    async def start() -> float:
        began = now()
        for _ in range(count):
            await asyncio.create_task(_nothing_task())
        return (now() - began) / count

    return asyncio.run(start())


def _hand_off_threads() -> float:
    there: queue.SimpleQueue[None] = queue.SimpleQueue()
    back: queue.SimpleQueue[None] = queue.SimpleQueue()

    def other() -> None:
        for _ in range(_ROUND_TRIPS):
            there.get()
            back.put(None)

    thread = threading.Thread(target=other)
    thread.start()
    began = now()
    for _ in range(_ROUND_TRIPS):
        there.put(None)
        back.get()
    took = now() - began
    thread.join()
    return took / (2 * _ROUND_TRIPS)


def _hand_off_tasks() -> float:
    async def other() -> None:
        for _ in range(_ROUND_TRIPS):
            await asyncio.sleep(0)

    async def both() -> float:
        began = now()
        await asyncio.gather(other(), other())
        return (now() - began) / (2 * _ROUND_TRIPS)

    return asyncio.run(both())


def _answer(connection: Any) -> None:
    for _ in range(_ROUND_TRIPS):
        connection.send_bytes(connection.recv_bytes())


def _hand_off_processes() -> float:
    ours, theirs = multiprocessing.Pipe()
    process = multiprocessing.Process(target=_answer, args=(theirs,))
    process.start()
    ours.send_bytes(b"x")
    ours.recv_bytes()  # once it has begun
    began = now()
    for _ in range(_ROUND_TRIPS - 1):
        ours.send_bytes(b"x")
        ours.recv_bytes()
    took = now() - began
    process.join()
    return took / (2 * (_ROUND_TRIPS - 1))


def compare(workers: Sequence[int] = WORKERS, seconds: float = 0.15) -> list[Model]:
    """Measure each model; ``seconds`` is about how long the job that computes takes one after the other.

    Figures are of wall-clock time: medians of what is short, and of each job the fastest of a few runs, as other work
    on the machine only makes it slower.  ``processors`` is the CPU time of `getrusage` over wall-clock time.
    """
    rounds = _rounds_for(seconds)
    decides = who_decides()
    kinds = list(_models())
    models = [Model(kind[0], decides.get(kind[0], "")) for kind in kinds]
    alone = math.inf
    times: dict[tuple[str, str, int], tuple[float, float]] = {}  # the fastest, and the processors that it used
    before = os.getcwd()
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        try:
            for model, (_, _, _, _, start, hand_off) in zip(models, kinds, strict=True):
                model.start, model.hand_off = start(), hand_off()
            for count in [*workers] * _REPEATS:
                alone = min(alone, _timed(partial(_one_after_the_other, rounds))[0])
                for name, run, part, waits, _, _ in kinds:
                    for what, function, argument in (("computing", part, rounds), ("waiting", waits, _WAIT)):
                        took = _timed(partial(run, count, function, argument))
                        times[name, what, count] = min(times.get((name, what, count), took), took)
        finally:
            os.chdir(before)
    for model in models:
        model.computing = {count: alone / times[model.name, "computing", count][0] for count in workers}
        model.waiting = {count: _PARTS * _WAIT / times[model.name, "waiting", count][0] for count in workers}
        model.processors = max(times[model.name, "computing", count][1] for count in workers)
    return models


def _one_after_the_other(rounds: int) -> None:
    for _ in range(_PARTS):
        compute(rounds)


def _models() -> Iterator[tuple[str, Any, Any, Any, Callable[[], float], Callable[[], float]]]:
    yield "threads", _with_threads, compute, wait, lambda: _median(_start_thread), _hand_off_threads
    yield "tasks", _with_tasks, _compute_task, asyncio.sleep, lambda: _start_tasks(_STARTS * 10), _hand_off_tasks
    yield "processes", _with_processes, compute, wait, lambda: _median(_start_process), _hand_off_processes


def _median(function: Callable[[], object]) -> float:
    return statistics.median(_timed(function)[0] for _ in range(_STARTS))


# ------------------------------------------------------------------ what follows from it


def advice(models: Sequence[Model]) -> str:
    """When to take which, from these figures alone."""
    by_name = {model.name: model for model in models}
    threads, tasks, processes = by_name["threads"], by_name["tasks"], by_name["processes"]
    gains = [model for model in (threads, processes) if model.gain[0] >= _GAIN]
    sentences = []
    if max(model.processors for model in models) < _BUSY:
        sentences.append(
            "Other work keeps this machine busy, so the figures say little; measure again when it is idle."
        )
    if gains:
        best = max(gains, key=lambda model: (round(model.gain[0], 1), model is threads))
        factor, workers = best.gain[0], -best.gain[1]
        others = [f"{model.name} {model.gain[0]:.1f}" for model in models if model is not best]
        sentences.append(
            f"What computes: {best.name}, {factor:.1f} times as fast with {workers} workers ({', '.join(others)})."
        )
    else:
        sentences.append("What computes: one after the other; here nothing makes it faster.")
    most = max(tasks.waiting)
    sentences.append(
        f"What waits: tasks, {tasks.waiting[most]:.1f} times as fast with {most}; one costs {_short(tasks.start)}, "
        f"a thread {_short(threads.start)} ({threads.waiting[most]:.1f} times as fast), "
        f"a process {_short(processes.start)}."
    )
    if "await only" in tasks.switched:
        sentences.append("The fewest places for a race: tasks, which only an await can interrupt.")
    return " ".join(sentences)


def _short(seconds: float) -> str:
    return f"{seconds * 1e6:.0f} us" if seconds < 1e-3 else f"{seconds * 1e3:.1f} ms"


def machine() -> str:
    """What the figures belong to."""
    processors = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    locked = getattr(sys, "_is_gil_enabled", lambda: True)()
    lock = "with" if locked else "without"
    told = f"{processors} processor" + "s" * (processors > 1)
    return f"Python {sys.version.split()[0]} {lock} the global interpreter lock, {told}"
