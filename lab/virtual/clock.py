"""Virtual time and repeatable random numbers.

A sleep costs nothing.  Its end is a choice like any other: real sleeping
threads do not wait for slow ones, so no program may rely on it; but of two
sleepers the one with the earlier moment wakes first.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lab.carriers.control import Control
    from lab.instrument import Site

_SHARED: Any = random._inst  # behind random.random() and the like


def sleep(control: Control, site: Site, seconds: float) -> None:
    if not seconds >= 0:
        raise ValueError("sleep length must be non-negative")
    control.block("sleep", time, "sleeps", _never, site, control.now + seconds)


def _never() -> bool:
    return False


def _seconds(control: Control, _site: Site) -> float:
    return control.read_clock()


def _nanoseconds(control: Control, _site: Site) -> int:
    return int(control.read_clock() * 1e9)


def random_method(control: Control, owner: object, name: str) -> Any:
    """The method of the seeded generator in place of one of `random`'s own, or None."""
    if owner is _SHARED:
        return getattr(control.twins.memory.random(), name)
    return None


def seeded_class(control: Control, cls: type, arguments: tuple[Any, ...]) -> Any:
    """A seeded maker in place of ``random.Random()`` without a seed, or None."""
    if cls is random.Random and not arguments:
        return partial(random.Random, control.twins.memory.random().random())
    return None


PLAIN: dict[Any, Callable[..., Any]] = {
    time.sleep: sleep,
    time.time: _seconds,
    time.monotonic: _seconds,
    time.perf_counter: _seconds,
    time.time_ns: _nanoseconds,
    time.monotonic_ns: _nanoseconds,
    time.perf_counter_ns: _nanoseconds,
}
