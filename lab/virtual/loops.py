"""Selectors, and the event loops that actors run themselves, as with ``asyncio.run``: which loop runs where.

An asyncio loop waits in its selector, and so does a pool of threads.  Where nothing
but the loop's own wake-up socket is registered there, no one outside the program can
end the wait, so it is controlled like any other.  What becomes of other files may be
up to someone outside: once nobody in the program can go on, he is really waited for.
"""

from __future__ import annotations

import selectors
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from lab.hooks import uncontrolled
from lab.virtual.arguments import as_real
from lab.virtual.redirection import own

if TYPE_CHECKING:
    from lab.carriers.actor import Actor
    from lab.carriers.control import Control
    from lab.instrument import Site

_FROM_C = ("call_soon", "call_soon_threadsafe", "_check_thread")
"""What tasks written in C call of a loop: uninstrumented it would ask which OS thread it really runs on."""
_PATIENCE = 5.0  # real seconds for someone outside the program
_FILES = "files"
_POLL: Any = getattr(selectors, "PollSelector", selectors.DefaultSelector)


def _selecting(real: Callable[..., Any]) -> Callable[..., Any]:
    """The twin of a selector's ``select``."""

    def select(control: Control, site: Site, selector: Any, timeout: float | None = None) -> Any:
        def events(seconds: float | None = 0) -> Any:
            with uncontrolled():
                return own(real)(selector, seconds)

        def ready() -> bool:
            return bool(events())

        deadline = None if timeout is None else control.now + max(timeout, 0.0)
        if _waits_for_itself(selector) or deadline == control.now:
            control.block("loop", selector, "waits for events", ready, site, deadline)
            return events()
        me = control.current

        def alone() -> bool:
            return not any(_can_go_on(actor) for actor in control.live if actor is not me)

        control.block(_FILES, selector, "waits for events", lambda: ready() or alone(), site, deadline)
        if not ready() and alone():
            control.discovery.outside(site.code, site.line)
            events(_PATIENCE if timeout is None else min(timeout, _PATIENCE))
        if timeout is None:
            control.block("loop", selector, "waits for events", ready, site)
        return events()

    return select


def _can_go_on(actor: Actor) -> bool:
    wait = actor.wait
    return wait is None or (wait.kind != _FILES and (wait.deadline is not None or wait.ready()))


def _waits_for_itself(selector: Any) -> bool:
    keys = list(selector.get_map().values())
    if len(keys) != 1 or not isinstance(keys[0].data, tuple):
        return False
    reader = keys[0].data[0]
    return getattr(getattr(reader, "_callback", None), "__name__", "") == "_read_from_self"


def _call_soon(control: Control, _site: Site, loop: Any, *arguments: Any, **named: Any) -> Any:
    """The twin of ``call_soon`` of an event loop that an actor runs itself."""
    runs_in = None if loop._thread_id is None else loop._thread_id - control.identity
    if runs_in != control.current.runs_on.index and any(actor.index == runs_in for actor in control.actors[1:]):
        control.not_thread_safe("loop.call_soon()")
    call_soon = own(type_of_loops().call_soon)
    control.discovery.cover(call_soon)
    return call_soon(loop, *arguments, **named)


def _call_exception_handler(control: Control, _site: Site, loop: Any, context: Any) -> Any:
    """The same of what a loop has to say: nothing of tasks that end because the execution was cut short."""
    return None if control.unwinding else own(type_of_loops().call_exception_handler)(loop, context)


def type_of_loops() -> Any:
    """What all event loops that are written in Python are; None where nobody has loaded asyncio."""
    module = sys.modules.get("asyncio.base_events")
    return None if module is None else module.BaseEventLoop


def late_functions() -> dict[Any, Callable[..., Any]]:
    """Twins of functions of asyncio, once that is loaded."""
    loops = type_of_loops()
    if loops is None:
        return {}
    return {loops.call_soon: _call_soon, loops.call_exception_handler: _call_exception_handler}


def set_running_loop(control: Control, _site: Site, loop: Any, /) -> None:
    """asyncio keeps the running loop by OS thread, and actors on greenlets share one."""
    control.locals.meet_loops()
    if loop is not None:
        control.twins.memory.at_the_end(loop, lambda: _hush(control, loop))
    for name in _FROM_C if loop is not None else ():
        control.discovery.cover(getattr(loop, name, None))
    running_loop("_set")(loop)


def _hush(control: Control, loop: Any) -> None:
    """Tasks that are in the middle of something only because the execution was cut short are not worth a warning."""
    if control.halted:
        for task in sys.modules["asyncio"].all_tasks(loop):
            if hasattr(task, "_log_destroy_pending"):
                task._log_destroy_pending = False


def running_loop(verb: str) -> Any:
    """asyncio's own function of that kind; only called once the program has loaded asyncio."""
    return getattr(sys.modules["asyncio.events"], verb + "_running_loop")


_SELECTS = {kind.select for kind in (selectors.SelectSelector, selectors.DefaultSelector, _POLL)}
FUNCTIONS: dict[Any, Callable[..., Any]] = {real: as_real(real, _selecting(real)) for real in _SELECTS}
LATE: dict[str, Callable[..., Any]] = {"_set_running_loop": set_running_loop}
"""Functions of modules that are not loaded just to know them: C functions of `_asyncio`, by name."""
