"""Python operations that no hook has seen come: their own code leads to the twin.

Most calls meet their twin in the hook before the call.  Where C code makes the
call there is none (a C extension, say), so while an exploration goes on the code
of the operations themselves is another: it asks who drives the calling OS
thread, and does what it always did where nobody does.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from threading import Lock, get_ident
from types import CodeType, FunctionType
from typing import Any

from lab.functions import COPIES
from lab.hooks import DRIVERS
from lab.instrument import Site

_OWN: dict[Any, FunctionType] = {}
"""Operation -> a function that does what the operation did at first; filled by the first exploration."""
_GENERATOR = 0x20  # of `inspect.CO_GENERATOR`
_GUARD = Lock()
_before: dict[Any, CodeType] = {}  # the code of each operation whose code is another now
_explorations = 0


def own(operation: Any) -> Any:
    """What ``operation`` does without a twin."""
    return _OWN.get(operation, operation)


@contextmanager
def redirection(operations: Iterable[Any]) -> Iterator[None]:
    """Lead calls of ``operations``, functions written in Python, to their twins, wherever they come from."""
    global _explorations
    with _GUARD:
        _explorations += 1
        for operation in operations:
            if operation not in _before:
                _redirect(operation)
    try:
        yield
    finally:
        with _GUARD:
            _explorations -= 1
            if not _explorations:
                for operation, code in _before.items():
                    operation.__code__ = code
                _before.clear()


@contextmanager
def replaced(operation: Any, instead: Any) -> Iterator[None]:
    """For a redirected operation: what is done where nobody drives the calling OS thread."""
    before, _OWN[operation] = _OWN[operation], instead
    try:
        yield
    finally:
        _OWN[operation] = before


def _redirect(operation: Any) -> None:
    code = operation.__code__
    if code.co_freevars or code.co_flags & _GENERATOR:
        return  # only code of the same kind, with as many of them, could take its place
    _OWN[operation] = _copy(operation)
    site = Site(code, 0, "call", operation.__name__, False, code.co_firstlineno, stepped=False, watched=False)
    constants = tuple(
        partial(_go, operation, site) if constant == "go" else constant for constant in _template.__code__.co_consts
    )
    _before[operation] = code
    operation.__code__ = _template.__code__.replace(
        co_consts=constants, co_name=code.co_name, co_qualname=code.co_qualname
    )


def _copy(operation: Any) -> FunctionType:
    copy = FunctionType(operation.__code__, operation.__globals__, operation.__name__, operation.__defaults__)
    copy.__kwdefaults__ = operation.__kwdefaults__
    copy.__qualname__ = operation.__qualname__
    COPIES[operation] = copy
    return copy


def _template(*arguments: Any, **named: Any) -> Any:
    go: Any = "go"  # an object in the code that is made from this
    return go(*arguments, **named)


def _go(operation: Any, site: Site, /, *arguments: Any, **named: Any) -> Any:
    driver = DRIVERS.get(get_ident())
    if driver is None:
        return _OWN[operation](*arguments, **named)
    return driver.call(operation, arguments, site)(*arguments, **named)
