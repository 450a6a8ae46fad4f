"""What C code would find inside of its operands: other containers, attributes, and code that it calls."""

from __future__ import annotations

import array
import functools
import gc
import io
import itertools
import json.encoder
import json.scanner
import operator
import pickle
from collections import OrderedDict, defaultdict, deque
from itertools import islice
from types import BuiltinFunctionType, FunctionType, MethodType, SimpleNamespace
from typing import Any

from lab.carriers.hidden import is_noted
from lab.kinds import is_a
from lab.operations import CACHED, is_container, is_iterator, reads_arguments
from lab.virtual.callers import calls_arguments, calls_at_once

DEEP_METHODS = frozenset(
    ("__eq__", "__ne__", "__lt__", "__le__", "__gt__", "__ge__", "__contains__", "__repr__", "__str__", "__format__")
    + ("count", "index", "remove", "sort", "format", "encode")
)
_SHALLOW = frozenset((len, isinstance, issubclass, id, iter, next, callable, hash, getattr, setattr, hasattr, delattr))
_OVER_ITEMS: tuple[Any, ...] = (
    *(itertools.accumulate, itertools.compress, itertools.dropwhile, itertools.filterfalse, itertools.groupby),
    *(itertools.starmap, itertools.takewhile),
)
_SEQUENCES = frozenset((list, tuple, set, frozenset, deque))
_MAPPINGS = frozenset((dict, OrderedDict, defaultdict))
_NEVER_CHANGE = frozenset((tuple, frozenset))
_LEAVES = frozenset((bool, int, float, complex, str, bytes, range, type(None), FunctionType, BuiltinFunctionType, type))
_PLAIN_LEAVES = frozenset((bool, int, float, str, type(None)))
_MOST_INSIDE = 2_000
_ASKED = ("__eq__", "__ne__", "__lt__", "__le__", "__gt__", "__ge__", "__hash__", "__repr__", "__str__", "__format__")
"""What C code calls of the items of a container."""
ENCODER: Any = json.encoder.c_make_encoder  # type: ignore[attr-defined]
_SCANNER: Any = json.scanner.c_make_scanner  # type: ignore[attr-defined]
_HASHES = frozenset(("_hashlib", "_blake2", "_md5", "_sha1", "_sha2", "_sha256", "_sha512", "_sha3"))
_ON_ITEMS = frozenset((map, filter, *_OVER_ITEMS))
_WRAPPING = _ON_ITEMS | {enumerate, zip, itertools.chain, itertools.cycle, itertools.islice, itertools.zip_longest}
_ON_ATTRIBUTES = (getattr, setattr, delattr, hasattr)


def is_nested(thing: object, depth: int = 3) -> bool:
    """Whether a container, or a tuple, holds another container."""
    if is_a(thing, dict):
        inner: Any = thing.values()
    elif is_a(thing, list | tuple | set | frozenset | deque):
        inner = thing
    else:
        return False
    for one in islice(inner, 100):
        if (is_container(type(one)) and not is_a(one, str)) or (depth and is_nested(one, depth - 1)):
            return True
    return False


def only_asks_for_key(kind: str, container: object) -> bool:
    """Whether an operation asks whether a dictionary has a key, whatever its values hold."""
    return kind in ("in", "__contains__") and is_a(container, dict)


def containers_inside(things: tuple[object, ...], plain: bool = False) -> list[object] | None:
    """What may change inside of ``things``; None if there is more inside of them than containers of what never does.

    With ``plain`` they are values that JSON knows, and ``things`` themselves are among those that may change.
    """
    found: list[object] = []
    leaves = _PLAIN_LEAVES if plain else _LEAVES
    left: list[tuple[object, bool]] = [(one, plain) for one in things]
    for looked_at in range(_MOST_INSIDE):
        if not left:
            return found
        one, inside = left.pop()
        kind = type(one)
        if kind in leaves:
            continue
        if kind in _SEQUENCES or kind in _MAPPINGS:
            held: Any = one
            if len(held) > _MOST_INSIDE - looked_at:
                return None
            if inside and kind not in _NEVER_CHANGE:
                found.append(one)
            left += [(each, True) for each in held]
            if kind in _MAPPINGS:
                left += [(each, True) for each in held.values()]
        elif kind is bytearray or kind is array.array:
            if plain:
                return None
            found.append(one)
        elif plain or is_container(kind) or any(getattr(kind, name) is not getattr(object, name) for name in _ASKED):
            return None
    return None


def read_by_iterator(iterator: object) -> tuple[object, ...]:
    """What a step of an iterator goes through that has C code work on the items, as ``map(sum, rows)``."""
    if type(iterator) not in _WRAPPING:
        return ()
    found: list[object] = []
    pending, works = [iterator], False
    for _ in range(64):
        if not pending:
            break
        one = pending.pop()
        held = gc.get_referents(one)
        works = works or (type(one) in _ON_ITEMS and not any(is_a(inner, FunctionType | MethodType) for inner in held))
        for inner in held:
            if is_iterator(type(inner)) or (type(inner) is tuple and type(one) in _WRAPPING):  # of iterators
                pending.append(inner)
            elif type(inner) is tuple or is_container(type(inner)):
                found.append(inner)
    return tuple(found) if works or pending else ()


