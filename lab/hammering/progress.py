"""One line on a terminal's stderr, for runs that a person has to wait for."""

from __future__ import annotations

import sys
import time
from typing import Any

_PATIENCE = 2.0  # seconds before anything is shown
_PAUSE = 0.2  # seconds between two updates


class Progress:
    """Use as a context manager; the line is gone on leaving."""

    def __init__(self, rounds: int | None, seconds: float | None) -> None:
        self._goal = f" of {rounds:,}" if rounds is not None else ""
        self._limit = f" of {seconds:g} s" if seconds is not None else " s"
        self._began = time.perf_counter()
        self._due = self._began + _PATIENCE
        self._line: Any = None

    def __enter__(self) -> Progress:
        return self

    def __exit__(self, *_: object) -> None:
        if self._line is not None:
            self._line.stop()

    def show(self, done: int, failed: int) -> None:
        """Tell how far the run is, now and then."""
        now = time.perf_counter()
        if now < self._due:
            return
        self._due = now + _PAUSE
        if not sys.stderr.isatty():
            return
        if self._line is None:
            from rich.console import Console  # needed on few runs, and slow to import
            from rich.live import Live

            # Without auto_refresh, which would be one more thread among those that are hammered.
            self._line = Live(console=Console(stderr=True, highlight=False), auto_refresh=False, transient=True)
            self._line.start()
        told = f"hammer: {done:,}{self._goal} rounds, {failed:,} failed, {now - self._began:.0f}{self._limit}"
        self._line.update(told, refresh=True)
