"""What is otherwise in the process while an exploration goes on: garbage, and signals such as a person's Ctrl-C."""

from __future__ import annotations

import gc
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from lab import alive
from lab.carriers.control import Control
from lab.errors import Interrupted
from lab.signals import handlers_kept

_CALLBACK = 12  # calls that one of the lab's own callbacks may have gone down


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


class Interruptions:
    """What the handlers of signals raise, a person's Ctrl-C among it: told from what an actor raises.

    What they raise while an engine is set up or put away waits until that is over: half of it would stay for ever.
    """

    def __init__(self) -> None:
        self._control: Control | None = None
        self._waiting: BaseException | None = None
        self.asked = False

    def struck(self, error: BaseException) -> None:
        """A handler has raised ``error``."""
        if self._control is None:
            self._waiting = self._waiting or error
        else:
            self._control.struck(error)

    def leaves(self) -> bool:
        """Whether it may be raised where it struck, by whose handler this is called; else that is done later."""
        control = self._control
        if control is None or (control.going_on and control.unwinding):
            return False
        frame: FrameType | None = sys._getframe(2)
        for _ in range(_CALLBACK):
            if frame is None:
                break
            if frame.f_code.co_filename == alive.__file__:
                return False  # the callback of a weak reference, from which nothing can be raised
            frame = frame.f_back
        return True

    def overdue(self) -> bool:
        """Whether the signal is the lab's own, to end an actor that blocks."""
        control = self._control
        if control is None or not control.overdue:
            return False
        control.overdue = False
        control.take_off()
        return True

    @contextmanager
    def let_through(self, control: Control) -> Iterator[None]:
        """While ``control`` runs the program."""
        control.takes_signals = self.asked and hasattr(signal, "pthread_kill")
        try:
            self._control = control
            self.raise_waiting()
            yield
        finally:
            self._control = None
            control.takes_signals = False

    def raise_waiting(self) -> None:
        """Raise what waited."""
        error, self._waiting = self._waiting, None
        if error is not None:
            raise error if isinstance(error, KeyboardInterrupt) else Interrupted(error)


@contextmanager
def interruptible() -> Iterator[Interruptions]:
    """Around an engine: it is put away as a whole, whenever a signal comes."""
    interruptions = Interruptions()
    with handlers_kept(interruptions.struck, interruptions.overdue, interruptions.leaves) as interruptions.asked:
        yield interruptions
    interruptions.raise_waiting()
