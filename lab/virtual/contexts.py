"""Twins of `contextvars.Context.run`, and of changes to a variable.

To enter a context and to leave it are two steps, since nobody else may be in it meanwhile, and what runs in between is
called like any other code.  A variable that is set there is a change of that context, which others may look at.
"""

from __future__ import annotations

from collections.abc import Callable
from contextvars import Context, ContextVar
from typing import TYPE_CHECKING, Any

from lab.virtual.arguments import as_real

if TYPE_CHECKING:
    from lab.carriers.control import Control
    from lab.instrument import Site


def run(
    control: Control, site: Site, context: Any, function: Callable[..., Any], /, *arguments: Any, **named: Any
) -> Any:
    entered = control.twins.memory.contexts.setdefault(control.current.index, [])
    control.whole(context, True, site, ("run", (function, *arguments)))

    def body() -> Any:
        entered.append(context)
        try:
            return control.call(function, arguments, site)(*arguments, **named)
        finally:
            control.whole(context, True, site)
            entered.pop()

    return context.run(body)


def _set(control: Control, site: Site, variable: Any, value: Any, /) -> Any:
    _changes(control, site)
    return control.twins.handed(variable.set, (value,), site)(value)


def _reset(control: Control, site: Site, variable: Any, token: Any, /) -> None:
    _changes(control, site)
    variable.reset(token)


def _changes(control: Control, site: Site) -> None:
    """A thread's own context is nobody else's."""
    entered = control.twins.memory.contexts.get(control.current.index)
    if entered:
        control.whole(entered[-1], True, site)


RUN = as_real(Context.run, run)
METHODS: dict[type, dict[str, Callable[..., Any]]] = {
    Context: {"run": RUN},
    ContextVar: {"set": as_real(ContextVar.set, _set), "reset": as_real(ContextVar.reset, _reset)},
}
"""That of `Context.run` only where the program calls it: asyncio's own calls are those of its callbacks."""
