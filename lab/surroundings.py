"""What is otherwise in the process while an exploration goes on: garbage, and signals such as a person's Ctrl-C."""

from __future__ import annotations

import gc
import signal
from collections.abc import Iterator
from contextlib import contextmanager

from lab.carriers.control import Control
from lab.signals import handlers_kept


@contextmanager
def tidy() -> Iterator[None]:
    """Collect garbage between executions only: finalizers and callbacks have to run at the same moments each time."""
    if not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


@contextmanager
def interruptible(control: Control) -> Iterator[None]:
    """Tell what the handlers of signals raise, a person's Ctrl-C among it, from what an actor raises."""

    def overdue() -> bool:
        if control.overdue:
            control.overdue = False
            control.take_off()
            return True
        return False

    with handlers_kept(control.struck, overdue, lambda: not (control.going_on and control.unwinding)) as asked:
        control.takes_signals = asked and hasattr(signal, "pthread_kill")
        try:
            yield
        finally:
            control.takes_signals = False
