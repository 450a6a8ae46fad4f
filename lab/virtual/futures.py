"""Twins of the waits of `concurrent.futures.Future`, so that they are told as what they are.

The library's own code runs, under control.  Without these, a task that nobody is
left to run would be told as a notification that was lost.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any

from lab.virtual.arguments import as_real
from lab.virtual.conditions import as_part_of

if TYPE_CHECKING:
    from lab.carriers.control import Control
    from lab.instrument import Site


def result(control: Control, _site: Site, future: Any, timeout: Any = None) -> Any:
    return as_part_of(control, "future", Future.result, future, timeout)


def exception(control: Control, _site: Site, future: Any, timeout: Any = None) -> Any:
    return as_part_of(control, "future", Future.exception, future, timeout)


_TWINS: dict[Any, Callable[..., Any]] = {Future.result: result, Future.exception: exception}
FUNCTIONS: dict[Any, Callable[..., Any]] = {real: as_real(real, twin) for real, twin in _TWINS.items()}
