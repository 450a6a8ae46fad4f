"""What an object really is, without asking it: the program may have written the answer."""

from __future__ import annotations

import inspect
from types import AsyncGeneratorType, CoroutineType, GeneratorType, UnionType
from typing import Any, TypeGuard, TypeVar, overload

T = TypeVar("T")


@overload
def is_a(thing: object, kind: type[T]) -> TypeGuard[T]: ...
@overload
def is_a(thing: object, kind: UnionType | tuple[type, ...]) -> TypeGuard[Any]: ...
def is_a(thing: object, kind: Any) -> bool:
    """Whether the type of ``thing`` is ``kind`` or made from it.

    `isinstance` also reads ``thing.__class__``, which a program may write as a
    property: code of the program, in the middle of what the lab does for it.
    """
    return issubclass(type(thing), kind)


def is_from_c(kind: type) -> bool:
    """Whether a class is one of those that C code of the interpreter itself makes."""
    return kind.__module__ in ("builtins", "collections", "itertools", "_collections")


def name_of_type(kind: type) -> str:
    """The name of a class, whatever its metaclass says."""
    return _NAME.__get__(kind)  # type: ignore[no-any-return]


_NAME: Any = type.__dict__["__name__"]


def not_begun(result: object) -> str:
    """What a call gave back in place of running: "a coroutine", "a generator"; empty for anything else.

    A coroutine is closed, as the error that is raised about it tells more than the interpreter's warning.
    """
    if type(result) is GeneratorType:
        return "a generator" if inspect.getgeneratorstate(result) == inspect.GEN_CREATED else ""
    if type(result) is CoroutineType:
        if inspect.getcoroutinestate(result) != inspect.CORO_CREATED:
            return ""
        result.close()
        return "a coroutine"
    return "an async generator" if type(result) is AsyncGeneratorType else ""


def attribute(thing: object, name: str) -> Any:
    """The attribute that the interpreter itself gives ``thing``; None if there is none or the program has it made."""
    member = next((vars(base)[name] for base in type(thing).__mro__ if name in vars(base)), None)
    if _answers_itself(type(thing)) or is_a(member, property):
        return None
    return getattr(thing, name, None)


def _answers_itself(kind: type) -> bool:
    return any(name in vars(base) for base in kind.__mro__[:-1] if base.__flags__ & _HEAP for name in _LOOKUPS)


_HEAP = 1 << 9  # Py_TPFLAGS_HEAPTYPE: among others, what a class statement makes
_LOOKUPS = ("__getattr__", "__getattribute__")
