"""Where in memory the bytes of an object are that has the buffer protocol."""

from __future__ import annotations

import ctypes
from typing import Any


class _Buffer(ctypes.Structure):
    """`Py_buffer`, as the documentation of the C API has it; its layout is part of the stable ABI since Python 3.11."""

    _fields_ = (
        ("buf", ctypes.c_void_p),
        ("obj", ctypes.c_void_p),
        ("len", ctypes.c_ssize_t),
        ("itemsize", ctypes.c_ssize_t),
        ("readonly", ctypes.c_int),
        ("ndim", ctypes.c_int),
        ("format", ctypes.c_char_p),
        ("shape", ctypes.POINTER(ctypes.c_ssize_t)),
        ("strides", ctypes.POINTER(ctypes.c_ssize_t)),
        ("suboffsets", ctypes.POINTER(ctypes.c_ssize_t)),
        ("internal", ctypes.c_void_p),
    )


_get, _release, _check = (
    ctypes.pythonapi.PyObject_GetBuffer,
    ctypes.pythonapi.PyBuffer_Release,
    ctypes.pythonapi.PyObject_CheckBuffer,
)
_get.argtypes, _get.restype = (ctypes.c_void_p, ctypes.POINTER(_Buffer), ctypes.c_int), ctypes.c_int
_release.argtypes, _release.restype = (ctypes.POINTER(_Buffer),), None
_check.argtypes, _check.restype = (ctypes.c_void_p,), ctypes.c_int
# Objects are told by their addresses: to hand one over, `ctypes` asks it for attributes, which a program may answer.
_FULL_READ_ONLY = 0x011C  # PyBUF_FULL_RO


def has_bytes(thing: Any) -> bool:
    """Whether it has the buffer protocol."""
    return bool(_check(id(thing)))


def extent(thing: Any) -> tuple[int, int] | None:
    """Where the bytes of an object begin, and how many there are up to the last one; None where it gives none."""
    found = _Buffer()
    try:
        _get(id(thing), found, _FULL_READ_ONLY)
    except (BufferError, ValueError, TypeError):
        return None
    try:
        address, size = found.buf or 0, found.len
        if found.ndim and found.shape and found.strides:
            size, item = found.itemsize, found.itemsize
            for length, stride in zip(found.shape[: found.ndim], found.strides[: found.ndim], strict=True):
                if not length:
                    return address, 0
                size += (length - 1) * abs(stride)
                address += (length - 1) * min(stride, 0)
            size = max(size, item)
        return address, size
    finally:
        _release(found)


def address_of(thing: Any) -> int:
    """Where the bytes of an object begin; 0 where it gives none."""
    found = extent(thing)
    return found[0] if found is not None else 0
