"""What an operation touches, and whether it reads or writes: the dependency relation.

Two operations of different actors depend on each other when they touch the same
object and key and one of them writes.  A container is one key: an operation on
one item and an operation on the whole depend on each other.
"""

from __future__ import annotations

import bisect
import builtins
import collections
import functools
import gc
import io
import itertools
import math
import operator
import pickle
import struct
import sys
from collections.abc import Callable
from itertools import islice
from types import (
    AsyncGeneratorType,
    BuiltinFunctionType,
    CellType,
    CodeType,
    CoroutineType,
    FrameType,
    FunctionType,
    GeneratorType,
    MethodType,
    ModuleType,
)
from typing import Any

from lab.hooks import Accesses
from lab.kinds import is_a
from lab.origin import is_library, is_unguarded

CONTENTS = "[]"
"""The key under which the contents of a container are touched."""
SYNC = "sync"
"""The key under which a lock, queue, thread or clock is touched."""

CACHED: Any = type(functools.lru_cache(len))
"""Of what `functools.lru_cache` makes: its contents are what it has stored."""

_NOT_CONTAINERS = (
    int,
    float,
    complex,
    str,
    bytes,
    tuple,
    frozenset,
    range,
    slice,
    type,
    type(None),
    type(Ellipsis),
    type(NotImplemented),
    FunctionType,
    BuiltinFunctionType,
    MethodType,
    ModuleType,
    CodeType,
    FrameType,
    CellType,
    CoroutineType,
    AsyncGeneratorType,
    BaseException,
    property,
    staticmethod,
    classmethod,
)
_CONTAINER_METHODS = ("__getitem__", "__contains__", "__iter__", "__len__", "__next__")

_READING_METHODS = frozenset(
    [
        "get",
        "keys",
        "values",
        "items",
        "copy",
        "count",
        "index",
        "isdisjoint",
        "issubset",
        "issuperset",
        "union",
        "intersection",
        "difference",
        "symmetric_difference",
        "most_common",
        "elements",
        "total",
        "__contains__",
        "__len__",
        "__getitem__",
        "__iter__",
        "__eq__",
        "__ne__",
        "__repr__",
        "__reversed__",
        "__bool__",
        "__lt__",
        "__le__",
        "__gt__",
        "__ge__",
        "__length_hint__",
        "__sizeof__",
        "__reduce__",
        "__reduce_ex__",
        "__or__",
        "__and__",
        "__sub__",
        "__xor__",
        "__add__",
        "__mul__",
        "tolist",
        "tobytes",
        "decode",
        "hex",
        "find",
        "rfind",
        "startswith",
        "endswith",
        "split",
        "join",
        "strip",
        "peek",
        "getvalue",
    ]
)
_UNTOUCHING: frozenset[Any] = frozenset(
    (isinstance, issubclass, id, type, callable, builtins.super, object, property, staticmethod, classmethod)
    + (globals, locals, range, slice, int, float, complex, hash, chr, ord)
)
_READING_FUNCTIONS: frozenset[Any] = frozenset(
    (len, sorted, list, tuple, dict, set, frozenset, sum, min, max, any, all, repr, str, bytes, bytearray, iter)
    + (bool, enumerate, zip, map, filter, reversed, print, format, ascii, abs, round, divmod, pow, dir)
    + (collections.OrderedDict, collections.Counter, collections.deque, collections.defaultdict)
    + (itertools.chain, itertools.islice, itertools.accumulate, itertools.product, itertools.permutations)
    + (itertools.combinations, itertools.zip_longest, itertools.starmap, itertools.groupby, itertools.tee)
    + (itertools.chain.from_iterable, functools.reduce, functools.partial)
    + tuple(
        getattr(operator, name)
        for name in ("getitem", "contains", "countOf", "indexOf", "length_hint", "eq", "ne", "lt", "le", "gt", "ge")
    )
    + (operator.truth, operator.not_, operator.concat, operator.add, operator.or_, operator.and_, operator.sub)
    + (bisect.bisect_left, bisect.bisect_right, math.fsum, math.prod, math.hypot, math.dist)
    + (struct.unpack, struct.unpack_from, pickle.dumps, pickle.loads)
)


