"""Event loops that actors run themselves, as with ``asyncio.run``: waiting, and which loop runs where.

An asyncio loop waits in its selector.  Where nothing but the loop's own wake-up
socket is registered there, no one outside the program can end the wait, so it is
controlled like any other; a selector with other files in it is left alone.
"""

from __future__ import annotations

import selectors
import sys
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from lab.virtual.arguments import as_real
from lab.virtual.redirection import own

if TYPE_CHECKING:
    from lab.carriers.control import Control
    from lab.instrument import Site

_SELECTOR: Any = selectors.DefaultSelector


def select(control: Control, site: Site, selector: Any, timeout: float | None = None) -> Any:
    ready = partial(own(_SELECTOR.select), selector, 0)
    deadline = None if timeout is None else control.now + max(timeout, 0.0)
    control.block("loop", selector, "waits for events", lambda: bool(ready()), site, deadline)
    return ready()


def _waits_for_itself(selector: Any) -> bool:
    keys = list(selector.get_map().values())
    if len(keys) != 1 or not isinstance(keys[0].data, tuple):
        return False
    reader = keys[0].data[0]
    return getattr(getattr(reader, "_callback", None), "__name__", "") == "_read_from_self"


def set_running_loop(control: Control, _site: Site, loop: Any, /) -> None:
    """asyncio keeps the running loop by OS thread, and actors on greenlets share one."""
    control.locals.meet_loops()
    running_loop("_set")(loop)


def running_loop(verb: str) -> Any:
    """asyncio's own function of that kind; only called once the program has loaded asyncio."""
    return getattr(sys.modules["asyncio.events"], verb + "_running_loop")


FUNCTIONS: dict[Any, Callable[..., Any]] = {_SELECTOR.select: as_real(_SELECTOR.select, select)}
APPLIES: dict[Any, Callable[[Any], bool]] = {_SELECTOR.select: _waits_for_itself}
LATE: dict[str, Callable[..., Any]] = {"_set_running_loop": set_running_loop}
"""Functions of modules that are not loaded just to know them: C functions of `_asyncio`, by name."""
