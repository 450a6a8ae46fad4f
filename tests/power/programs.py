"""Small classic programs, each with one bug that needs a certain order of steps."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


class State:
    """What the actors share."""

    def __init__(self) -> None:
        self.x = 0
        self.y = 0
        self.wrong = False


@dataclass(frozen=True)
class Program:
    """One program, and within how many schedules (the median of seeds) each strategy has to find its bug.

    A strategy that is not named is not expected to find it.
    """

    name: str
    setup: Callable[[], Any]
    actors: dict[str, Callable[[Any], None]]
    enough: dict[str, int]


def is_right(state: Any) -> bool:
    return not getattr(state, "wrong", False)


def _count_twenty(state: State) -> None:
    for _ in range(20):
        state.x += 1


def _look_for_nineteen(state: State) -> None:
    if state.x == 19:
        state.wrong = True


def _five_writes(state: State) -> None:
    state.x = 1
    state.y = 1
    state.x = 2
    state.y = 2
    state.x = 3


def _five_reads(state: State) -> None:
    if state.x == 1 and state.y == 1 and state.x == 2 and state.y == 2 and state.x == 3:
        state.wrong = True


def _set_both(state: State) -> None:
    state.x = 1
    state.y = -1


def _see_half(state: State) -> None:
    if (state.x, state.y) not in ((0, 0), (1, -1)):
        state.wrong = True


def _philosopher(left: int, right: int) -> Callable[[list[threading.Lock]], None]:
    def eat(forks: list[threading.Lock]) -> None:
        with forks[left], forks[right]:
            pass

    return eat


def _philosophers(count: int) -> tuple[Callable[[], Any], dict[str, Callable[[Any], None]]]:
    actors = {f"philosopher {index}": _philosopher(index, (index + 1) % count) for index in range(count)}
    return lambda: [threading.Lock() for _ in range(count)], actors


def _setters(count: int) -> dict[str, Callable[[Any], None]]:
    return {**{f"setter {index}": _set_both for index in range(count)}, "reader": _see_half}


PROGRAMS = [
    Program(
        "one read at the end of forty operations",
        State,
        {"counter": _count_twenty, "reader": _look_for_nineteen},
        {"surw": 60, "pct": 400, "auto": 200},
    ),
    Program(
        "five operations in turn",
        State,
        {"writer": _five_writes, "reader": _five_reads},
        {"random": 100, "surw": 300, "pos": 700, "auto": 300},
    ),
    Program("a half set pair, 4", State, _setters(4), {"random": 100, "pct": 150, "pos": 60, "surw": 40, "auto": 80}),
    Program(
        "a half set pair, 10", State, _setters(10), {"random": 200, "pct": 400, "pos": 120, "surw": 80, "auto": 200}
    ),
    Program("3 philosophers", *_philosophers(3), {"random": 15, "pct": 60, "pos": 30, "surw": 10, "auto": 20}),
    Program("5 philosophers", *_philosophers(5), {"random": 50, "pct": 800, "pos": 150, "surw": 20, "auto": 40}),
]
