"""Time and chance in the process of an actor: virtual moments, and numbers that are the same in every execution."""

from __future__ import annotations

import hashlib
import os
import random
import selectors
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

from lab.child.stops import Stops
from lab.filesystem.system import Instead
from lab.filesystem.twin import Twin
from lab.origin import is_library
from lab.virtual.clock import SHARED_NAMES

_BLINK = 1e-6  # virtual seconds that a reading of the clock takes
_NANO = 1_000_000_000


class Clock:
    """Virtual time, as the runner tells it; each reading takes a little, so that waiting loops end."""

    def __init__(self, stops: Stops) -> None:
        self._stops = stops
        self._reads = 0

    def reading(self, real: Any, unit: int | None) -> Callable[[], Any]:
        """What is called in place of ``real``, in whole units if they are given."""

        def call() -> Any:
            stops = self._stops
            if not stops.begun:
                return real()
            if not is_library(sys._getframe(2).f_code.co_filename):
                stops.note("doubt", "the clock showed only times that pass while nothing is slow")
            self._reads += 1
            stops.now += _BLINK * 2.0 ** min(self._reads // 64, 40)
            return stops.now if unit is None else int(stops.now * unit)

        return call

    def sleep(self, seconds: Any) -> None:
        """Let others go on; how long it takes is the strategy's choice, up to ten seconds."""
        if not self._stops.begun or not isinstance(seconds, int | float) or not seconds >= 0:
            _sleep(seconds)
            return
        self._stops.step("sleeps", "", (), f"for {seconds:g} s", wait=("sleep", float(seconds)))

    def selecting(self, real: Any) -> Callable[..., Any]:
        """The method of a selector by which an event loop waits for its next timer."""

        def select(selector: Any, timeout: Any = None) -> Any:
            waits = isinstance(timeout, int | float) and timeout > 0
            if not (waits and self._stops.begun and sys._getframe(1).f_code.co_filename.endswith(_OF_LOOPS)):
                return real(selector, timeout)
            ready = real(selector, 0)
            if not ready:
                self.sleep(timeout)
                ready = real(selector, 0)
            return ready

        return select


_sleep = time.sleep
_OF_LOOPS = os.path.join("asyncio", "base_events.py")
_SELECTORS = ("SelectSelector", "PollSelector", "EpollSelector", "DevpollSelector", "KqueueSelector")


def make(stops: Stops) -> Instead:
    """Function of `time` -> its twin in the process that ``stops`` belongs to."""
    clock = Clock(stops)
    found: Instead = {}
    for name in ("time", "monotonic", "perf_counter"):
        for ending, unit in (("", None), ("_ns", _NANO)):
            real = getattr(time, name + ending)
            found[real] = Twin(real, clock.reading(real, unit))
    found[_sleep] = Twin(_sleep, clock.sleep)
    for kind in (getattr(selectors, name, None) for name in _SELECTORS):
        if kind is not None and "select" in vars(kind):
            found[kind.select] = clock.selecting(kind.select)
    return found


class Chance:
    """Random bytes and numbers that are the same in every execution, and differ from actor to actor."""

    def __init__(self, stops: Stops) -> None:
        self._stops = stops
        self._drawn = 0
        self._seeded = False

    def _urandom(self, size: int) -> bytes:
        if not self._stops.begun:
            return _urandom(size)
        self._drawn += 1
        return hashlib.shake_128(b"%d/%d" % (self._stops.index, self._drawn)).digest(size)

    def names(self) -> Iterator[str]:
        """The names of temporary files: each actor has its own, as chance would have it."""
        number = 0
        while True:
            number += 1
            yield f"{self._stops.index}_{number:06}"

    def _draws(self, real: Any) -> Callable[..., Any]:
        def call(*arguments: Any, **named: Any) -> Any:
            if self._stops.begun and not self._seeded:
                self._seeded = True
                random.seed(self._stops.index)
                self._stops.note("doubt", "random numbers were the same in every execution")
            return real(*arguments, **named)

        return call

    def instead(self) -> Instead:
        """Operation -> its twin."""
        found: Instead = {_urandom: Twin(_urandom, self._urandom)}
        for name in SHARED_NAMES:
            real = getattr(random, name)
            found[real] = Twin(real, self._draws(real))
        return found


_urandom = os.urandom
