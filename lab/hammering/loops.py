"""The event loops that programs are hammered on: the stock one, and uvloop's where that is installed.

With noise, what takes time takes a little more: timers and calls in threads end later, and on the stock loop what has
arrived at a file is now and then looked at one turn later, and in another order.  (A selector tells of it again.)
uvloop does its own input and output in C, out of reach.
"""

from __future__ import annotations

import asyncio
import random
import sys
import threading
import time
from collections.abc import Callable
from functools import cache, partial
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from lab.hammering.standstill import waits

LITTLE = 1e-3  # seconds
_SELECTING: Any = asyncio.SelectorEventLoop  # of whose inside its stubs know nothing
_MOST_TIMERS = 100
_TO_OUTSIDE = ("create_", "sock_", "add_", "connect_", "subprocess_", "start_tls", "sendfile", "getaddrinfo")
"""How the names of methods begin after which something may come from outside of the process."""
_INSIDE = ("create_future", "create_task")


class _Jittered(_SELECTING):  # type: ignore[misc]
    """The stock loop."""

    def __init__(self, draw: random.Random, noise: float) -> None:
        super().__init__()
        self._draw = draw
        self._noise = noise

    def call_at(self, when: float, *arguments: Any, **named: Any) -> Any:
        """A timer is never early, and may be late."""
        return super().call_at(when + _later(self._draw, self._noise), *arguments, **named)

    def run_in_executor(self, executor: Any, func: Callable[..., Any], *arguments: Any) -> Any:
        """A call in a thread may take its time."""
        delay = _later(self._draw, self._noise)
        return super().run_in_executor(executor, partial(_delayed, delay, func), *arguments)

    def _process_events(self, events: list[Any]) -> None:
        if self._noise:
            events = [event for event in events if self._draw.random() >= self._noise / 2]
            self._draw.shuffle(events)
        super()._process_events(events)

    def may_go_on(self) -> bool:
        """Whether a timer, a file or a thread may still let a task go on."""
        timers = any(not timer.cancelled() for timer in self._scheduled)
        return timers or len(self._selector.get_map()) > 1 or self._default_executor is not None


class _Noted:
    """Put before the class of uvloop's loop, which does not tell what it waits for."""

    def __init__(self, draw: random.Random, noise: float) -> None:
        super().__init__()
        self._draw = draw
        self._noise = noise
        self._timers: list[Any] = []
        self._reaches_out = False

    def call_later(self, delay: float, *arguments: Any, **named: Any) -> Any:
        """See `_Jittered.call_at`; there is no other way to a timer."""
        base: Any = super()
        timer = base.call_later(delay + _later(self._draw, self._noise), *arguments, **named)
        if len(self._timers) > _MOST_TIMERS:
            self._timers = [one for one in self._timers if self._is_due(one)]
        self._timers.append(timer)
        return timer

    def run_in_executor(self, executor: Any, func: Callable[..., Any], *arguments: Any) -> Any:
        """See `_Jittered.run_in_executor`."""
        self._reaches_out = True
        base: Any = super()
        return base.run_in_executor(executor, partial(_delayed, _later(self._draw, self._noise), func), *arguments)

    def may_go_on(self) -> bool:
        """See `_Jittered.may_go_on`."""
        return self._reaches_out or any(self._is_due(timer) for timer in self._timers)

    def _is_due(self, timer: Any) -> bool:
        loop: Any = self
        return not timer.cancelled() and bool(timer.when() >= loop.time())


def _reaching_out(name: str) -> Callable[..., Any]:
    def called(loop: Any, *arguments: Any, **named: Any) -> Any:
        loop._reaches_out = True
        return getattr(super(_Noted, loop), name)(*arguments, **named)

    return called


for _name in dir(asyncio.AbstractEventLoop):
    if _name.startswith(_TO_OUTSIDE) and _name not in _INSIDE:
        setattr(_Noted, _name, _reaching_out(_name))


def _later(draw: random.Random, noise: float) -> float:
    return draw.random() * LITTLE if draw.random() < noise else 0.0


def _delayed(seconds: float, function: Callable[..., Any], *arguments: Any) -> Any:
    if seconds:
        time.sleep(seconds)
    return function(*arguments)


@cache
def loops() -> dict[str, Callable[[random.Random, float], Any]]:
    """The kinds of event loop that there are, by name; each takes what draws its noise, and how much of that."""
    found: dict[str, Callable[[random.Random, float], Any]] = {"asyncio": _Jittered}
    if find_spec("uvloop") is not None:
        try:
            uvloop: Any = import_module("uvloop")
        except ImportError:  # it was built for another interpreter
            return found
        found["uvloop"] = type("Loop", (_Noted, uvloop.Loop), {})
    return found


def may_go_on(loop: Any, before: frozenset[int | None]) -> bool:
    """Whether something may still let a task go on; ``before`` are the threads that were there before the program."""
    started = {one.ident for one in threading.enumerate()} - before
    stuck = all(waits(frame) for ident, frame in sys._current_frames().items() if ident in started)
    return not stuck or bool(loop.may_go_on())
