"""Calls of what `functools.lru_cache` made: a step that looks the value up, and one that stores it.

The cache is C code, and stays what it is.  Between the two steps it calls the function that it stands for, so two
actors may both look in vain.  The second step belongs where the function returns: its code tells of that.
What a cache holds in an execution that began with an empty one is dropped at its end.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable
from contextlib import nullcontext
from functools import partial
from types import FrameType, FunctionType, MethodType
from typing import TYPE_CHECKING, Any, NamedTuple

from lab.functions import class_member
from lab.hooks import uncontrolled
from lab.kinds import is_a
from lab.operations import CACHED, CONTENTS
from lab.virtual.redirection import own

if TYPE_CHECKING:
    from lab.carriers.control import Control
    from lab.instrument import Site

_SMALL = 8
"""In a cache of at most so many entries the order of lookups, which decides what is dropped, is told apart."""


class Pending(NamedTuple):
    """A call of a cached function that has not returned."""

    cache: Any
    arguments: tuple[Any, ...]
    caller: FrameType  # the lab's frame, from which the cache calls the function
    site: Site


def called(control: Control, cache: Any, site: Site) -> Callable[..., Any] | None:
    """What to call in place of a cached function; None for a cache of the library's own."""
    noted = site.of_given(cache.__name__)
    if noted is None or not noted.decides:
        return None
    return partial(_call, control, noted, cache)


def _call(control: Control, site: Site, cache: Any, /, *arguments: Any, **named: Any) -> Any:
    control.twins.memory.remember_cache(cache)
    most = cache.cache_parameters()["maxsize"]
    if most == 0 or control.unwinding:
        return cache(*arguments, **named)
    ending = end_of(cache.__wrapped__)
    if ending is not None:
        control.discovery.cover_end(ending)
    orders = (most is not None and most <= _SMALL) or ending is None  # C code is looked up and stored in one step
    shown = (*arguments, *named.values())
    control.touch(cache, CONTENTS, orders, site, shown)
    pending = control.twins.memory.pending.setdefault(control.current.index, [])
    pending.append(Pending(cache, shown, sys._getframe(), site))
    try:
        return cache(*arguments, **named)
    finally:
        pending.pop()


def store(control: Control, caller: FrameType | None) -> None:
    """A function called from the frame ``caller`` is about to return; a cache that called it will store the value."""
    pending = control.twins.memory.pending.get(control.current.index)
    if pending and pending[-1].caller is caller:
        control.touch(pending[-1].cache, CONTENTS, True, pending[-1].site, pending[-1].arguments)


def end_of(wrapped: Any) -> FunctionType | None:
    """The Python function with whose end a call of ``wrapped`` ends; None if that is C code."""
    if is_a(wrapped, FunctionType):
        return wrapped
    if is_a(wrapped, MethodType | staticmethod | classmethod):
        return end_of(wrapped.__func__)
    if is_a(wrapped, partial):
        return end_of(wrapped.func)
    if is_a(wrapped, type):
        for kind, name in ((type(wrapped), "__call__"), (wrapped, "__init__"), (wrapped, "__new__")):
            member = class_member(kind, name)
            if is_a(member, FunctionType | staticmethod):
                return end_of(member)
        return None
    member = class_member(type(wrapped), "__call__")
    return member if is_a(member, FunctionType) else None


def hidden_in_cache(cache: Any, keys: tuple[object, ...]) -> str:
    """What stands against a proof in a call of a cached function; empty if nothing does."""
    for key in keys:
        if any(is_a(class_member(type(key), name), FunctionType) for name in ("__hash__", "__eq__")):
            return "has a cache compare its keys by code of the program"
    most = cache.cache_parameters()["maxsize"]
    if most is not None and _SMALL < most <= state_of_cache(cache)[1]:
        return "uses a cache that is full, and what it drops depends on the order of lookups"
    return ""


def _cached_property(control: Control, site: Site, made: Any, instance: Any, owner: Any = None) -> Any:
    """``made.__get__``: up to 3.11 one at a time computes a value; since 3.12 each who finds none does."""
    values = variables_of(instance)
    if values is None or made.attrname is None:
        return own(functools.cached_property.__get__)(made, instance, owner)  # the class itself; or it complains
    noted = site.of_given("")
    with control.enter(made.lock, site) if hasattr(made, "lock") else nullcontext():
        if made.attrname not in values:
            value = control.call(made.func, (instance,), site)(instance)
            if noted is not None:
                control.touch(instance, made.attrname, True, noted, value)
            values[made.attrname] = value
        return values[made.attrname]


def variables_of(instance: object) -> dict[str, Any] | None:
    """The dictionary of its attributes."""
    if instance is None:
        return None
    try:
        variables = object.__getattribute__(instance, "__dict__")
    except (AttributeError, TypeError):
        return None
    return variables if isinstance(variables, dict) else None


def _cache_info(control: Control, site: Site, cache: Any) -> Any:
    """Every lookup is counted, so it comes before or after each of them."""
    return _told(control, site, cache, cache.cache_info)


def _cache_clear(control: Control, site: Site, cache: Any) -> Any:
    return _told(control, site, cache, cache.cache_clear)


def _told(control: Control, site: Site, cache: Any, real: Callable[[], Any]) -> Any:
    control.twins.memory.remember_cache(cache)
    noted = site.of_given("")
    if noted is not None:
        control.touch(cache, CONTENTS, True, noted, ())
    with uncontrolled():
        return real()


def state_of_cache(cache: Any) -> tuple[int, int]:
    """Something that is equal as long as nothing is stored."""
    with uncontrolled():
        info = cache.cache_info()
    return info.misses, info.currsize


FUNCTIONS: dict[Any, Callable[..., Any]] = {functools.cached_property.__get__: _cached_property}
METHODS: dict[type, dict[str, Callable[..., Any]]] = {
    CACHED: {"cache_info": _cache_info, "cache_clear": _cache_clear},
}
