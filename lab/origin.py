"""Whose code a file holds: the lab's, a library's or the program's; and how to show a path."""

from __future__ import annotations

import collections.abc
import contextlib
import functools
import os
import sys
import sysconfig
from types import CodeType, FrameType, FunctionType

LAB = os.path.dirname(os.path.abspath(__file__)) + os.sep
"""Where the lab's own code lies."""

_LIBRARIES = tuple(
    {os.path.abspath(sysconfig.get_path(name)) + os.sep for name in ("stdlib", "platstdlib", "purelib", "platlib")}
)


@functools.lru_cache(maxsize=4096)
def is_library(filename: str) -> bool:
    """Whether the file is part of the standard library or an installed package."""
    if filename.startswith("<"):
        return filename.startswith("<frozen ")
    path = os.path.abspath(filename)
    return path.startswith(_LIBRARIES) or f"{os.sep}site-packages{os.sep}" in path


@functools.lru_cache(maxsize=4096)
def is_standard(filename: str) -> bool:
    """Whether the file is part of the standard library."""
    installed = any(f"{os.sep}{name}{os.sep}" in filename for name in ("site-packages", "dist-packages"))
    return is_library(filename) and not installed


@functools.lru_cache(maxsize=256)
def module_at(filename: str) -> str:
    """The name of the module that was read from there; empty if there is none."""
    found = [name for name, one in list(sys.modules.items()) if getattr(one, "__file__", None) == filename]
    return min(found, key=len, default="")


def is_unguarded(code: CodeType) -> bool:
    """Whether code of the standard library is stepped as the program's own is.

    It is the Python code of containers (`collections.UserDict`, the mixins of `collections.abc`), which has no lock and
    promises no operation in one step, and what changes ``sys.stdout`` for all threads.
    """
    if code.co_filename == _CONTAINERS:
        return True
    if code.co_filename == _REDIRECTING:
        return code.co_qualname.startswith("_RedirectStream.")
    return code.co_filename == _MIXINS and code.co_qualname.startswith(_MIXIN_CLASSES)


_CONTAINERS, _REDIRECTING, _MIXINS = collections.__file__, contextlib.__file__, "<frozen _collections_abc>"
_MIXIN_CLASSES = tuple(
    f"{kind}.{name}"
    for kind in ("Sequence", "MutableSequence", "Set", "MutableSet", "Mapping", "MutableMapping")
    + ("MappingView", "KeysView", "ItemsView", "ValuesView")
    for name, member in vars(getattr(collections.abc, kind)).items()
    if type(member) is FunctionType
)


def frame_of_program(skip_libraries: bool = False) -> FrameType | None:
    """The innermost frame of the calling greenlet that is not the lab's own; None in a callback that has none."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        filename = frame.f_code.co_filename
        if filename.startswith(LAB):
            if frame.f_code.co_name == _OF_LOOP:  # behind it are those who explore
                return None
        elif not (skip_libraries and is_library(filename)):
            break
        frame = frame.f_back
    return frame


_OF_LOOP = "_run_handle"
"""The method that runs the callbacks of tasks."""


def told_call(code: CodeType, line: int, name: str) -> str:
    """That the line of ``code``, which runs on the calling greenlet or thread, calls ``name``, and where it is.

    Of library code, that the program's line behind it has it called.
    """
    calls = f"calls {name}"
    if is_library(code.co_filename):
        frame = frame_of_program(skip_libraries=True)
        if frame is not None:
            code, line, calls = frame.f_code, frame.f_lineno, f"has {name} called"
    return f"{code.co_qualname} ({shown(code.co_filename)}:{line}) {calls}"


def calling_line() -> str:
    """The innermost line of the program that led here, as file:line; nothing where no program did."""
    frame = frame_of_program()
    if frame is None or is_library(frame.f_code.co_filename):
        return ""
    return f"{os.path.basename(frame.f_code.co_filename)}:{frame.f_lineno}"


def shown(filename: str) -> str:
    """The path as a person would write it: below the current folder, or below site-packages."""
    marker = f"{os.sep}site-packages{os.sep}"
    if marker in filename:
        return filename.rsplit(marker, 1)[1]
    here = os.getcwd() + os.sep
    return filename[len(here) :] if filename.startswith(here) else filename
