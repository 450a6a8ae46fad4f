"""Sets of futures, tasks and threads that libraries go through, in the order in which their members were made.

In CPython that is the order of their addresses, which is another one in every execution: none could be repeated.
"""

from __future__ import annotations

import ast
import concurrent.futures.thread
import functools
import inspect
import os
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import _base
from functools import partial
from types import FunctionType
from typing import TYPE_CHECKING, Any

from lab.hooks import uncontrolled
from lab.virtual.births import Births
from lab.virtual.conditions import as_part_of
from lab.virtual.redirection import own

if TYPE_CHECKING:
    from lab.carriers.control import Control
    from lab.instrument import Site

_FILES = frozenset((_base.__file__, concurrent.futures.thread.__file__))
_OF_ANYIO = os.path.join("anyio", "_backends", "_asyncio.py")


class InOrder(set[Any]):
    """A set that is gone through in the order in which its members were made."""

    def __init__(self, births: Births, members: Iterable[Any] = ()) -> None:
        super().__init__(members)
        self._births = births

    def __iter__(self) -> Iterator[Any]:
        return iter(sorted(super().__iter__(), key=self._births.key))

    def __sub__(self, other: Any) -> Any:
        rest = super().__sub__(other)
        return rest if rest is NotImplemented else InOrder(self._births, rest)

    def __or__(self, other: Any) -> Any:
        both = super().__or__(other)
        return both if both is NotImplemented else InOrder(self._births, both)

    def __repr__(self) -> str:
        return repr(set(self))

    def __reduce__(self) -> tuple[Any, ...]:
        return set, (list(self),)


def making_in_order(control: Control, cls: type, site: Site) -> Any:
    """What to call in place of ``set`` in the library's code, or None."""
    if cls is set and (site.code.co_filename in _FILES or site.code.co_filename.endswith(_OF_ANYIO)):
        return partial(InOrder, control.twins.memory.births)
    return None


def _make_future(control: Control, _site: Site, future: Any) -> None:
    own(_base.Future.__init__)(future)
    control.twins.memory.births.enter(future, control.current.index)


def _acquire_all(control: Control, _site: Site, acquiring: Any, futures: Any) -> None:
    """The library sorts them by id, for all to have the same order; that in which they were made is as good."""
    acquiring.futures = sorted(futures, key=control.twins.memory.births.key)


def _wait(control: Control, _site: Site, *arguments: Any, **named: Any) -> Any:
    return as_part_of(control, "future", _in_order(control, _base.wait), *arguments, **named)


def _as_completed(control: Control, _site: Site, *arguments: Any, **named: Any) -> Any:
    function = _in_order(control, _base.as_completed)
    control.discovery.cover(function)
    return function(*arguments, **named)


def _in_order(control: Control, function: Any) -> Any:
    with uncontrolled(), control.discovery.unwatched():  # to read and compile is no part of the program's execution
        return _with_calls_of_set(function)


@functools.cache
def _with_calls_of_set(function: Any) -> Any:
    """The library's function, with ``set(...)`` in place of its set comprehensions, before which no hook stands."""
    function = own(function)
    try:
        lines, first = inspect.getsourcelines(function)
        tree = ast.increment_lineno(_Calling().visit(ast.parse("".join(lines))), first - 1)
        scope = dict(vars(_base))
        exec(compile(ast.fix_missing_locations(tree), str(_base.__file__), "exec"), scope)
        made = scope[function.__name__]
    except (OSError, SyntaxError, KeyError):
        return function  # there is no source; then the order is that of the addresses
    code = made.__code__.replace(co_qualname=function.__qualname__)
    again = FunctionType(code, dict(vars(_base)), function.__name__, function.__defaults__)
    again.__kwdefaults__ = function.__kwdefaults__
    return again


class _Calling(ast.NodeTransformer):
    def visit_SetComp(self, node: ast.SetComp) -> ast.AST:  # by the name of the node
        made = ast.GeneratorExp(node.elt, node.generators)
        return ast.copy_location(ast.Call(ast.Name("set", ast.Load()), [ast.copy_location(made, node)], []), node)


FUNCTIONS: dict[Any, Callable[..., Any]] = {
    _base.Future.__init__: _make_future,
    _base._AcquireFutures.__init__: _acquire_all,
    _base.wait: _wait,
    _base.as_completed: _as_completed,
}
