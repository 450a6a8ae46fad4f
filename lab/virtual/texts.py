"""What a lock says of itself: a real one is never taken, so it does not know that it is held.

Covered is who asks for the text of a lock or a condition itself; not a text
that C code makes of something else in which the lock is (``f"{lock}"``, a list of locks).
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from lab.hooks import uncontrolled
from lab.kinds import is_a
from lab.virtual.locks import LOCK, RLOCK, is_real, state_of
from lab.virtual.redirection import own
from lab.virtual.threads import identity, thread_of

if TYPE_CHECKING:
    from lab.carriers.control import Control
    from lab.instrument import Site

_PY_RLOCK: Any = threading._PyRLock  # type: ignore[attr-defined]
LOCKS: frozenset[type] = frozenset((LOCK, RLOCK))
"""Of which C code makes a text without asking code of the standard library."""
_TEXTS: frozenset[Any] = frozenset((repr, str, ascii, format, print))


def lock_text(control: Control, site: Site, lock: Any) -> str:
    control.operate(lock, "asks whether it is locked", site)
    return _told(control, lock)


def _told(control: Control, lock: Any) -> str:
    """The real text, with the truth about who holds the lock."""
    kind = next(kind for kind in (LOCK, RLOCK, _PY_RLOCK) if is_a(lock, kind))
    with uncontrolled():
        text = str(own(kind.__repr__)(lock))
    state = state_of(control, lock)
    owner = state.owner
    text = re.sub("^<(un)?locked ", "<unlocked " if owner is None else "<locked ", text)
    if isinstance(owner, str):
        return text  # the real one knows who
    holder = "None" if kind is _PY_RLOCK else "0"
    if owner is not None and kind is _PY_RLOCK:
        with uncontrolled():
            holder = repr(thread_of(control, owner).name)
    elif owner is not None:
        holder = str(identity(control, owner))
    return re.sub(r" owner=.* count=\d+", lambda _: f" owner={holder} count={state.count}", text)


def condition_text(control: Control, site: Site, condition: Any) -> str:
    lock = condition._lock
    if not is_real(lock):
        return str(own(threading.Condition.__repr__)(condition))
    control.operate(lock, "asks whether it is locked", site, also=(condition,))
    with uncontrolled():
        return repr(condition).replace(repr(lock), _told(control, lock))


class _Told:
    """Takes the place of a lock where C code makes a text of it."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def __repr__(self) -> str:
        return self._text


def telling(control: Control, function: Any, site: Site) -> Any:
    """``function`` for locks among its arguments, or None if it makes no text of what it is handed."""
    if function not in _TEXTS:
        return None

    def told(*arguments: Any, **named: Any) -> Any:
        shown = [_Told(lock_text(control, site, one)) if type(one) in LOCKS else one for one in arguments]
        return function(*shown, **named)

    return told


METHODS: dict[type, dict[str, Callable[..., Any]]] = {kind: {"__repr__": lock_text} for kind in LOCKS}
FUNCTIONS: dict[Any, Callable[..., Any]] = {
    threading.Condition.__repr__: condition_text,
    _PY_RLOCK.__repr__: lock_text,
}
