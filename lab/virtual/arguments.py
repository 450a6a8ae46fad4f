"""Arguments of the controlled operations: what is wrong with them is said in CPython's own words.

The words differ from one version to the next, so they are not repeated here: the
real operation is asked, in a way in which it has to complain or can do no harm.
"""

from __future__ import annotations

import _thread
from collections.abc import Callable
from typing import Any

from lab.hooks import uncontrolled


def as_real(real: Callable[..., Any], twin: Callable[..., Any]) -> Callable[..., Any]:
    """``twin``, with ``real`` asked to complain when the arguments do not fit."""

    def checked(control: Any, site: Any, *arguments: Any, **named: Any) -> Any:
        try:
            return twin(control, site, *arguments, **named)
        except TypeError as error:
            if error.__traceback__ is None or error.__traceback__.tb_next is not None:
                raise  # not from the call above but from inside
        with uncontrolled():
            return real(*arguments, **named)

    return checked


def lock_arguments(make: Callable[[], Any], arguments: tuple[Any, ...], named: dict[str, Any]) -> tuple[bool, float]:
    """``blocking`` and ``timeout`` of an ``acquire``; ``make`` gives a lock that is free, so it does not block."""
    with uncontrolled():
        make().acquire(*arguments, **named)
    blocking = arguments[0] if arguments else named.get("blocking", True)
    timeout = arguments[1] if len(arguments) > 1 else named.get("timeout", -1)
    return bool(blocking), float(timeout)


def patience(timeout: Any) -> float:
    """Seconds that ``Condition.wait(timeout)`` waits, and all that is built on it."""
    if timeout > 0:
        if type(timeout) not in (int, float) or not timeout < _thread.TIMEOUT_MAX:
            _thread.allocate_lock().acquire(True, timeout)
        return float(timeout)
    return 0.0
