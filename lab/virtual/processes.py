"""Twins of the operations that double or end the whole process."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from lab.forks import ProcessEnd
from lab.origin import shown
from lab.virtual.arguments import as_real

if TYPE_CHECKING:
    from lab.carriers.control import Control
    from lab.instrument import Site


def _fork(control: Control, site: Site, /) -> int:
    """The child goes on by itself; see `lab.forks`."""
    control.discovery.escaped(site.code, "forks a process, of which nothing is seen", site.line)
    return os.fork()


def _exit(control: Control, site: Site, status: Any) -> None:
    """To obey would end the test runner as well, without a word."""
    if control.current is control.main or control.unwinding or not isinstance(status, int):
        os._exit(status)
    place = f"{shown(site.code.co_filename)}:{site.line} in {site.code.co_qualname}"
    control.failed(control.current, ProcessEnd(status, place))
    control.halt("exception")


_TWINS: dict[Any, Callable[..., Any]] = {os._exit: _exit}
if hasattr(os, "fork"):
    _TWINS[os.fork] = _fork
PLAIN: dict[Any, Callable[..., Any]] = {real: as_real(real, twin) for real, twin in _TWINS.items()}
