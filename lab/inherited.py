"""What the modules of a program hold when its actors begin, to tell what code has changed there that nobody watched.

A function that C code calls may run once before it is instrumented.  What it changes then is not seen, and where it
does so only once (a flag of the module, a cache of the class) no later execution shows it.  So what outlives an
execution is compared by its values, as far as it can be reached from the modules in two steps.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from itertools import islice
from types import CellType, FunctionType, MethodType, ModuleType
from typing import Any

from lab.kinds import is_a
from lab.naming import short
from lab.operations import CACHED
from lab.origin import LAB, is_library

_PLAIN = (bool, int, float, complex, str, bytes, type(None))
_CONTAINERS = (list, dict, set, tuple, frozenset, bytearray)
_MOST_MODULES = 100
_MOST_ITEMS = 100
_MOST_VALUES = 20_000


class Inherited:
    """The values that outlive an execution, by how they are reached; the first look is what others are compared with.

    An object that setup makes anew is another one each time, so of objects only the type is compared, and what they
    hold.
    """

    def __init__(self, functions: Iterable[Callable[..., object]]) -> None:
        self._functions = tuple(functions)
        self._first: dict[str, Any] | None = None

    def look(self) -> None:
        """Remember what there is, if this is the first time."""
        if self._first is None:
            self._first = dict(islice(self._values(), _MOST_VALUES))

    def changes(self) -> Iterator[str]:
        """What is not as it was at the first look, each told in a few words."""
        first = self._first or {}
        now = dict(islice(self._values(), _MOST_VALUES))
        for name in [*first, *(name for name in now if name not in first)]:
            before, after = first.get(name, _ABSENT), now.get(name, _ABSENT)
            if before != after:
                yield f"{name} changed from {_told(before)} to {_told(after)}"

    def _values(self) -> Iterator[tuple[str, Any]]:
        for module in modules_of(self._functions):
            for name, value in list(vars(module).items()):
                if not name.startswith("__"):
                    yield from held(f"{module.__name__}.{name}", value, module, 2)


_ABSENT = (object, "nothing")


def _told(mark: Any) -> str:
    kind, value = mark
    if kind is object:
        return str(value)
    if kind in _PLAIN:
        return short(value) or "something else"
    if kind in _CONTAINERS or kind is CACHED:
        return f"a {'cache' if kind is CACHED else kind.__name__} of {value:,} {'item' if value == 1 else 'items'}"
    return f"an object of {kind.__name__}"


def held(name: str, value: Any, module: ModuleType, depth: int) -> Iterator[tuple[str, Any]]:
    """The mark of a value, and of what it holds so many steps further."""
    for path, thing in things(name, value, module, depth):
        yield path, (type(thing), _mark(type(thing), thing))


def things(name: str, value: Any, module: ModuleType, depth: int) -> Iterator[tuple[str, Any]]:
    """A value, and what it holds so many steps further."""
    yield name, value
    if not depth or type(value) in _PLAIN:
        return
    for part, inner in islice(_parts(value, module), _MOST_ITEMS):
        yield from things(f"{name}{part}", inner, module, depth - 1)


def _mark(kind: type, value: Any) -> object:
    if kind in _PLAIN:
        return value
    return len(value) if kind in _CONTAINERS else value.cache_info().currsize if kind is CACHED else None


def _parts(value: Any, module: ModuleType) -> Iterator[tuple[str, Any]]:
    """What a value holds, if it is a container, a class of the module, a function of it or an object of the program."""
    if is_a(value, dict):
        for key, inner in list(dict.items(value)):
            if type(key) in _PLAIN:
                yield f"[{key!r}]", inner
    elif is_a(value, list | tuple):
        for number, inner in enumerate(list(value)):
            yield f"[{number}]", inner
    elif is_a(value, type):
        if value.__module__ == module.__name__:
            yield from _fields(type.__getattribute__(value, "__dict__"))
    elif is_a(value, MethodType):
        yield ".__self__", value.__self__
        yield "", value.__func__
    elif is_a(value, partial):
        yield from ((" (partial)", part) for part in (value.func, value.args, value.keywords))
    elif is_a(value, FunctionType):
        yield from _fields(value.__dict__)
        for part in (*(value.__defaults__ or ()), *(value.__kwdefaults__ or {}).values()):
            yield " (default)", part
        for variable, cell in zip(value.__code__.co_freevars, value.__closure__ or (), strict=False):
            if is_filled(cell):
                yield f" ({variable})", cell.cell_contents
    elif _is_of_program(sys.modules.get(type(value).__module__)):
        try:
            fields = object.__getattribute__(value, "__dict__")
        except AttributeError:
            return
        yield from _fields(fields)


def _fields(fields: Any) -> Iterator[tuple[str, Any]]:
    for name, inner in list(fields.items()):
        if type(name) is str and not name.startswith("__"):
            yield f".{name}", inner


def is_filled(cell: CellType) -> bool:
    """Whether a variable of an outer function has a value by now."""
    try:
        return cell.cell_contents is not cell
    except ValueError:
        return False


def modules_of(functions: Iterable[object]) -> list[ModuleType]:
    """The program's own modules: those of the functions, and all that are reached from there by what they import."""
    found: dict[str, ModuleType] = {}
    pending = [module for function in functions for module in _of(function)]
    while pending and len(found) < _MOST_MODULES:
        module = pending.pop()
        if module.__name__ in found or not _is_of_program(module):
            continue
        found[module.__name__] = module
        for value in list(vars(module).values()):
            if is_a(value, ModuleType):
                pending.append(value)
            elif is_a(value, FunctionType | type):
                pending += _named(getattr(value, "__module__", None))
    return list(found.values())


def _of(function: Any) -> Iterator[ModuleType]:
    """The modules of a function, of what it is a method of or closed over, and of its parts."""
    pending, seen = [function], set[int]()
    while pending and len(seen) < _MOST_ITEMS:
        thing: Any = pending.pop()
        if id(thing) in seen:
            continue
        seen.add(id(thing))
        if is_a(thing, MethodType):
            pending += [thing.__func__, type(thing.__self__)]
        elif is_a(thing, FunctionType):
            yield from _named(thing.__globals__.get("__name__"))
            pending += [cell.cell_contents for cell in thing.__closure__ or () if is_filled(cell)]
        elif is_a(thing, type):
            yield from _named(thing.__module__)
        elif callable(thing):
            pending += [type(thing), *(getattr(thing, name, None) for name in ("func", "__wrapped__"))]


def _named(name: Any) -> list[ModuleType]:
    module = sys.modules.get(name) if type(name) is str else None
    return [module] if is_a(module, ModuleType) else []


def _is_of_program(module: object) -> bool:
    file = getattr(module, "__file__", None)
    return type(file) is str and not is_library(file) and not file.startswith(LAB)
