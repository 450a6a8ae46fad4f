"""The functions and classes of the standard library, which all of the process shares: what they were, and putting back.

A program that replaces ``threading.Lock`` or ``time.sleep`` while it runs does so for the next execution, too,
and for everybody else.  Only what can be called is looked after: other attributes are caches and counters.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from types import ModuleType
from typing import Any

_ABSENT = object()
_OWN_CLASSES = ("threading", "queue", "random", "contextlib")
"""Modules of whose classes the methods are looked after as well."""
_SEPARATE = ("sys", "builtins", "signal", "_signal")  # `lab.settings` knows which of theirs may change


class StandardLibrary:
    """The modules as they are now."""

    def __init__(self) -> None:
        modules = [one for name, one in list(sys.modules.items()) if _is_looked_after(name, one)]
        self._kept: list[tuple[Any, dict[str, Any]]] = [(module, dict(vars(module))) for module in modules]
        for name in _OWN_CLASSES:
            for value in vars(sys.modules[name]).values() if name in sys.modules else ():
                if isinstance(value, type) and value.__module__ == name:
                    self._kept.append((value, dict(vars(value))))

    def put_back(self) -> list[str]:
        """Put back whatever is otherwise now; what that was."""
        changed = []
        for owner, before in self._kept:
            for name in _differing(vars(owner), before):
                changed.append(f"{_name(owner)}.{name}")
                setattr(owner, name, before[name])
        return changed


def _is_looked_after(name: str, module: object) -> bool:
    top = name.partition(".")[0]
    return top in sys.stdlib_module_names and type(module) is ModuleType and top not in _SEPARATE


def _name(owner: Any) -> str:
    name = str(owner.__name__)
    return f"{owner.__module__}.{name}" if isinstance(owner, type) else name


def _differing(now: Any, before: dict[str, Any]) -> Iterator[str]:
    try:
        if now == before:  # what is the same object is not compared any further
            return
    except Exception:  # somebody's own __eq__
        pass
    for name, value in before.items():
        if now.get(name, _ABSENT) is not value and callable(value):
            yield name
