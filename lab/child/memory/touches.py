"""Which bytes of shared memory an operation of the interpreter is about to read or write."""

from __future__ import annotations

import ctypes
import gc
from collections.abc import Callable, Iterable
from typing import Any

from lab.child.memory.exporting import extent, has_bytes
from lab.child.memory.guard import Guard
from lab.hooks import ABSENT
from lab.kinds import is_a

_SIMPLE: Any = ctypes.c_int.__mro__[1]
_POINTER: Any = ctypes.POINTER(ctypes.c_int).__mro__[1]
_ARRAY: Any = ctypes.Array
_FIELDED = (ctypes.Structure, ctypes.Union)
_COMPOUND = (ctypes.Structure, ctypes.Union, ctypes.Array)
OF_C: Any = ctypes.c_int.__mro__[2]
PRIVATE = frozenset(
    (
        int,
        float,
        complex,
        bool,
        str,
        bytes,
        bytearray,
        type(None),
        list,
        dict,
        tuple,
        set,
        frozenset,
        range,
        slice,
        type,
    )
)
"""Types of which no instance has bytes in shared memory."""
_MOST_PASSED = 64  # iterators, one inside of the other
_SHOWN = 32  # bytes that are shown as they are
_LOOKS_ONLY = frozenset(("truth", "iterate", "resume", "match"))
"""What reads none of the bytes, by the kind of its site."""


class Touch:
    """Some bytes of a segment, read or written in one operation."""

    __slots__ = ("address", "owner", "read", "size", "value", "write")

    def __init__(
        self,
        owner: Any,
        address: int,
        size: int,
        write: bool,
        value: object = ABSENT,
        read: Callable[[], object] | None = None,
    ) -> None:
        self.owner = owner  # whose bytes these are
        self.address, self.size, self.write = address, size, write
        self.value = value  # that is written
        self.read = read  # gives what is read


def shared_extent(guard: Guard, thing: Any) -> tuple[int, int] | None:
    """Where the bytes of an object are, and how many, if they are in a segment."""
    kind = type(thing)
    if kind in PRIVATE or not guard.segments or not has_bytes(thing):
        return None
    if is_a(thing, OF_C):
        found: tuple[int, int] | None = (ctypes.addressof(thing), ctypes.sizeof(thing))
    else:
        found = extent(thing)
    return found if found is not None and guard.find(found[0]) is not None else None


def tells_itself(thing: Any) -> bool:
    """Whether it stops by its own methods (`lab.child.memory.arenas`, `lab.child.memory.mapped`)."""
    return hasattr(type(thing), "_lab_tells")


def has_elements(thing: Any) -> bool:
    """Whether it can be gone through one element after the other."""
    return is_a(thing, _ARRAY) or (is_a(thing, memoryview) and thing.ndim == 1)


def whole_of(guard: Guard, thing: Any, write: bool, value: object = ABSENT) -> list[Touch]:
    """All bytes of an object, if they are in a segment."""
    found = shared_extent(guard, thing)
    read = (lambda: bytes(thing)) if found is not None and found[1] <= _SHOWN else None
    return [Touch(thing, *found, write, value, read)] if found is not None else []


# ------------------------------------------------------------ attributes


def attribute(guard: Guard, owner: Any, key: str, write: bool, value: object) -> list[Touch]:
    """What an attribute of an object of `ctypes` is in memory."""
    if not guard.segments or not is_a(owner, OF_C) or tells_itself(owner):
        return []
    copied = _read(guard, value) if write else []
    if is_a(owner, _FIELDED):
        field = _field_of(type(owner), key)
        if field is None:
            return copied
        kind = dict(_fields_of(type(owner)))[key]
        if not write and issubclass(kind, _COMPOUND):
            return []  # which is a part of the object, and not what is there
        place = ctypes.addressof(owner) + field.offset
        return copied + _at(guard, owner, place, ctypes.sizeof(kind), write, value, key)
    if key in ("value", "raw") and hasattr(type(owner), key):
        return copied + _at(guard, owner, ctypes.addressof(owner), ctypes.sizeof(owner), write, value, key)
    return copied


def _field_of(kind: Any, key: str) -> Any:
    for base in kind.__mro__:
        if key in vars(base):
            found = vars(base)[key]
            return found if hasattr(type(found), "__get__") and hasattr(found, "offset") else None
    return None


def has_bits(owner: Any, key: str) -> bool:
    """Whether an attribute is some bits of a number, which is read and written as a whole."""
    if not is_a(owner, _FIELDED):
        return False
    return any(field[0] == key and len(field) > 2 for base in type(owner).__mro__ for field in _own_fields(base))


