"""C code that calls what it is handed: ``iter(q.get, None)``, ``map(Thread.start, threads)``, a `functools.partial`.

No hook stands before a call that C code makes.  So it is handed, in place of a
controlled operation, something that calls the operation's twin.
"""

from __future__ import annotations

import contextvars
import itertools
import operator
import queue
from collections import defaultdict
from collections.abc import Callable
from functools import partial, reduce
from types import BuiltinFunctionType, FunctionType, MethodDescriptorType, MethodType, MethodWrapperType, ModuleType
from typing import TYPE_CHECKING, Any

from lab.hooks import call
from lab.kinds import is_a
from lab.operations import CACHED, function_effect, is_container

if TYPE_CHECKING:
    from lab.instrument import Site

METHOD_CALLER: Any = operator.methodcaller
CARRIERS: frozenset[Any] = frozenset((partial, METHOD_CALLER, CACHED))
"""Types of callables, written in C, that hold what they call."""

_TYPES: frozenset[Any] = frozenset(
    (map, filter, itertools.starmap, itertools.accumulate, itertools.takewhile, itertools.dropwhile)
    + (itertools.filterfalse, itertools.groupby, defaultdict)
)
_FUNCTIONS: frozenset[Any] = frozenset((iter, sorted, min, max, reduce, operator.call))
_METHODS = frozenset(((contextvars.Context, "run"), (list, "sort")))
_KEEPERS: frozenset[Any] = frozenset((*CARRIERS, setattr, MethodType))

C_OPERATIONS = frozenset((BuiltinFunctionType, MethodDescriptorType, MethodWrapperType, type(queue.SimpleQueue().get)))
OPERATIONS = frozenset((FunctionType, MethodType, *C_OPERATIONS, *CARRIERS))
"""Types of what may be a controlled operation."""


def calls_arguments(function: Any) -> bool:
    """Whether ``function``, which is C code, calls what it is handed, and nothing else does."""
    if is_a(function, type):
        return function in _TYPES
    kind = getattr(function, "__objclass__", None) or type(getattr(function, "__self__", None))
    return (kind, function.__name__) in _METHODS or (kind is ModuleType and function in _FUNCTIONS)


def calls_at_once(function: Any) -> bool:
    """Whether ``function``, which is C code, calls what it is handed in its own step or in one of the iterator it is.

    Then what a bound method of a builtin container touches there is noted with that step (`operations.contents`).
    """
    return function is not defaultdict and calls_arguments(function)


def only_keeps_arguments(function: Any) -> bool:
    """Whether ``function``, which is C code, surely does not call what it is handed: so ``callbacks.append``."""
    if function in _KEEPERS:
        return True
    owner = getattr(function, "__self__", None)
    if owner is None or is_a(owner, ModuleType):
        return not function_effect(function)
    return is_container(getattr(function, "__objclass__", None) or type(owner))


def handing_twins(function: Any, is_controlled: Callable[[Any], bool], site: Site) -> Callable[..., Any]:
    """``function``, handed twins in place of the controlled operations among its arguments."""

    def swap(argument: Any) -> Any:
        return partial(call_controlled, argument, site) if is_controlled(argument) else argument

    def called(*arguments: Any, **named: Any) -> Any:
        return function(*[swap(one) for one in arguments], **{name: swap(one) for name, one in named.items()})

    return called


def call_controlled(operation: Any, site: Site, *arguments: Any, **named: Any) -> Any:
    """Call ``operation`` for C code: its twin while an execution goes on, else itself."""
    return call(operation, arguments, site)(*arguments, **named)


def by_name(caller: Any, site: Site) -> Callable[..., Any]:
    """What an `operator.methodcaller` does, with a hook before the call that it makes."""
    made, given = caller.__reduce__()[:2]
    if type(made) is partial:
        given = (*made.args, *given)
    name, *arguments = given
    named = made.keywords if type(made) is partial else {}

    def called(owner: Any, /) -> Any:
        return call_controlled(getattr(owner, name), site, *arguments, **named)

    return called
