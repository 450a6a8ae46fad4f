"""Training that is told to end: by a service manager, or by a terminal that is closed."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any, NoReturn


@contextmanager
def leaving_nothing() -> Iterator[None]:
    """Meanwhile SIGTERM and SIGHUP end the program as the end of its code does, and so all that it has begun.

    Else a process that explores a patch would leave its private directory.
    """

    def end(number: int, _: FrameType | None) -> NoReturn:
        sys.exit(128 + number)

    def hang_up(_: int, __: FrameType | None) -> None:
        signal.raise_signal(signal.SIGTERM)  # for which the server of pages has a handler of its own

    handlers: dict[signal.Signals, Callable[[int, FrameType | None], Any]]
    handlers = {signal.SIGTERM: end, signal.SIGHUP: hang_up}
    heard = [one for one in handlers if signal.getsignal(one) is not signal.SIG_IGN]
    before = {one: signal.signal(one, handlers[one]) for one in heard}
    try:
        yield
    finally:
        for one, handler in before.items():
            signal.signal(one, handler)
