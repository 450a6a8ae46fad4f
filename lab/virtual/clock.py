"""Virtual time and repeatable random numbers.

A sleep costs nothing.  Its end is a choice like any other: real sleeping
threads do not wait for slow ones, so no program may rely on it; but of two
sleepers the one with the earlier moment wakes first.
"""

from __future__ import annotations

import _thread
import os
import random
import time
from collections.abc import Callable
from datetime import UTC, date, datetime, tzinfo
from functools import partial
from typing import TYPE_CHECKING, Any

from lab.kinds import is_a
from lab.origin import told_call
from lab.virtual.arguments import as_real

if TYPE_CHECKING:
    from lab.carriers.control import Control
    from lab.instrument import Site

_SHARED: Any = random._inst  # behind random.random() and the like
SHARED_NAMES = tuple(name for name in random.__all__ if getattr(getattr(random, name), "__self__", None) is _SHARED)
"""The functions of `random` that draw from the generator they share."""
UNNAMED = "the clock"
_LONGEST_SLEEP = 2.0**63 / 1e9  # seconds; from here on the real one complains


# ------------------------------------------------------------------ time


def sleep(control: Control, site: Site, seconds: Any, /) -> None:
    if not isinstance(seconds, int | float):
        _thread.allocate_lock().acquire(True, seconds)  # complains about what is no number
    if not 0 <= seconds < _LONGEST_SLEEP:
        time.sleep(seconds)  # complains, and does not sleep
    control.block("sleep", time, "sleeps", _never, site, control.now + float(seconds))


def _never() -> bool:
    return False


def _seconds(control: Control, _site: Site, /) -> float:
    return control.read_clock()


def _nanoseconds(control: Control, _site: Site, /) -> int:
    return int(control.read_clock() * 1e9)


def _reads(real: Any, twin: Callable[..., Any]) -> Callable[..., Any]:
    """``twin``, with it remembered where the program first read the clock."""
    name = f"{real.__self__.__module__ if is_a(real.__self__, type) else 'time'}.{real.__qualname__}()"

    def reading(control: Control, site: Site, /, *arguments: Any, **named: Any) -> Any:
        before = control.clock_reads
        given = twin(control, site, *arguments, **named)
        if control.read_time == UNNAMED and control.clock_reads != before:
            control.read_time = f"{told_call(site.code, site.line, name)}, and {UNNAMED}"
        return given

    return reading


def _clock_gettime(control: Control, site: Site, clock: int, /) -> float:
    time.clock_gettime(clock)
    return control.read_clock()


def _clock_gettime_ns(control: Control, site: Site, clock: int, /) -> int:
    time.clock_gettime_ns(clock)
    return int(control.read_clock() * 1e9)


def _at_once(real: Callable[..., Any]) -> Callable[..., Any]:
    """The twin of a function of a moment, which means now if there is none."""

    def told(control: Control, _site: Site, seconds: float | None = None, /) -> Any:
        return real(control.read_clock() if seconds is None else seconds)

    return told


def _strftime(control: Control, _site: Site, template: str, *moment: Any) -> str:
    return time.strftime(template, *(moment or (time.localtime(control.read_clock()),)))


def _now(control: Control, _site: Site, tz: tzinfo | None = None) -> datetime:
    return datetime.fromtimestamp(control.read_clock(), tz)


def _utcnow(control: Control, _site: Site, /) -> datetime:
    datetime.utcnow()  # for its warning
    return datetime.fromtimestamp(control.read_clock(), UTC).replace(tzinfo=None)


def _today(control: Control, _site: Site, /) -> date:
    return date.fromtimestamp(control.read_clock())


# ------------------------------------------------------------------ random numbers


def random_method(control: Control, site: Site, owner: object, name: str) -> Any:
    """The method of the seeded generator in place of one of `random`'s own, or None."""
    if owner is not _SHARED:
        return None
    generator = _drawn(control, site, f"random.{name}")
    return partial(_seed, generator) if name == "seed" else getattr(generator, name)


def _drawn(control: Control, site: Site, name: str) -> random.Random:
    """The generator behind all random numbers; where the first one is drawn is remembered."""
    memory = control.twins.memory
    memory.drew = memory.drew or told_call(site.code, site.line, f"{name}()")
    return memory.random()


def _seed(generator: random.Random, *arguments: Any, **named: Any) -> None:
    """A seed from the operating system would be another one in every execution."""
    if arguments == (None,) or not arguments:
        arguments = (0,)
    generator.seed(*arguments, **named)


def seeded_class(control: Control, site: Site, cls: type, arguments: tuple[Any, ...]) -> Any:
    """A seeded maker in place of ``random.Random()`` without a seed, or None."""
    if cls is random.Random and (not arguments or arguments == (None,)):
        return partial(_seeded, _drawn(control, site, "random.Random").random())
    return None


def _seeded(seed: float, *_none: None) -> random.Random:
    return random.Random(seed)


def _random_bytes(control: Control, site: Site, size: int, /) -> bytes:
    os.urandom(0 if type(size) is int and size > 0 else size)  # complains where it has to
    return _drawn(control, site, "os.urandom").randbytes(size)


_READINGS = ("time", "monotonic", "perf_counter", "process_time", "thread_time")
_TWINS: dict[Any, Callable[..., Any]] = {
    time.sleep: sleep,
    **{getattr(time, name): _seconds for name in _READINGS},
    **{getattr(time, name + "_ns"): _nanoseconds for name in _READINGS},
    **{real: _at_once(real) for real in (time.localtime, time.gmtime, time.ctime)},
    time.strftime: _strftime,
    datetime.now: _now,
    datetime.today: _now,
    datetime.utcnow: _utcnow,
    date.today: _today,
    os.urandom: _random_bytes,
}
if hasattr(time, "clock_gettime"):
    _TWINS[time.clock_gettime] = _clock_gettime
    _TWINS[time.clock_gettime_ns] = _clock_gettime_ns
PLAIN: dict[Any, Callable[..., Any]] = {
    real: as_real(real, twin) if real in (time.sleep, os.urandom) else _reads(real, as_real(real, twin))
    for real, twin in _TWINS.items()
}
