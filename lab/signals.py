"""Signals that come while a program runs: what a handler raises is for the caller, and no actor's doing.

The interpreter runs handlers in the main thread, whatever that is at: on the carrier that runs actors on
greenlets in the middle of an actor, which would fail of it, or catch it and go on.  A test's time that is
up (pytest-timeout by signal, an alarm) and Ctrl-C have to reach whoever started the run instead.
"""

from __future__ import annotations

import _signal  # type: ignore[import-not-found]
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from lab.errors import Interrupted

_SIGNALS = tuple(int(number) for number in _signal.valid_signals())


@contextmanager
def handlers_kept(
    struck: Callable[[BaseException], None],
    ours: Callable[[], bool] = lambda: False,
    leaves: Callable[[], bool] = lambda: True,
) -> Iterator[bool]:
    """Call ``struck`` with what a handler raises; it leaves as `Interrupted`, or as KeyboardInterrupt.

    Not while ``leaves()`` is false: then whoever was told by ``struck`` raises it at a better moment.
    A SIGINT of which ``ours()`` is true is nobody else's.  Gives whether that is asked: only the main thread's
    handlers are known, and a process without one for SIGINT would be ended by it.
    """
    if threading.current_thread() is not threading.main_thread():
        yield False
        return
    before = {number: _signal.getsignal(number) for number in _SIGNALS}
    kept = {number: handler for number, handler in before.items() if callable(handler)}
    if before[_signal.SIGINT] == _signal.SIG_IGN:  # as in a process that a shell started in the background
        kept[_signal.SIGINT] = before[_signal.SIGINT]
    placed = {number: _keeping(number, handler, struck, ours, leaves) for number, handler in kept.items()}
    try:
        for number, handler in placed.items():
            _signal.signal(number, handler)
        yield _signal.SIGINT in kept
    finally:
        struck_now: BaseException | None = None
        left = list(placed)
        while True:
            try:
                while left:
                    if _signal.getsignal(left[-1]) is placed[left[-1]]:
                        _signal.signal(left[-1], before[left[-1]])
                    left.pop()
                break
            except (ValueError, OSError):
                left.pop()
            except BaseException as error:  # of a handler that is back in its place, wherever in this loop it strikes
                struck_now = struck_now or error
        if struck_now is not None:
            raise struck_now


def _keeping(
    signal: int,
    before: Any,
    struck: Callable[[BaseException], None],
    ours: Callable[[], bool],
    leaves: Callable[[], bool],
) -> Callable[[int, Any], None]:
    def handler(number: int, frame: Any) -> None:
        if signal == _signal.SIGINT and ours():
            return
        try:
            if callable(before):
                before(number, frame)
        except BaseException as error:
            struck(error)
            if leaves():
                raise error if isinstance(error, KeyboardInterrupt) else Interrupted(error) from None

    return handler
