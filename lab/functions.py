"""Functions: those that a callable starts with, those that stand under a name, those that have some code."""

from __future__ import annotations

import functools
import gc
from collections.abc import Iterator
from types import CodeType, FunctionType, MethodType
from typing import Any

from lab.kinds import is_a


def functions_of(callee: Any) -> Iterator[FunctionType]:
    """The Python functions that a call of ``callee`` starts with, and ends with."""
    kind = type(callee)
    if kind is FunctionType:
        yield callee
        wrapped = callee.__dict__.get("__wrapped__") if callee.__dict__ else None
        if wrapped is not None:
            yield from functions_of(wrapped)
    elif kind is MethodType:
        yield from functions_of(callee.__func__)
    elif is_a(callee, functools.partial):
        yield from functions_of(callee.func)
    elif is_a(callee, staticmethod | classmethod):
        yield from functions_of(callee.__func__)
    elif is_a(callee, type):
        for name in ("__new__", "__init__", "__del__"):
            member = class_member(callee, name)
            if is_a(member, FunctionType | staticmethod):
                yield from functions_of(member)
    else:
        member = class_member(kind, "__call__")
        if is_a(member, FunctionType):
            yield member


def class_member(cls: type, name: str) -> object:
    for base in cls.__mro__:
        if name in base.__dict__:
            return base.__dict__[name]
    return None


def functions_named(code: CodeType, variables: dict[str, Any]) -> Iterator[FunctionType]:
    """The functions that stand under the code's qualified name in its module."""
    scope: Any = variables
    for part in code.co_qualname.split("."):
        if part == "<locals>" or part not in scope:
            return
        member = scope[part]
        scope = getattr(member, "__dict__", {})
    if is_a(member, property):
        candidates = [member.fget, member.fset, member.fdel]
    else:
        candidates = [getattr(member, "__func__", None), getattr(member, "func", None), member]
    for candidate in candidates:
        if is_a(candidate, FunctionType):
            yield from functions_of(candidate)


COPIES: dict[Any, FunctionType] = {}
"""Functions that the lab made of the code of others, by those.

A free-threaded 3.13 no longer tells the garbage collector of any function that there was when its first thread
began, so these would not be found there.
"""


def functions_with(codes: list[CodeType]) -> dict[int, list[FunctionType]]:
    """All functions that have one of these code objects, by its id; one look at all objects that there are."""
    found: dict[int, list[FunctionType]] = {id(code): [] for code in codes}
    for thing in {id(one): one for one in (*gc.get_referrers(*codes), *COPIES.values())}.values() if codes else ():
        if isinstance(thing, FunctionType) and id(thing.__code__) in found:
            found[id(thing.__code__)].append(thing)
    return found
