"""Operations of other threads and processes that are known and have no twin: each is done, and the verdict names it."""

from __future__ import annotations

import _thread
import os
import select
import signal
import threading
from collections.abc import Callable
from functools import partial
from types import FunctionType
from typing import TYPE_CHECKING, Any

from lab.hooks import uncontrolled
from lab.kinds import is_a
from lab.virtual.redirection import own

if TYPE_CHECKING:
    from lab.carriers.control import Control
    from lab.instrument import Site

NAMES: dict[Any, tuple[str, ...]] = {
    _thread: ("start_joinable_thread",),
    os: ("fork", "forkpty", "posix_spawn", "posix_spawnp", "system"),
    select: ("select",),
    signal: ("alarm", "pause", "setitimer", "sigtimedwait", "sigwait", "sigwaitinfo"),
    threading: ("setprofile", "setprofile_all_threads", "settrace", "settrace_all_threads"),
}
"""Module -> its operations of this kind; not every interpreter has all of them."""


def _named(real: Callable[..., Any], name: str, control: Control, site: Site, *arguments: Any, **named: Any) -> Any:
    control.discovery.escaped(site.code, f"calls {name}, which is not controlled", site.line)
    if not is_a(real, FunctionType):
        return real(*arguments, **named)  # the child of a fork is not under control, and must not come to be
    with uncontrolled():
        return own(real)(*arguments, **named)


def _interrupt_main(control: Control, site: Site, number: Any = signal.SIGINT, /) -> None:
    """Not done: it would end the exploration, as a person's Ctrl-C does."""
    if not is_a(number, int) or not 0 <= number < signal.NSIG:
        _thread.interrupt_main(number)  # complains
    why = "calls _thread.interrupt_main, which is not controlled and not done"
    control.discovery.escaped(site.code, why, site.line)


_TWINS: dict[Any, Callable[..., Any]] = {
    real: partial(_named, real, f"{module.__name__}.{name}")
    for module, names in NAMES.items()
    for name in names
    if (real := getattr(module, name, None)) is not None
}
FUNCTIONS: dict[Any, Callable[..., Any]] = {real: twin for real, twin in _TWINS.items() if is_a(real, FunctionType)}
PLAIN: dict[Any, Callable[..., Any]] = {
    **{real: twin for real, twin in _TWINS.items() if real not in FUNCTIONS},
    _thread.interrupt_main: _interrupt_main,
}
