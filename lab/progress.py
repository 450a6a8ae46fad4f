"""One line on a terminal's stderr, for runs that a person has to wait for."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

from lab.stopwatch import now

_PATIENCE = 2.0  # seconds before anything is shown
_PAUSE = 0.2  # seconds between two updates


class Progress:
    """Use as a context manager; the line is gone on leaving.

    ``seconds`` is how long it may take, if that is known; where there is somebody to ``tell``, the line goes there
    instead, and from the beginning.
    """

    def __init__(self, seconds: float | None, tell: Callable[[str], None] | None = None) -> None:
        self._tell = tell
        self._limit = f" of {seconds:g} s" if seconds is not None else " s"
        self._began = now()
        self._due = self._began + (_PATIENCE if tell is None else 0.0)
        self._line: Any = None

    def __enter__(self) -> Progress:
        return self

    def __exit__(self, *_: object) -> None:
        if self._line is not None:
            self._line.stop()

    @property
    def due(self) -> bool:
        """Whether it is time to tell something new."""
        return now() >= self._due and (self._tell is not None or (sys.stderr is not None and sys.stderr.isatty()))

    def show(self, told: str, done: int) -> None:
        """Tell how far the run is, now and then; ``done`` are its executions or rounds so far."""
        moment = now()
        if not self.due:
            return
        self._due = moment + _PAUSE
        spent = moment - self._began
        rate = f"{done / spent:,.0f}/s, " if spent else ""
        line = f"{told}, {rate}{spent:.0f}{self._limit}"
        if self._tell is not None:
            self._tell(line)
            return
        from rich.text import Text  # needed on few runs, and slow to import

        if self._line is None:
            from rich.console import Console
            from rich.live import Live

            # Without auto_refresh, which would be one more thread among those that are hammered; the streams are the
            # program's, which would be said to have changed them.
            self._line = Live(
                console=Console(stderr=True, highlight=False),
                auto_refresh=False,
                transient=True,
                redirect_stdout=False,
                redirect_stderr=False,
            )
            self._line.start()
        self._line.update(Text(line, no_wrap=True, overflow="ellipsis"), refresh=True)
