"""What bytes of shared memory are called in a trace: by what the program calls that which has them."""

from __future__ import annotations

import ctypes
from typing import Any

from lab.child.memory.exporting import address_of
from lab.child.memory.touches import Touch
from lab.child.stops import Stops
from lab.kinds import is_a

_MOST_NESTED = 8


def name_of_bytes(stops: Stops, touch: Touch) -> str:
    """The name of what is touched: ``counter.buf[0]``, ``points[1].x``."""
    owner = touch.owner
    while is_a(owner, memoryview) and owner.obj is not None:
        owner = owner.obj
    if is_a(owner, _OF_C):
        root = owner
        while root._b_base_ is not None:
            root = root._b_base_
        name = stops.name_of(root, "a shared object")
        return name + _path(type(root), touch.address - ctypes.addressof(root), touch.size)
    if type(owner) is int:
        return "shared memory"
    at = touch.address - address_of(owner)
    name = stops.name_of(owner, "shared memory")
    if getattr(owner, "is_of_segment", False):
        name += ".buf"
    return f"{name}[{at}]" if touch.size == 1 else f"{name}[{at}:{at + touch.size}]"


_OF_C: Any = ctypes.c_int.__mro__[2]


def _path(kind: Any, offset: int, size: int) -> str:
    """How the program writes such a part of an object of a kind."""
    text = ""
    for _ in range(_MOST_NESTED):
        if ctypes.sizeof(kind) == size and not offset:
            break
        if issubclass(kind, ctypes.Array):
            element = ctypes.sizeof(kind._type_)
            first, last = offset // element, (offset + size - 1) // element
            if first != last or not element:
                return f"{text}[{first}:{last + 1}]"
            text += f"[{first}]"
            kind, offset = kind._type_, offset - first * element
        elif issubclass(kind, ctypes.Structure):
            for base in reversed(kind.__mro__):
                for name, part, *_ in vars(base).get("_fields_", ()):
                    field: Any = getattr(kind, name)
                    if field.offset <= offset and offset + size <= field.offset + ctypes.sizeof(part):
                        text += f".{name}"
                        kind, offset = part, offset - field.offset
                        break
                else:
                    continue
                break
            else:
                break
        else:
            break
    return text
