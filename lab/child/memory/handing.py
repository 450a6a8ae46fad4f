"""What C code does with shared memory that it is handed."""

from __future__ import annotations

import _struct
import binascii
import builtins
import ctypes
import functools
import operator
import struct
import zlib
from collections.abc import Sequence
from types import BuiltinFunctionType, FunctionType, GeneratorType, MethodType, SimpleNamespace
from typing import Any

from lab.child.memory.guard import Guard
from lab.child.memory.touches import (
    OF_C,
    Touch,
    attribute,
    gone_through,
    has_bits,
    has_elements,
    shared_extent,
    tells_itself,
    touched,
    whole_of,
)
from lab.filesystem.twin import Twin
from lab.kinds import is_a
from lab.outside import package

_LOOKS = frozenset((len, id, type, isinstance, issubclass, repr, callable, iter, memoryview, hasattr, print, super))
_LOOKS |= frozenset((ctypes.addressof, ctypes.sizeof, ctypes.byref, ctypes.pointer, ctypes.alignment, enumerate, zip))
_LOOKS |= frozenset(
    (SimpleNamespace, functools.partial, map, filter, reversed, builtins.format, builtins.ascii, builtins.str)
)
"""Functions that read none of the bytes of what they are given; what goes through them later is seen then."""
_ITERATES = frozenset((sum, min, max, sorted, any, all, list, tuple, set, frozenset))
_READS = _ITERATES | frozenset((bytes, bytearray, hash))
_READS |= frozenset((binascii.hexlify, binascii.crc32, zlib.crc32, zlib.adler32, zlib.compress))
_OF_VIEWS = frozenset(("cast", "release", "toreadonly", "__enter__", "__exit__", "__len__", "__iter__"))
"""Methods of a `memoryview`, and of objects of `ctypes`, that read none of the bytes."""
_READING = frozenset(("tobytes", "tolist", "hex", "index", "count", "__eq__", "__ne__", "__contains__", "__hash__"))
_FROM = frozenset(("from_buffer",))
_JOINING = frozenset(
    ("join", "startswith", "endswith", "find", "index", "count", "split", "replace", "__eq__", "__add__")
)
_VIEWING = frozenset(("ndarray", "frombuffer"))
_COPYING = frozenset(("array", "asarray", "asanyarray", "ascontiguousarray"))
"""What numpy makes arrays of: the same bytes, and copies of them."""
GOES_THROUGH = "goes through memory that processes share in one step"
READS_AND_WRITES = "reads and writes memory that processes share in one step"
_KEEPING_NEW = (BaseException.__new__, Exception.__new__)
_HEAP_TYPE = 1 << 9  # of the flags of a type
_INSTRUCTIONS = frozenset((getattr, setattr, operator.getitem, operator.setitem))
_PARTS = 100  # of a list or tuple that are looked at


class Handed:
    """What a call does with shared memory."""

    __slots__ = ("is_known", "parted", "several", "touches")

    def __init__(self, touches: list[Touch], is_known: bool, parted: Sequence[Any] = (), several: str = "") -> None:
        self.touches, self.is_known = touches, is_known
        self.several = several  # how it is more than one operation on memory, if it is
        self.parted = parted  # what is read element by element


def called(guard: Guard, function: Any, arguments: tuple[Any, ...]) -> Handed | None:
    """What a call does with memory in a segment; None if it is handed none, or is Python code, which tells itself."""
    if not guard.segments:
        return None
    kind = type(function)
    inner = function.__func__ if kind is MethodType else function
    if type(inner) is FunctionType or (is_a(function, type) and _is_made_by_python(function)):
        return None
    owner = getattr(function, "__self__", None) if kind is BuiltinFunctionType or hasattr(kind, "__self__") else None
    through = _through(guard, function, arguments)
    if through:
        of_bits = function is setattr and has_bits(arguments[0], str(arguments[1]))
        return Handed(through, True, several=READS_AND_WRITES if of_bits else "")
    if function is ctypes.memset or function is ctypes.memmove:
        return _moved(guard, function, arguments)
    iterates = _is(function, _ITERATES)
    given = [one for one in arguments if shared_extent(guard, one) is not None and not (iterates and tells_itself(one))]
    mine = owner is not None and not tells_itself(owner) and shared_extent(guard, owner) is not None
    if not given and not mine:
        inside = [one for thing in arguments for one in _inside(thing) if shared_extent(guard, one) is not None]
        if not inside or _is(function, _LOOKS) or _keeps(owner, function):
            return None
        touches = [one for thing in inside for one in whole_of(guard, thing, False)]
        goes = len(inside) > 1 or any(hasattr(type(one), "__next__") for one in arguments)
        return Handed(touches, _only_reads(function, owner), several=GOES_THROUGH if goes else "")
    if _is(function, _LOOKS) or (is_a(function, type) and issubclass(function, BaseException)):
        return None
    name = str(getattr(function, "__name__", ""))
    if iterates and all(map(has_elements, given)):
        return Handed([], True, given)
    if mine and not given:
        if name in _OF_VIEWS:
            return None
        if name == "tolist" and has_elements(owner):
            return Handed([], True, (owner,))
        return Handed(whole_of(guard, owner, name not in _READING), name in _READING)
    if name in _FROM or _keeps(owner, function):
        return None
    packed = _packed(guard, function, name, owner, arguments)
    if packed is not None:
        return Handed(packed, True)
    reads = _only_reads(function, owner)
    things = [*given, owner] if mine else given
    of_numpy = package(owner if owner is not None and type(owner) is not type(struct) else function) == "numpy"
    if of_numpy and not mine and not reads:
        return _by_numpy(guard, function, name, arguments)
    return Handed([one for thing in things for one in whole_of(guard, thing, not reads)], reads or of_numpy)


