"""What actors can reach of all that outlives an execution, where nothing tells what code does with it.

An actor that is a process begins with the memory of the runner, in which setup, check and outcome of all executions
run: a cache that one of them has filled is full for all actors that follow.  What is compared is what the code of the
actors names, whoever has it, and what they hold themselves.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from types import CodeType, FunctionType, MethodType, ModuleType
from typing import Any

from lab.inherited import Inherited, held, is_filled, modules_of, things
from lab.kinds import is_a

_DEEP = 3  # steps from a name
_MOST_NAMES = 5_000


class Reached(Inherited):
    """The values that actors begin with and setup need not make."""

    def __init__(self, actors: Iterable[tuple[str, Callable[..., object]]]) -> None:
        self._actors = tuple(actors)
        super().__init__(function for _, function in self._actors)
        self._names: set[str] | None = None

    def kept(self, wanted: Callable[[object], bool]) -> Iterator[tuple[str, Any]]:
        """Functions that are ``wanted``, where they are held by what actors name, and not by a module itself."""
        for name, root, module in self._roots():
            for path, thing in things(name, root, module, _DEEP):
                if thing is not root and wanted(thing):
                    yield path, thing

    def _roots(self) -> Iterator[tuple[str, Any, ModuleType]]:
        modules = modules_of(self._functions)
        if self._names is None:
            self._names = _names_in(self._functions, modules)
        for module in modules:
            for name, value in list(vars(module).items()):
                if name in self._names and not name.startswith("__"):
                    yield f"{module.__name__}.{name}", value, module
        for name, function in self._actors:
            yield f"actors[{name!r}]", function, sys.modules.get(getattr(function, "__module__", None) or "", sys)

    def _values(self) -> Iterator[tuple[str, Any]]:
        for root in self._roots():
            yield from held(*root, _DEEP)
        for variable, value in list(os.environ.items()):
            yield f"os.environ[{variable!r}]", (str, value)
        mask = os.umask(0)  # there is no way to ask for it
        os.umask(mask)
        yield "the umask", (str, oct(mask))


def _names_in(functions: Iterable[Any], modules: Iterable[ModuleType]) -> set[str]:
    """All names in the code of the functions, and in what may be called by one of them: whatever has that name."""
    return {name for code in codes_of(functions, modules) for name in code.co_names}


def codes_of(functions: Iterable[Any], modules: Iterable[ModuleType]) -> set[CodeType]:
    """The code of the functions, and of what may be called by one of them: of whatever has a name that it uses."""
    names: set[str] = set()
    seen: set[CodeType] = set()
    pending = [code for function in functions for code in _codes(function)]
    while pending and len(names) < _MOST_NAMES:
        code = pending.pop()
        if code in seen:
            continue
        seen.add(code)
        pending += [constant for constant in code.co_consts if type(constant) is CodeType]
        for name in set(code.co_names) - names:
            names.add(name)
            for module in modules:
                pending += _called(name, module)
    return seen


def _called(name: str, module: ModuleType) -> Iterator[CodeType]:
    """The code of what has that name in the module, or in one of its classes."""
    yield from _codes(vars(module).get(name))
    for value in list(vars(module).values()):
        if is_a(value, type) and value.__module__ == module.__name__:
            yield from _codes(type.__getattribute__(value, "__dict__").get(name))


def _codes(thing: Any) -> Iterator[CodeType]:
    """The code of a function, of the methods of a class, of what a callable stands for."""
    pending, seen = [thing], set[int]()
    while pending:
        one: Any = pending.pop()
        if id(one) in seen:
            continue
        seen.add(id(one))
        if is_a(one, FunctionType):
            yield one.__code__
            pending += [cell.cell_contents for cell in one.__closure__ or () if is_filled(cell)]
        elif is_a(one, MethodType):
            pending += [one.__func__, type(one.__self__)]
        elif is_a(one, type):
            if one.__module__ != "builtins":
                pending += list(islice(type.__getattribute__(one, "__dict__").values(), 200))
        elif is_a(one, property):
            pending += [one.fget, one.fset, one.fdel]
        elif is_a(one, staticmethod | classmethod):
            pending.append(one.__func__)
        elif callable(one):
            pending += [type(one), *(getattr(one, name, None) for name in ("func", "__wrapped__"))]
