"""Real seconds, whatever the program under test makes of the `time` module.

Tools that freeze the time replace its functions wherever a module has them as an
attribute; budgets and watches have to go on.
"""

from __future__ import annotations

import time


class Real:
    """The functions themselves."""

    seconds = staticmethod(time.perf_counter)
    nanoseconds = staticmethod(time.perf_counter_ns)


def now() -> float:
    """Seconds since some moment, in real time."""
    return Real.seconds()
