"""What goes by the order of hashes, and is so another program in another process.

The hash of a string changes with ``PYTHONHASHSEED``, that of an object without ``__hash__`` with where it lies.
Where a set of such things is gone through, all executions of a process have the same order, and
a proof would hold for that order only.  Dictionaries keep the order of insertion.
"""

from __future__ import annotations

import array
import functools
import itertools
import sys
from collections import Counter, OrderedDict, defaultdict, deque
from collections.abc import Iterable
from concurrent.futures import as_completed
from types import BuiltinFunctionType, FunctionType, MethodDescriptorType, ModuleType, WrapperDescriptorType
from typing import Any
from weakref import WeakSet

from lab.instrument import Site
from lab.kinds import is_a

_FIXED: tuple[type, ...] = (int, bool, float, complex, range) + ((type(None),) if sys.version_info >= (3, 12) else ())
"""Types whose hash is the same in every process; that of None was its address up to 3.11."""
_MOST = 10_000
_ITERATING = frozenset(("iterate", "unpack", "spread", "format", "call"))
_BLIND = frozenset((len, isinstance, issubclass, id, hash, callable, any, all, getattr, hasattr, setattr, delattr))
_ORDERING = frozenset((sorted, min, max))  # blind without a key
_CLASSES: frozenset[Any] = frozenset(
    (list, tuple, dict, str, enumerate, zip, map, filter, array.array, deque, OrderedDict, defaultdict, Counter)
    + tuple(kind for kind in vars(itertools).values() if isinstance(kind, type))
)
_OF_SETS = frozenset(("pop", "__iter__", "__repr__", "__str__", "__format__", "__reduce__", "__reduce_ex__"))
_TAKING = frozenset(("extend", "extendleft", "join", "update", "fromkeys", "writelines", "format", "__init__", "iter"))
_HASHES = frozenset(("__hash__",))
_WHERE = "the order of their hashes, which is another one in every process"


def goes_by_hash(kind: str, things: Iterable[object]) -> str:
    """Why an operation of that kind hangs on hashes; empty if it does not."""
    if kind not in _ITERATING:
        return ""
    return _through(things)


def call_goes_by_hash(function: Any, arguments: tuple[Any, ...], site: Site) -> str:
    """The same for a call."""
    kind = type(function)
    if kind is FunctionType:
        if function is as_completed and arguments and _several(arguments[0]):
            return f"has as_completed go through futures in {_WHERE}"
        return ""
    if is_a(function, type):
        return _through(arguments) if function in _CLASSES else ""
    if kind is functools.partial:
        return call_goes_by_hash(function.func, (*function.args, *arguments), site)
    if kind is MethodDescriptorType or kind is WrapperDescriptorType:
        return _method_goes_by_hash(function.__name__, arguments[0], arguments[1:], site) if arguments else ""
    if not hasattr(kind, "__self__") or not hasattr(kind, "__name__"):
        return ""
    owner = function.__self__
    if owner is not None and type(owner) is not ModuleType:
        return _method_goes_by_hash(function.__name__, owner, arguments, site)
    if function is hash:
        return _asks(arguments[0], site) if arguments else ""
    if any(argument is hash or argument is id for argument in arguments):
        return "has objects compared by hash or id, which are others in every process"
    if _is_one_of(function, _BLIND) or (_is_one_of(function, _ORDERING) and not any(map(callable, arguments))):
        return ""
    return _through(arguments)


def _method_goes_by_hash(name: str, owner: object, arguments: tuple[Any, ...], site: Site) -> str:
    if name == "__hash__":
        return _asks(owner, site)
    if is_a(owner, set | frozenset):
        return _through((owner,)) if name in _OF_SETS else ""
    if name in ("sort", "__init__") and any(argument is hash or argument is id for argument in arguments):
        return "has objects compared by hash or id, which are others in every process"
    return _through(arguments) if name in _TAKING else ""


def _asks(thing: object, site: Site) -> str:
    """A hash is no secret to ``__hash__`` itself, which only containers ask."""
    if not site.stepped or site.code.co_name in _HASHES or _is_fixed(thing):
        return ""
    return f"asks for the hash of a {type(thing).__name__}, which is another one in every process"


def _through(things: Iterable[object]) -> str:
    return next((f"goes through {told} in {_WHERE}" for told in map(_by_hash, things) if told), "")


def _by_hash(thing: object) -> str:
    """A set whose order may be another one in another process, in words; empty for anything else."""
    if is_a(thing, WeakSet):
        return "a WeakSet" if vars(thing)["data"] else ""  # one of them may be collected
    if not is_a(thing, set | frozenset):
        return ""
    count, items = (set.__len__, set.__iter__) if is_a(thing, set) else (frozenset.__len__, frozenset.__iter__)
    size = count(thing)
    if size < 2:
        return ""
    for item in itertools.islice(items(thing), _MOST):
        if not _is_fixed(item):
            return f"a {'set' if is_a(thing, set) else 'frozenset'} of {type(item).__name__}"
    return "" if size <= _MOST else "a large set"


def _is_fixed(thing: object) -> bool:
    kind = type(thing)
    return kind in _FIXED or (kind is tuple and all(_is_fixed(item) for item in thing))  # type: ignore[attr-defined]


def _several(things: object) -> bool:
    return not hasattr(type(things), "__len__") or len(things) > 1  # type: ignore[arg-type]


def _is_one_of(function: Any, functions: frozenset[Any]) -> bool:
    return type(function) is BuiltinFunctionType and function in functions
