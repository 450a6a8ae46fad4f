"""Controlled twins: what is called instead of an operation that blocks, starts a thread or tells the time.

Only the operation is replaced, at the place where it is called.  The objects
stay what they are, so captured names, objects made before the run, subclasses
and type checks all work, and no module is patched that another thread could see.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager
from functools import cached_property, partial
from types import FunctionType, MethodDescriptorType, MethodType, ModuleType
from typing import TYPE_CHECKING, Any

from lab.kinds import is_a
from lab.operations import CACHED
from lab.virtual import (
    caches,
    callers,
    clock,
    conditions,
    contexts,
    files,
    frozen,
    futures,
    in_order,
    known,
    library,
    locks,
    loops,
    on_files,
    process_wide,
    processes,
    queues,
    switches,
    texts,
    threads,
    tracing,
)
from lab.virtual.local import LOCAL
from lab.virtual.redirection import own, redirection
from lab.virtual.state import Memory

if TYPE_CHECKING:
    from lab.carriers.control import Control
    from lab.instrument import Site

_FUNCTIONS: dict[Any, Callable[..., Any]] = {
    **locks.FUNCTIONS,
    **conditions.FUNCTIONS,
    **threads.FUNCTIONS,
    **queues.FUNCTIONS,
    **loops.FUNCTIONS,
    **futures.FUNCTIONS,
    **in_order.FUNCTIONS,
    **caches.FUNCTIONS,
    **texts.FUNCTIONS,
    **known.FUNCTIONS,
    **library.FUNCTIONS,
}
_UNREDIRECTED = {**on_files.FUNCTIONS, **frozen.FUNCTIONS}
"""Written in Python, too, but C code does not call them, and the lab itself does."""
_FUNCTIONS.update(_UNREDIRECTED)
_LATE = {"_asyncio": loops.LATE, "_sqlite3": on_files.LATE}
"""Module that may not have been imported yet -> the twins of its functions, by name."""
_APPLIES: dict[Any, Callable[[Any], bool]] = {**conditions.APPLIES, **queues.APPLIES}
_METHODS: dict[type, dict[str, Callable[..., Any]]] = {
    **{kind: {**methods, **texts.METHODS[kind]} for kind, methods in locks.METHODS.items()},
    **queues.METHODS,
    **caches.METHODS,
    **contexts.METHODS,
}
_METHOD_NAMES = frozenset(name for methods in _METHODS.values() for name in methods)
_NOTICED = callers.OPERATIONS | texts.LOCKS  # types of arguments that C code may do something with that has a twin
_PLAIN: dict[Any, Callable[..., Any]] = {
    **threads.PLAIN,
    **clock.PLAIN,
    **known.PLAIN,
    **tracing.PLAIN,
    **processes.PLAIN,
    **on_files.PLAIN,
    **process_wide.PLAIN,
}


def controlled_operations() -> Iterator[tuple[str, list[str]]]:
    """Owner -> names of its controlled operations, for people to read: of all that have a twin."""
    found = by_owner(operation for operation in [*_FUNCTIONS, *_PLAIN] if not _is_only_named(operation))
    for kind, methods in _METHODS.items():
        name = kind.__qualname__.replace("lock", "Lock")
        owner = f"{_public(kind.__module__, name)}.{name}"
        found.setdefault(owner, set()).update(methods)
    found["random"] = {*clock.SHARED_NAMES, "Random() without a seed"}
    found["threading.local"] = {"what each actor keeps"}
    found["sqlite3"] = {"connect and what it gives"}
    found["tempfile"] = {"names of temporary files"}
    yield from listed(found)


def named_operations() -> Iterator[tuple[str, list[str]]]:
    """Owner -> names of its operations that are known, but not controlled; a verdict names them."""
    yield from listed(by_owner(operation for operation in [*_FUNCTIONS, *_PLAIN] if _is_only_named(operation)))


def _is_only_named(operation: Any) -> bool:
    return operation in known.FUNCTIONS or operation in known.PLAIN


def by_owner(operations: Iterable[Any]) -> dict[str, set[str]]:
    """The module, or the type in it, in which each operation is looked for -> their names."""
    found: dict[str, set[str]] = {}
    for operation in operations:
        owner, _, name = operation.__qualname__.rpartition(".")
        module = _public(operation.__module__ or "datetime", name)
        found.setdefault(f"{module}.{owner}" if owner else module, set()).add(name)
    return found


def listed(found: Mapping[str, Iterable[str]]) -> Iterator[tuple[str, list[str]]]:
    """Without what is private to its owner."""
    for owner in sorted(found):
        names = sorted(name for name in found[owner] if not name.startswith("_"))
        if names and "._" not in owner:
            yield owner, names


def _public(module: str, name: str) -> str:
    """Where a person imports ``name`` from, which calls itself a part of ``module``."""
    if module == "_thread":
        return "threading" if hasattr(threading, name) else module
    return _PUBLIC.get(module, module.removeprefix("_"))


_PUBLIC = {
    "_locale": "_locale",
    "posix": "os",
    "nt": "os",
    "genericpath": "os.path",
    "posixpath": "os.path",
    "concurrent.futures._base": "concurrent.futures",
}


def operations_redirected() -> AbstractContextManager[None]:
    """While an exploration goes on: whoever calls a controlled operation written in Python comes to its twin."""
    _FUNCTIONS.update(loops.late_functions())
    _FUNCTIONS.update(library.late_functions())
    _FUNCTIONS.update(on_files.redirected_functions())
    redirected = [operation for operation in _FUNCTIONS if operation not in _UNREDIRECTED]
    late = on_files.late_functions()
    _FUNCTIONS.update(late)
    _UNREDIRECTED.update(late)
    return redirection(redirected)


class Twins:
    """Finds the twin of an operation; keeps what one execution must remember about real objects."""

    def __init__(self, control: Control) -> None:
        self._control = control
        self.memory = Memory(control)
        self.uses_files = False

    @cached_property
    def files(self) -> files.Files:
        """What is known of files; only programs that use some need it."""
        self.uses_files = True
        return files.Files(self._control)

    def function(self, function: Any, site: Site) -> Any:
        """The twin of a Python function called with its object as first argument, or None."""
        twin = _FUNCTIONS.get(function)
        if twin is None:
            return None
        if function in _APPLIES:
            return partial(self._for_its_object, function, twin, site)
        return partial(twin, self._control, site)

    def _for_its_object(
        self, function: Any, twin: Callable[..., Any], site: Site, *arguments: Any, **named: Any
    ) -> Any:
        if arguments and _APPLIES[function](arguments[0]):
            return twin(self._control, site, *arguments, **named)
        function = own(function)
        self._control.discovery.cover(function)
        return function(*arguments, **named)

    def method(self, bound: Any, function: Any, site: Site) -> Any:
        """The twin of a bound Python method, or None."""
        try:
            twin = _FUNCTIONS.get(function)
        except TypeError:
            return None  # a callable object that cannot be hashed
        owner = bound.__self__
        if twin is None:
            if type(function) is CACHED:
                twin = caches.called(self._control, function, site)
                return None if twin is None else partial(twin, owner)
            if type(function) is MethodDescriptorType:  # as `contextlib.ExitStack` binds the ``__exit__`` of a lock
                twin = self.descriptor(function, owner, site)
                return None if twin is None else partial(twin, owner)
            return clock.random_method(self._control, site, owner, bound.__name__)
        applies = _APPLIES.get(function)
        if applies is not None and not applies(owner):
            self._control.discovery.cover(bound)
            return bound  # not None: with another object the same call may have a twin
        return partial(twin, self._control, site, owner)

    def builtin(self, function: Any, site: Site) -> Any:
        """The twin of a C function or bound C method, or None."""
        owner = function.__self__
        if owner is None or type(owner) is ModuleType or type(owner) is type:
            twin = _PLAIN.get(function)
            if twin is None and function.__module__ in _LATE:
                twin = _LATE[function.__module__].get(function.__name__)
            return None if twin is None else partial(twin, self._control, site)
        methods = _methods_of(owner, function.__name__)
        if methods is None:
            return clock.random_method(self._control, site, owner, function.__name__)
        twin = methods.get(function.__name__)
        if twin is None or (twin is contexts.RUN and not site.stepped):
            return None
        return partial(twin, self._control, site, owner)

    def descriptor(self, function: Any, owner: object, site: Site) -> Any:
        """The twin of a C method called through its class, or None."""
        methods = _methods_of(owner, function.__name__)
        twin = None if methods is None else methods.get(function.__name__)
        if twin is None or (twin is contexts.RUN and not site.stepped):
            return None
        return partial(twin, self._control, site)

    def handed(self, function: Any, arguments: tuple[Any, ...], site: Site) -> Any:
        """What to call in place of ``function``, which is C code, with ``arguments``: itself, mostly.

        C code that calls what it is handed is handed twins.  Where the lab does not know whether it calls a
        controlled operation that is written in C, too, it says so.
        """
        for argument in arguments:
            if type(argument) not in _NOTICED:
                continue
            if type(argument) in texts.LOCKS:
                return texts.telling(self._control, function, site) or function
            if is_controlled(argument):
                if callers.calls_arguments(function):
                    return callers.handing_twins(function, is_controlled, site)
                if type(argument) in callers.C_OPERATIONS and not callers.only_keeps_arguments(function):
                    self._control.discovery.handed_over(function, argument)
        return function

    def carrier(self, function: Any, site: Site) -> Any:
        """What to call in place of a `functools.partial`, an `operator.methodcaller` or a cached function, or None."""
        if type(function) is CACHED:
            return caches.called(self._control, function, site)
        if type(function) is callers.METHOD_CALLER:
            return callers.by_name(function, site)
        if type(function) is partial and is_controlled(function.func):
            return partial(callers.call_controlled, function.func, site, *function.args, **function.keywords)
        return None

    def maker(self, cls: type, arguments: tuple[Any, ...], site: Site) -> Any:
        """What to call in place of a class, or None."""
        if issubclass(cls, LOCAL) and (cls is not LOCAL or not site.stepped):
            return self._control.locals.making(self._control, cls)
        if cls is on_files.RAW:
            return self.files.instead[cls]
        return in_order.making_in_order(self._control, cls, site) or clock.seeded_class(
            self._control, site, cls, arguments
        )

    def guard(self, manager: Any, site: Site) -> Any:
        """The context manager to enter in place of ``manager``."""
        guarded = locks.guard(self._control, manager, site)
        return guarded if guarded is not manager else conditions.guard(self._control, manager, site)


def is_controlled(operation: Any) -> bool:
    """Whether a call of ``operation`` may have a twin."""
    kind = type(operation)
    if kind is MethodType:
        inner = operation.__func__
        return type(inner) is CACHED or (is_a(inner, FunctionType) and inner in _FUNCTIONS)
    if kind is FunctionType:
        return operation in _FUNCTIONS
    if kind is partial:
        return is_controlled(operation.func)
    if kind is CACHED:
        return True
    if kind is MethodDescriptorType:
        return operation.__objclass__ in _METHODS and operation.__name__ in _METHODS[operation.__objclass__]
    if kind in callers.C_OPERATIONS:
        methods = _methods_of(operation.__self__, operation.__name__)
        return operation.__name__ in methods if methods is not None else operation in _PLAIN
    return kind is callers.METHOD_CALLER


def _methods_of(owner: object, name: str) -> dict[str, Callable[..., Any]] | None:
    """The twins of a C object's methods; a subclass of its class has them too."""
    methods = _METHODS.get(type(owner))
    if methods is None and name in _METHOD_NAMES:
        for kind, inherited in _METHODS.items():
            if is_a(owner, kind):
                return inherited
    elif methods is None and name in switches.NAMES:
        return switches.of_greenlets(type(owner))
    return methods