def _own_fields(kind: Any) -> Any:
    return vars(kind).get("_fields_", ())


def _fields_of(kind: Any) -> Iterable[tuple[str, Any]]:
    for base in reversed(kind.__mro__):
        for field in _own_fields(base):
            yield field[0], field[1]


def _at(guard: Guard, owner: Any, address: int, size: int, write: bool, value: object, key: str) -> list[Touch]:
    if guard.find(address) is None:
        return []
    return [Touch(owner, address, size, write, value, lambda: getattr(owner, key))]


# ------------------------------------------------------------ containers


def touched(guard: Guard, container: Any, write: bool, kind: str, detail: Any, also: tuple[object, ...]) -> list[Touch]:
    """What an operation on a container, or on several, touches."""
    if not guard.segments:
        return []
    found: list[Touch] = []
    for other in also:
        found += _read(guard, other)
    if kind in ("slice", "item") and write and type(detail) is tuple and len(detail) > 1:
        found += _read(guard, detail[1])  # which is copied
    if type(container) in PRIVATE or kind in _LOOKS_ONLY or tells_itself(container):
        return found
    if kind == "next":
        return found + [one for source in gone_through(container) for one in _read(guard, source)]
    whole = shared_extent(guard, container)
    if whole is None:
        return found
    if is_a(container, memoryview):
        return found + _in_view(container, whole, write, kind, detail)
    if is_a(container, _ARRAY):
        return found + _in_array(container, whole[0], write, kind, detail)
    return [*found, Touch(container, *whole, write)]


def gone_through(iterator: Any) -> list[Any]:
    """What has bytes and is gone through by an iterator, through others, but for what tells itself."""
    found: list[Any] = []
    pending, passed = [iterator], 0
    while pending and passed < _MOST_PASSED:
        passed += 1
        for thing in gc.get_referents(pending.pop()):
            if type(thing) is tuple or hasattr(type(thing), "__next__"):
                pending.append(thing)
            elif type(thing) not in PRIVATE and has_bytes(thing) and not tells_itself(thing):
                found.append(thing)
    return found


def _read(guard: Guard, thing: Any) -> list[Touch]:
    return [] if type(thing) in PRIVATE else whole_of(guard, thing, False)


def _in_view(view: memoryview, whole: tuple[int, int], write: bool, kind: str, detail: Any) -> list[Touch]:
    address, size = whole
    key, value = _key_and_value(write, detail)
    if kind == "slice" and not write:
        return []  # a view of the same bytes
    if kind == "slice":
        key = slice(key, None if value is ABSENT else _start(key, len(view)) + len(value))
    elif kind not in ("item", "delete item"):
        return [Touch(view, address, size, write)]  # all of it: `in`, a comparison
    if type(key) is slice and not write:
        return []
    part = view
    try:
        if type(key) is slice:
            part = view[key]
        elif view.ndim == 1 and type(key) is int:
            position = key + len(view) if key < 0 else key
            if not 0 <= position < len(view):
                return []  # which fails
            part = view[position : position + 1]
    except (TypeError, ValueError, IndexError):
        return [Touch(view, address, size, write, value)]
    found = extent(part)
    if found is None or not found[1]:
        return []
    return [Touch(view, *found, write, value, lambda: view[key])]


def _key_and_value(write: bool, detail: Any) -> tuple[Any, Any]:
    value = detail[1] if write and type(detail) is tuple and len(detail) > 1 else ABSENT
    return detail[0] if type(detail) is tuple and detail else None, value


def _start(key: Any, length: int) -> int:
    return slice(key, None).indices(length)[0]


def _in_array(array: Any, address: int, write: bool, kind: str, detail: Any) -> list[Touch]:
    element, length = array._type_, array._length_
    size = ctypes.sizeof(element)
    key, value = _key_and_value(write, detail)
    if not write and issubclass(element, _COMPOUND):
        return []  # which are parts of the object
    if kind == "slice" and write:
        key = slice(key, None if value is ABSENT else _start(key, length) + len(value))
    elif kind not in ("item", "delete item"):
        return [Touch(array, address, size * length, write)]
    try:
        chosen = range(length)[key] if type(key) is slice else range(length)[key:][:1]
    except TypeError:
        return [Touch(array, address, size * length, write)]
    if not chosen or (type(key) is int and not -length <= key < length):
        return []
    first, last = min(chosen), max(chosen)
    return [Touch(array, address + size * first, size * (last - first + 1), write, value, lambda: array[key])]