def _is_container(kind: type) -> bool:
    """Whether instances of ``kind`` hold contents that code outside the program reads or writes.

    A class whose methods the program writes in Python is not: its methods are stepped
    themselves, and so are those of `collections.UserDict` and its like.  ``dict`` and the like are, so are
    C classes unknown to the lab, and so are the Python classes of other libraries (``os.environ``), which are
    not stepped.
    """
    if issubclass(kind, type) or (issubclass(kind, _NOT_CONTAINERS) and kind.__module__ in ("builtins", "types")):
        return False
    return any(_is_foreign(kind, name) for name in _CONTAINER_METHODS)


def _is_foreign(kind: type, name: str) -> bool:
    """Whether ``kind`` has a method of that name and it is not the program's own."""
    for base in kind.__mro__:
        if name in base.__dict__:
            member = base.__dict__[name]
            if is_a(member, FunctionType):
                return is_library(member.__code__.co_filename) and not is_unguarded(member.__code__)
            return member is not None and base not in _NOT_CONTAINERS
    return False


is_container: Callable[[type], bool] = functools.lru_cache(maxsize=4096)(_is_container)
"""`_is_container`, remembered for each type."""


def is_taken(kind: type) -> bool:
    """Whether C code that is given something of this type may look at what is in it, or call it."""
    return kind is BuiltinFunctionType or is_container(kind)


def underlying(iterator: object) -> list[object]:
    """The containers that one step of a C iterator reads, through `enumerate`, `zip` and the like; or a view shows."""
    return [thing for thing, advanced in _reached(iterator) if not advanced]


def _reached(iterator: object) -> list[tuple[object, bool]]:
    """What one step of a C iterator reads; and the iterators that it advances, which somebody else may have as well."""
    found: list[tuple[object, bool]] = []
    pending, passed = [iterator], 0
    chained: list[object] = []  # iterators in a chain, which goes on to the next of its parts while somebody waits
    while pending and passed < 64:
        passed += 1
        source = pending.pop()
        if type(source) is GeneratorType:
            continue  # its code is stepped
        things = [source.obj] if is_a(source, memoryview) else gc.get_referents(source)
        if type(source) is itertools.chain:
            chained += things
        elif any(source is one for one in chained):
            things += [part for thing in things if is_a(thing, _OF_PARTS) for part in islice(thing, _MOST_PARTS)]
        for thing in things:
            kind: Any = type(thing)
            if kind is BuiltinFunctionType:
                found += [(owner, writes) for owner, _, writes in _behind_method(thing)]
            elif kind in _BESIDE or (kind is tuple and type(source) in _KEEP_A_TUPLE):
                pending.append(thing)
            elif kind in _NOT_CONTAINERS or not is_container(kind):
                continue
            elif is_iterator(kind) or is_view(kind):
                if sys.getrefcount(thing) > _REFERENCES_OF_INNER and is_iterator(kind):
                    found.append((thing, True))
                pending.append(thing)
            else:
                found.append((thing, False))
    return found


_OF_PARTS = (list, tuple, collections.deque)
_MOST_PARTS = 1_000


def goes_through_parts(iterator: object) -> bool:
    """Whether it is a chain of parts that may come to be others: not one that was given them one by one."""
    return type(iterator) is itertools.chain and not any(
        type(one) is _TUPLE_ITERATOR for one in gc.get_referents(iterator)
    )


_TUPLE_ITERATOR = type(iter(()))
_REFERENCES_OF_INNER = 1 << 30  # until it has been counted


def _references_of_inner() -> int:
    """The reference count that `_reached` sees of an iterator that only another one refers to."""
    global _REFERENCES_OF_INNER
    for count in range(1, 20):
        _REFERENCES_OF_INNER = count
        if not any(advanced for _, advanced in _reached(enumerate(iter([])))):
            break
    return _REFERENCES_OF_INNER


