"""What hangs on when garbage is collected: a weak reference finds nothing from then on.

While a program is explored garbage is collected between executions only, and what is explored strictly is kept alive
by its notes.  Elsewhere the collector may come at any moment, for whatever only a circle of references keeps.
"""

from __future__ import annotations

from types import BuiltinFunctionType
from typing import Any
from weakref import ProxyTypes, WeakKeyDictionary, WeakSet, WeakValueDictionary, ref

from lab.kinds import is_a

WEAK = frozenset((WeakSet, WeakKeyDictionary, WeakValueDictionary, *ProxyTypes))
"""Types whose objects hold others weakly."""
WEAKLY = "looks through a weak reference, and when garbage is collected is not under control"


def asks_by_itself(kind: str, holder: object, detail: object) -> bool:
    """Whether an item is asked for by a key that equals nothing but itself: whoever asks keeps it alive."""
    if kind != "item" or type(holder) is not WeakKeyDictionary or type(detail) is not tuple:
        return False
    key: Any = type(detail[0])
    return key is type or key.__eq__ is object.__eq__


def looks_weakly(function: Any, arguments: tuple[Any, ...]) -> bool:
    """Whether a call hangs on it."""
    asked = type(function) is BuiltinFunctionType or type(function) is type
    return is_a(function, ref) or (asked and any(type(argument) in WEAK for argument in arguments))
