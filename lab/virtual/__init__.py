"""Controlled twins: what is called instead of an operation that blocks, starts a thread or tells the time.

Only the operation is replaced, at the place where it is called.  The objects
stay what they are, so captured names, objects made before the run, subclasses
and type checks all work, and no module is patched that another thread could see.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from types import ModuleType
from typing import TYPE_CHECKING, Any

from lab.virtual import clock, locks, queues, threads
from lab.virtual.state import Memory

if TYPE_CHECKING:
    from lab.carriers.control import Control
    from lab.instrument import Site

_FUNCTIONS: dict[Any, Callable[..., Any]] = {**locks.FUNCTIONS, **threads.FUNCTIONS, **queues.FUNCTIONS}
_APPLIES: dict[Any, Callable[[Any], bool]] = {**locks.APPLIES, **queues.APPLIES}
_METHODS: dict[type, dict[str, Callable[..., Any]]] = {**locks.METHODS, **queues.METHODS}
_PLAIN: dict[Any, Callable[..., Any]] = {**threads.PLAIN, **clock.PLAIN}


def controlled_operations() -> Iterator[tuple[str, list[str]]]:
    """Owner -> names of its controlled operations, for people to read."""
    found: dict[str, list[str]] = {}
    for function in [*_FUNCTIONS, *_PLAIN]:
        owner, _, name = getattr(function, "__qualname__", function.__name__).rpartition(".")
        module = function.__module__.removeprefix("_")
        module = {"thread": "threading"}.get(module, module)
        found.setdefault(f"{module}.{owner}" if owner else module, []).append(name)
    for kind, methods in _METHODS.items():
        found[f"{kind.__module__.removeprefix('_')}.{kind.__qualname__}"] = list(methods)
    found["random"] = ["every function of the module", "Random() without a seed"]
    for owner in sorted(found):
        yield owner, sorted(set(found[owner]))


class Twins:
    """Finds the twin of an operation; keeps what one execution must remember about real objects."""

    def __init__(self, control: Control) -> None:
        self._control = control
        self.memory = Memory(control)

    def function(self, function: Any, site: Site) -> Any:
        """The twin of a Python function called with its object as first argument, or None."""
        twin = _FUNCTIONS.get(function)
        if twin is None:
            return None
        if function in _APPLIES:
            return None  # its object is not known here; the method's own code is controlled
        return partial(twin, self._control, site)

    def method(self, bound: Any, function: Any, site: Site) -> Any:
        """The twin of a bound Python method, or None."""
        try:
            twin = _FUNCTIONS.get(function)
        except TypeError:
            return None  # a callable object that cannot be hashed
        owner = bound.__self__
        if twin is None:
            return clock.random_method(self._control, owner, bound.__name__)
        applies = _APPLIES.get(function)
        if applies is not None and not applies(owner):
            return None
        return partial(twin, self._control, site, owner)

    def builtin(self, function: Any, site: Site) -> Any:
        """The twin of a C function or bound C method, or None."""
        owner = function.__self__
        if owner is None or type(owner) is ModuleType:
            twin = _PLAIN.get(function)
            return None if twin is None else partial(twin, self._control, site)
        methods = _METHODS.get(type(owner))
        if methods is None:
            return clock.random_method(self._control, owner, function.__name__)
        twin = methods.get(function.__name__)
        return None if twin is None else partial(twin, self._control, site, owner)

    def descriptor(self, function: Any, owner: object, site: Site) -> Any:
        """The twin of a C method called through its class, or None."""
        twin = _METHODS.get(type(owner), {}).get(function.__name__)
        return None if twin is None else partial(twin, self._control, site)

    def maker(self, cls: type, arguments: tuple[Any, ...], site: Site) -> Any:
        """What to call in place of a class, or None."""
        return clock.seeded_class(self._control, cls, arguments)

    def guard(self, manager: Any, site: Site) -> Any:
        """The context manager to enter in place of ``manager``."""
        return locks.guard(self._control, manager, site)
