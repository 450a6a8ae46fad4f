"""Real seconds, whatever the program under test makes of the `time` module.

Tools that freeze the time replace its functions wherever a module has them as an
attribute; budgets and watches have to go on.
"""

from __future__ import annotations

import os
import time


class Real:
    """The functions themselves."""

    seconds = staticmethod(time.perf_counter)
    nanoseconds = staticmethod(time.perf_counter_ns)
    worked = staticmethod(time.process_time)
    of_clock = staticmethod(getattr(time, "clock_gettime", lambda _clock: 0.0))
    clock_of = staticmethod(getattr(time, "pthread_getcpuclockid", lambda _identity: 0))
    is_by_thread = hasattr(time, "pthread_getcpuclockid")


def now() -> float:
    """Seconds since some moment, in real time."""
    return Real.seconds()


def spent() -> float:
    """Seconds of the processor's time that this process, and the children that it has waited for, have used."""
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


def worked_by(identity: int) -> float:
    """Seconds of the processor's time that a living thread has had; always 0 where the system does not tell."""
    return Real.of_clock(Real.clock_of(identity)) if Real.is_by_thread else 0.0


class Limit:
    """How long may be worked at something that is bounded by a count, for where that takes longer than it should.

    ``seconds`` are of the processor's time, so that a busy machine changes nothing; ``until`` is a moment of real time,
    which comes in any case.
    """

    _TIMES_AS_LONG = 4

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.until = now() + self._TIMES_AS_LONG * seconds
        self._worked = Real.worked() + seconds
        self.was_reached = False

    @property
    def is_reached(self) -> bool:
        """Whether the time is up; that it was is remembered."""
        self.was_reached = self.was_reached or Real.worked() >= self._worked or now() >= self.until
        return self.was_reached
