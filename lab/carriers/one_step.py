"""Which operations on builtin containers are one step without the global interpreter lock as well.

A free-threaded build has a lock for each container.  Operations that read without it (``lst[i]``, ``x in lst``,
``len``, the steps of an iterator) may see what another operation has done by half: ``lst.sort()`` shows an empty list
for as long as it takes, and ``x in lst`` misses what ``insert`` is about to move.  CPython tells in "Thread Safety
Guarantees" (``Doc/library/threadsafety.rst``) what is atomic there; that, and a little that the source of 3.13 shows to
be (``Objects/listobject.c``, ``dictobject.c``, ``setobject.c``, ``Modules/_collectionsmodule.c``), is listed here.
Of what is not listed nothing is known.  `tests/test_parting.py` tries it on such a build.
"""

from __future__ import annotations

import itertools
from collections import deque
from types import BuiltinFunctionType, ModuleType
from typing import Any

from lab.hooks import ABSENT
from lab.kinds import is_a
from lab.operations import is_iterator

_LIST = ("append", "clear", "copy", "__getitem__", "__len__", "__add__", "__mul__", "__rmul__", "__repr__", "__iter__")
_DICT = (
    *("get", "pop", "popitem", "setdefault", "clear", "copy", "keys", "values", "items", "__getitem__", "__setitem__"),
    *("__delitem__", "__contains__", "__len__", "__iter__", "__repr__"),
)
_SET = ("add", "discard", "remove", "pop", "clear", "copy", "__contains__", "__len__", "__iter__", "__repr__")
_DEQUE = (
    *("append", "appendleft", "pop", "popleft", "clear"),
    *("__getitem__", "__setitem__", "__len__", "__iter__"),
)
_METHODS: dict[Any, frozenset[str]] = {
    list: frozenset(_LIST),
    dict: frozenset(_DICT),
    set: frozenset(_SET),
    deque: frozenset(_DEQUE),
}
"""Exact type -> methods that touch one item, or all of them so that nobody sees half of it."""
_NONE: dict[Any, Any] = {}
_KEYS, _ITEMS, _VALUES = type(_NONE.keys()), type(_NONE.items()), type(_NONE.values())
_VIEWS = (_KEYS, _ITEMS, _VALUES)
_SIZED = (list, dict, set, deque, *_VIEWS)
_COPIED = (list, dict, set, *_VIEWS)
_OF_WHOLE: dict[Any, tuple[type, ...]] = {
    len: _SIZED,
    bool: _SIZED,
    list: _COPIED,
    sorted: _COPIED,
    tuple: (list,),
    dict: (dict,),
    set: (dict, set),
    frozenset: (dict, set),
    **dict.fromkeys((repr, str, ascii, format, print), (list, dict, set)),
}
"""Function -> the exact types of which it reads all in one step."""
_ONLY_BEGIN = (iter, reversed, enumerate, zip, map, filter, itertools.chain, itertools.islice, itertools.zip_longest)
"""What makes iterators, and reads nothing yet."""
_BEGUN: tuple[Any, ...] = (iter([]), iter(_NONE), iter(_NONE.values()), iter(_NONE.items()), iter(set()), iter(deque()))
_READ_ONE: frozenset[type] = frozenset((enumerate, map, *map(type, (*_BEGUN, reversed([]), reversed(_NONE)))))
"""Iterators of which a step reads one item of one container."""


def is_one_step(kind: str, container: object, detail: object, also: tuple[object, ...]) -> bool:
    """Whether the operation that a site calls ``kind`` is one step; ``also`` are its other operands."""
    of, others = type(container), tuple(map(type, also))
    match kind:
        case "truth":
            return of in _SIZED
        case "iterate":
            return of in _METHODS or of in _VIEWS or is_iterator(of)
        case "in":
            return of in (dict, set, _KEYS, _ITEMS)
        case "item":
            key, *written = detail if is_a(detail, tuple) and detail else (None,)
            if type(key) is slice:
                return of is list and not written
            return of is dict or (of in (list, deque) and _counts_from_begin(key))
        case "delete item":
            return of is dict
        case "slice":
            return of is list and (not is_a(detail, tuple) or len(detail) < 2)  # else it is written
        case "format":
            return of in (list, dict, set)
        case "compare":
            return of is dict and others == (dict,)
        case "operator":
            return of is list and others in ((list,), (int,))
        case "in place":
            return of is list and others in ((list,), (tuple,))
        case "call" if detail is ABSENT:  # of a function, with its arguments spread
            return of is list
        case "call" if is_a(detail, tuple):
            return method_is_one_step(container, str(detail[0]), detail[1])
    return False


def method_is_one_step(owner: object, name: str, arguments: tuple[Any, ...]) -> bool:
    """Whether a method of a container is one step."""
    of = type(owner)
    if of in (list, deque) and name in ("__getitem__", "__setitem__"):
        return bool(arguments) and _counts_from_begin(arguments[0])
    if of is list and name == "pop":
        return not arguments  # which takes the last item; else others are moved
    if of is list and name in ("extend", "__iadd__"):
        return len(arguments) == 1 and type(arguments[0]) in (list, tuple)
    if of is dict and name in ("__eq__", "__ne__"):
        return len(arguments) == 1 and type(arguments[0]) is dict
    return name in _METHODS.get(of, ())


def _counts_from_begin(key: object) -> bool:
    """Whether an index is one step: from the end, the length is read first, and it may be another one then."""
    return type(key) is int and key >= 0


def handed_is_one_step(method: Any) -> bool:
    """Whether a bound method of a container is one step whatever it is called with."""
    of = type(method.__self__)
    return is_a(method.__self__, ModuleType | None) or (
        method.__name__ in _METHODS.get(of, ()) and method.__name__ not in ("pop", "__getitem__", "__setitem__")
    )


def reads_in_one_step(function: Any, container: object, arguments: int) -> bool:
    """Whether a function of C code that is given a container, among so many arguments, reads it in one step."""
    if any(function is one for one in _ONLY_BEGIN):
        return True
    if type(function) is BuiltinFunctionType and function.__name__ == "join" and is_a(function.__self__, str | bytes):
        return type(container) in (list, dict, set)
    if arguments > 1 and function in (dict, print):  # which reads one after the other
        return False
    return any(function is one and type(container) in kinds for one, kinds in _OF_WHOLE.items())


def reads_one_item(iterator: object) -> bool:
    """Whether a step of an iterator reads one item of each container that it goes through."""
    return type(iterator) in _READ_ONE