BUILTIN_CONTAINERS = frozenset(
    (list, dict, set, collections.deque, collections.OrderedDict, collections.defaultdict, collections.Counter)
)
"""Whose bound methods C code may call among its own steps: of these it is known what they touch."""
_KEEP_A_TUPLE = (zip, map, itertools.zip_longest)  # of the iterators that they advance
_BESIDE = {type(thing) for thing in gc.get_referents(itertools.tee(())[0])} - {type}  # what halves of a `tee` share


def _is_iterator(kind: type) -> bool:
    """Whether ``kind`` is an iterator that the program has not written itself."""
    return _is_foreign(kind, "__next__")


is_iterator: Callable[[type], bool] = functools.lru_cache(maxsize=4096)(_is_iterator)
"""`_is_iterator`, remembered for each type."""


OVER_NOTHING = frozenset(type(iter(one)) for one in ((), "", "\u20ac", b"", range(1), range(1 << 100)))
"""Iterators over what cannot change: a step of one that nobody else has touches nothing."""


_ORDERED: Any = collections.OrderedDict()
_PLAIN: Any = {}
_VIEWS = tuple(type(view) for one in (_PLAIN, _ORDERED) for view in (one.keys(), one.values(), one.items()))
_VIEWS += (type(type.__dict__), memoryview)


def is_view(kind: type) -> bool:
    """Whether ``kind`` only shows the contents of another container, as ``dict.values()`` does."""
    return kind in _VIEWS


def contents(container: object, write: bool) -> Accesses:
    """What an operation on ``container`` touches; nothing if it is not one."""
    kind = type(container)
    if not is_container(kind):
        return ()
    if is_view(kind):
        return tuple((source, CONTENTS, write) for source in underlying(container))
    if is_iterator(kind):
        return ((container, CONTENTS, True), *((source, CONTENTS, moves) for source, moves in _reached(container)))
    return ((container, CONTENTS, write),)


def taken(argument: object, write: bool) -> Accesses:
    """What C code touches that works with ``argument``: its contents, or those of the container whose method it is."""
    return _behind_method(argument) if type(argument) is BuiltinFunctionType else contents(argument, write)


def printed(arguments: tuple[Any, ...]) -> Accesses:
    """What a ``print`` touches: it may be to what ``sys.stdout`` is at the moment."""
    files = (sys.stdout,) if is_a(sys.stdout, io.StringIO) else ()
    accesses = [access for argument in (*files, *arguments) for access in taken(argument, False)]
    return (*accesses, (sys, "stdout", False))


def only_keeps(owner: object, name: str) -> bool:
    """Whether the method ``name`` of a container puts its arguments away and looks at none of them."""
    return name in ("append", "appendleft", "insert") and type(owner) in BUILTIN_CONTAINERS


def _behind_method(method: Any) -> Accesses:
    """What C code touches that calls the bound method of a builtin container which it is handed, as a key or by map."""
    owner = method.__self__
    if type(owner) not in BUILTIN_CONTAINERS:
        return ()
    return ((owner, CONTENTS, method_writes(method.__name__) or fills_itself(owner)),)


_references_of_inner()


def fills_itself(container: object) -> bool:
    """Whether to read an item that is missing adds it."""
    return is_a(container, collections.defaultdict) and container.default_factory is not None


@functools.lru_cache(maxsize=4096)
def reads_arguments(kind: type) -> bool:
    """Whether C code takes the arguments of a class that is neither the interpreter's nor all the program's own."""
    for name in ("__new__", "__init__"):
        base = next(base for base in kind.__mro__ if name in base.__dict__)
        if base is not object and not is_a(base.__dict__[name], FunctionType | staticmethod):
            return True
    return False


def method_writes(name: str) -> bool:
    """Whether the C method ``name`` of a container may change it; unknown methods may."""
    return name not in _READING_METHODS


def function_effect(function: Callable[..., Any]) -> bool | None:
    """Whether a C function may write its arguments: True, False, or None for no access at all."""
    try:
        if function in _UNTOUCHING:
            return None
        return function not in _READING_FUNCTIONS
    except TypeError:  # not hashable: unknown
        return True