def _by_numpy(guard: Guard, function: Any, name: str, arguments: tuple[Any, ...]) -> Handed | None:
    """What a function of numpy reads and writes; of an array as well, if it is given another one."""
    if name in _VIEWING:
        return None
    inputs, outputs = arguments, () if name in _COPYING else arguments
    if type(function).__name__ == "ufunc":
        inputs, outputs = arguments[: function.nin], arguments[function.nin :]
    read = [one for thing in inputs for one in whole_of(guard, thing, False)]
    written = [one for thing in outputs for one in whole_of(guard, thing, True)]
    return Handed([*read, *written], True, several=READS_AND_WRITES if read and written else "")


def _through(guard: Guard, function: Any, arguments: tuple[Any, ...]) -> list[Touch]:
    """What a function touches that stands for an instruction."""
    if not _is(function, _INSTRUCTIONS):
        return []
    owner, key, *rest = *arguments[:3], None, None
    if function is getattr or function is setattr:
        return attribute(guard, owner, str(key), function is setattr, rest[0])
    detail = (key, rest[0]) if function is operator.setitem else (key,)
    return touched(guard, owner, function is operator.setitem, "item", detail, ())


def _inside(thing: Any) -> list[Any]:
    if type(thing) in (list, tuple, set):
        return [*thing][:_PARTS]
    if type(thing) is dict:
        return [*thing.values()][:_PARTS]
    if hasattr(type(thing), "__next__") and type(thing) is not GeneratorType:
        return gone_through(thing)
    return []


def _is_made_by_python(kind: type) -> bool:
    """Whether nothing but Python code sees what its constructor is given."""
    return bool(kind.__flags__ & _HEAP_TYPE) and kind.__new__ in (object.__new__, *_KEEPING_NEW)


def _is(function: Any, known: frozenset[Any]) -> bool:
    try:
        return function in known
    except TypeError:
        return False


def _keeps(owner: Any, function: Any) -> bool:
    """Whether a container merely puts away what it is given."""
    return type(owner) in (list, dict, set) and getattr(function, "__name__", "") in (
        *("append", "insert", "__setitem__", "setdefault", "get", "pop"),
    )


def _only_reads(function: Any, owner: Any) -> bool:
    if type(function) is Twin:
        return False
    name = str(getattr(function, "__name__", ""))
    if type(owner) in (bytes, bytearray, str) and name in _JOINING:
        return True
    if (owner is int and name == "from_bytes") or (is_a(owner, type) and name == "from_buffer_copy"):
        return True
    if package(function) in ("hashlib", "blake2", "sha1", "sha2", "sha3", "md5", "sha256", "sha512") or (
        package(type(owner)) in ("hashlib", "blake2", "sha1", "sha2", "sha3", "md5", "sha256", "sha512")
    ):
        return True
    return _is(function, _READS)


def _moved(guard: Guard, function: Any, arguments: tuple[Any, ...]) -> Handed | None:
    """What the two functions of `ctypes` touch that work with addresses."""
    if len(arguments) < 3:
        return None
    target, source, size = arguments[:3]
    touches = []
    for one, write in ((source, False), (target, True)):
        place = one if type(one) is int and (write or function is ctypes.memmove) else None
        if is_a(one, OF_C):
            place = ctypes.addressof(one)
        if place is not None and type(size) is int and guard.find(place) is not None:
            touches.append(Touch(one, place, size, write))
    return Handed(touches, True) if touches else None


def _packed(guard: Guard, function: Any, name: str, owner: Any, arguments: tuple[Any, ...]) -> list[Touch] | None:
    """What `struct` reads or writes; None if it is another function."""
    if name not in ("pack_into", "unpack_from", "unpack", "iter_unpack"):
        return None
    if is_a(owner, struct.Struct):
        size, rest = owner.size, arguments
    elif package(function) == "struct" and arguments:
        try:
            size, rest = _struct.calcsize(arguments[0]), arguments[1:]
        except (struct.error, TypeError):
            return []
    else:
        return None
    write = name == "pack_into"
    found = shared_extent(guard, rest[0]) if rest else None
    if found is None:
        return None
    if name in ("unpack", "iter_unpack"):
        return [Touch(rest[0], *found, False)]
    offset = rest[1] if len(rest) > 1 else 0
    if type(offset) is not int:
        return None
    offset += found[1] if offset < 0 else 0
    if not 0 <= offset <= found[1] - size:
        return []  # which fails
    value: Any = rest[2] if write and len(rest) == 3 else rest[2:] if write else None
    read = (
        None if write else (lambda: _alone(_struct.unpack_from(_format(function, owner, arguments), rest[0], offset)))
    )
    return [Touch(rest[0], found[0] + offset, size, write, value, read)]


def _format(function: Any, owner: Any, arguments: tuple[Any, ...]) -> Any:
    return owner.format if is_a(owner, struct.Struct) else arguments[0]


def _alone(values: tuple[Any, ...]) -> object:
    return values[0] if len(values) == 1 else values
