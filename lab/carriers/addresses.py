"""Texts that show where an object lies in memory: others in every process, and not those of a lasting proof."""

from __future__ import annotations

import functools
import io
import sys
import weakref
from collections import OrderedDict, deque
from collections.abc import Iterable
from itertools import islice
from types import (
    BuiltinFunctionType,
    CellType,
    CodeType,
    FrameType,
    FunctionType,
    MethodType,
    MethodWrapperType,
)
from typing import Any

from lab.functions import class_member
from lab.kinds import is_a
from lab.operations import CACHED
from lab.virtual.locks import LOCK, RLOCK

_TEXTS: frozenset[Any] = frozenset((repr, str, ascii, format))
_METHODS = frozenset(("format", "format_map", "__repr__", "__str__", "__format__"))
_SHOWING = frozenset(
    (FunctionType, MethodWrapperType, CodeType, FrameType, CellType, memoryview, weakref.ref, functools.partial)
    + (CACHED, LOCK, RLOCK)
)
"""Types whose C code writes the address into the text, beside those that have the text of every object."""
_MODULES = ("threading", "concurrent", "weakref", "asyncio")
"""Where the standard library does so in Python."""
_COLLECTIONS = frozenset((list, tuple, set, frozenset, deque, dict, OrderedDict))
_OF_EXCEPTIONS = (BaseException.__str__, KeyError.__str__)
_MOST = 50


def call_shows_address(function: Any, arguments: tuple[object, ...]) -> str:
    """Why a call makes such a text; empty if it does not."""
    if type(function) in (BuiltinFunctionType, type) and function in _TEXTS:
        return shows_address(arguments[:1])
    if function is print:
        files = [one for one in (*arguments, sys.stdout) if is_a(one, io.StringIO)]
        return shows_address(arguments) if files else ""
    if any(  # C code is to ask the items
        argument is repr or argument is str or argument is ascii for argument in arguments
    ):
        things = (*arguments, getattr(function, "__self__", None))
        return shows_address(thing for thing in things if type(thing) in _COLLECTIONS)
    if type(function) is BuiltinFunctionType and function.__name__ in _METHODS:
        return shows_address(arguments if is_a(function.__self__, str) else (function.__self__,))
    return ""


def shows_address(things: Iterable[object]) -> str:
    """Why a text of ``things`` shows one; empty if it does not."""
    kind = next((kind for kind in map(_shown, things) if kind is not None), None)
    if kind is None:
        return ""
    return f"has a text made that shows where a {kind.__qualname__} lies, which is another place in every process"


def _shown(thing: object, depth: int = 3) -> type | None:
    """The type of what is shown by its address in the text of ``thing``."""
    kind = type(thing)
    if kind in (str, int, float, bool, bytes, complex, type(None)) or is_a(thing, type | io.StringIO):
        return None
    if kind in _COLLECTIONS:
        if not depth:
            return None
        inner: Any = (*thing, *thing.values()) if is_a(thing, dict) else thing
        return next((found for one in islice(inner, _MOST) if (found := _shown(one, depth - 1)) is not None), None)
    if is_a(thing, BaseException):
        return _shown(thing.args, depth - 1) if class_member(kind, "__str__") in _OF_EXCEPTIONS else None
    if kind is MethodType:
        return _shown(thing.__self__, depth - 1)  # type: ignore[attr-defined]
    if kind in _SHOWING:
        return kind
    if kind is BuiltinFunctionType:
        return kind if type(thing.__self__).__name__ != "module" else None  # type: ignore[attr-defined]
    member = class_member(kind, "__repr__")
    if is_a(member, FunctionType):
        return kind if member.__module__.partition(".")[0] in _MODULES else None
    plain = class_member(kind, "__str__") is object.__str__
    return kind if member is object.__repr__ and plain else None