def is_plain_scanner(function: object) -> bool:
    """Whether it is what `json` reads texts with, and calls nothing of the program's."""
    if _SCANNER is None or type(function) is not _SCANNER:
        return False
    scanner: Any = function
    return (
        scanner.object_hook is scanner.object_pairs_hook is None
        and scanner.parse_float is float
        and scanner.parse_int is int
        and type(scanner.parse_constant) is BuiltinFunctionType
    )


def is_pickling(function: Any, arguments: tuple[Any, ...]) -> bool:
    """Whether values are pickled, into bytes or into a file of which every operation is known."""
    return function is pickle.dumps or (function is pickle.dump and len(arguments) == 2 and _is_known(arguments[1]))


def writes_rows(owner: object, name: str) -> bool:
    """Whether a writer of `csv` writes into a file of which every operation is known."""
    if type(owner).__module__ != "_csv" or name not in ("writerow", "writerows"):
        return False
    return any(is_a(one, MethodType) and _is_known(one.__self__) for one in gc.get_referents(owner))


def _is_known(file: object) -> bool:
    return is_a(file, io.IOBase) and hasattr(type(file), "_lab")


def is_hash(kind: Any) -> bool:
    """Whether an object of this type computes a hash, from what it has been given and nothing else."""
    return kind.__module__ in _HASHES


def _is_on_attributes(argument: object) -> bool:
    return any(argument is one for one in _ON_ATTRIBUTES)


def looks_inside(kind: type, arguments: tuple[Any, ...]) -> bool:
    """Whether C code that makes an object of a class reads what is inside of the items that it is given."""
    if kind is str or kind in _OVER_ITEMS:
        return any(map(is_nested, arguments))
    if kind is map or kind is filter:
        function, *things = arguments if arguments else (None,)
        return not is_a(function, FunctionType | MethodType) and any(map(is_nested, things))
    return issubclass(kind, dict) and any(map(_has_changing_pairs, arguments))


def method_looks_inside(name: str, owner: object, arguments: tuple[Any, ...]) -> bool:
    """Whether a method written in C reads what is inside of the items of a container."""
    if name in DEEP_METHODS and is_nested(owner) and not only_asks_for_key(name, owner):
        return True
    if is_a(owner, str | bytes | bytearray) or name == "from_iterable":
        return any(map(is_nested, arguments))
    return name == "update" and any(map(_has_changing_pairs, arguments))


def _has_changing_pairs(thing: object) -> bool:
    """Whether ``thing`` holds containers that are taken for pairs of a key and a value."""
    held: Any = thing
    return is_a(thing, list | tuple | set | deque) and any(is_container(type(one)) for one in islice(held, 100))


def read_by_c(kind: str, operands: tuple[object, ...]) -> bool:
    """Whether an operation compares or shows the attributes of a `types.SimpleNamespace`."""
    if kind == "compare" and not all(map(has_namespace, operands)):
        return False  # of different kinds: nobody looks inside
    return any(map(has_namespace, operands))


def has_namespace(thing: object) -> bool:
    """Whether ``thing`` is a namespace that C code compares and shows, or a container of some."""
    if is_a(thing, SimpleNamespace):
        return type(thing).__eq__ is SimpleNamespace.__eq__ or type(thing).__repr__ is SimpleNamespace.__repr__
    if is_a(thing, dict):
        thing = tuple(thing.values())
    return is_a(thing, list | tuple | set | frozenset | deque) and any(map(has_namespace, islice(thing, 100)))


def is_shallow(function: Any) -> bool:
    try:
        return function in _SHALLOW
    except TypeError:
        return False


def runs_c_code(kind: Any) -> bool:
    """Whether to make an instance runs C code that may call the arguments: not of a `threading.Thread`, say."""
    if kind is functools.partial:
        return False  # which only keeps them
    return calls_arguments(kind) or kind.__module__ == "builtins" or reads_arguments(kind)


def any_missed(function: Any, arguments: tuple[Any, ...]) -> bool:
    """Whether ``function`` is handed C code for which it may do something that is not noted."""
    at_once = calls_at_once(function)
    return any(_acts_on_shared(argument) and not (at_once and is_noted(argument)) for argument in arguments)


def _acts_on_shared(argument: object) -> bool:
    """Whether ``argument`` is C code that reads or changes objects, for other C code to call."""
    if is_a(argument, operator.attrgetter) or type(argument) is CACHED or _is_on_attributes(argument):
        return True
    if type(argument) is functools.partial:
        return not is_a(argument.func, FunctionType | MethodType)
    return type(argument) is BuiltinFunctionType and is_container(type(argument.__self__))
