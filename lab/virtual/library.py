"""Twins of what libraries keep for themselves, where several steps of theirs come to one for everybody else.

The wrapper of a temporary file looks up in that file what it is asked for, and keeps it: what is found is always the
same.  `weakref.finalize` has a table of all its objects, of which each concerns its own entry alone.
"""

from __future__ import annotations

import sys
import weakref
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from lab.hooks import uncontrolled
from lab.virtual.calling import is_python
from lab.virtual.redirection import own

if TYPE_CHECKING:
    from lab.carriers.control import Control
    from lab.instrument import Site


def late_functions() -> dict[Any, Callable[..., Any]]:
    """The twins of operations of modules that are not imported for their sake."""
    tempfile: Any = sys.modules.get("tempfile")
    if tempfile is None:
        return {}
    delegates = tempfile._TemporaryFileWrapper.__getattr__
    return {delegates: partial(_delegate, delegates)}


def _delegate(real: Any, _control: Control, _site: Site, wrapper: Any, name: str, /) -> Any:
    with uncontrolled():
        return own(real)(wrapper, name)


_OF_FINALIZERS: dict[Any, str] = {
    weakref.finalize.__init__: "makes",
    weakref.finalize.detach: "takes apart",
    weakref.finalize.peek: "looks into",
}


def _of_finalizer(real: Any, word: str, control: Control, site: Site, one: Any, /, *rest: Any, **named: Any) -> Any:
    control.operate(one, word, site)
    with uncontrolled():
        return own(real)(one, *rest, **named)


def _finalize(control: Control, site: Site, one: Any, _: Any = None, /) -> Any:
    control.operate(one, "calls", site)
    kind: Any = weakref.finalize
    with uncontrolled():
        known = kind._registry.pop(one, None)
    if known is None or kind._shutdown:
        return None
    control.discovery.cover(known.func)
    function = known.func if is_python(known.func) else control.call(known.func, known.args, site)  # as its line would
    return function(*known.args, **(known.kwargs or {}))


FUNCTIONS: dict[Any, Callable[..., Any]] = {
    **{real: partial(_of_finalizer, real, word) for real, word in _OF_FINALIZERS.items()},
    weakref.finalize.__call__: _finalize,
}
