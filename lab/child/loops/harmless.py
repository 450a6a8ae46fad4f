"""What the process of an actor may call in a loop that merely waits.

Such a call changes nothing in its memory that is not looked at elsewhere: operations on files change what is outside of
memory, which the runner sees, file descriptors and positions, which `lab.child.loops.rounds` compares.  Whatever is not
known here counts as a change.
"""

from __future__ import annotations

import _io
import contextlib
import logging
import os
import pathlib
import sys
from types import CodeType, FrameType, FunctionType, MethodType
from typing import Any

from lab.filesystem.system import with_traces
from lab.kinds import is_a
from lab.origin import is_library
from lab.virtual.harmless import LOCKING, SCALARS, computes, is_flat, is_one_of

_PATHS: tuple[Any, ...] = (pathlib.PosixPath, pathlib.WindowsPath, pathlib.PurePosixPath, pathlib.PureWindowsPath)
FILES: tuple[Any, ...] = (_io.TextIOWrapper, _io.BufferedReader, _io.BufferedWriter, _io.BufferedRandom)
"""Files on a raw file that stops."""
LOOKING = frozenset(("__enter__", "__exit__", "close", "fileno", "isatty", "readable", "seekable", "writable"))
"""Methods of a file that leave it where it is, or close it."""
_ON_FILES = frozenset(
    [getattr(os, name) for name in with_traces() if hasattr(os, name)]
    + [open, os.fspath, os.getpid, os.getppid, os.path.exists, os.path.lexists, os.path.isfile, os.path.isdir]
    + [os.path.islink, os.waitpid]
)
_MODULES = ("pathlib", "codecs", "encodings", "posixpath", "genericpath", "ntpath", "fnmatch", "stat")
"""Library code that keeps nothing but what it has once computed from the same, or the state of a file."""
_FROM_HERE: dict[str, tuple[str, ...]] = {
    "contextlib": ("suppress.__init__", "suppress.__enter__", "suppress.__exit__"),
    "os": ("fsencode", "fsdecode", "makedirs"),
    "multiprocessing.sharedctypes": ("get_lock", "get_obj", "__getitem__", "__setitem__", "__enter__", "__exit__"),
}
"""Module -> functions of it, and methods of its classes, of which the same holds."""
_LEVELS = {"debug": 10, "info": 20, "warning": 30, "error": 40, "exception": 40, "critical": 50}
_WAITING = "multiprocessing.connection", "wait"
_SEMAPHORES = "lab.child.semaphores"


def is_harmless(function: Any, arguments: tuple[Any, ...]) -> bool:
    """Whether a call leaves no trace in memory."""
    kind = type(function)
    if kind is FunctionType and (function.__module__, function.__qualname__) == _WAITING:
        return [*map(type, arguments[:1])] == [list] and all(map(is_flat, arguments))
    if is_one_of(function, _ON_FILES):
        return all(type(one) in (*SCALARS, *_PATHS) for one in arguments)
    if is_one_of(function, LOCKING):
        return all(type(one) in (*SCALARS, *FILES) for one in arguments)
    if kind is MethodType:
        return _is_harmless_method(function.__self__, function.__func__, arguments)
    if kind is FunctionType:
        return without_traces(function.__code__, function.__globals__) and all(map(_is_plain, arguments))
    if is_a(function, type):
        return _makes_only(function, arguments)
    owner = getattr(function, "__self__", None) if hasattr(kind, "__self__") else None
    if type(owner) in FILES:
        return all(map(_is_plain, arguments))
    return computes(function, arguments)


def _is_harmless_method(owner: Any, function: Any, arguments: tuple[Any, ...]) -> bool:
    kind = type(owner)
    if kind.__module__ == _SEMAPHORES:
        return True
    if kind is logging.Logger and function.__name__ in _LEVELS:
        return not owner.isEnabledFor(_LEVELS[function.__name__]) and all(map(_is_plain, arguments))
    if type(function) is not FunctionType:
        return False
    return without_traces(function.__code__, function.__globals__) and all(map(_is_plain, arguments))


def _makes_only(kind: Any, arguments: tuple[Any, ...]) -> bool:
    """Whether nothing comes of a class but a new object."""
    if kind in _PATHS or kind is pathlib.Path or kind is pathlib.PurePath:
        return all(map(_is_plain, arguments))
    if kind is contextlib.suppress:
        return all(type(one) is type for one in arguments)
    if issubclass(kind, BaseException) and kind.__module__ == "builtins":
        return all(map(_is_plain, arguments))
    return computes(kind, arguments)


def _is_plain(one: Any) -> bool:
    return is_flat(one) or type(one) in _PATHS


def without_traces(code: CodeType, variables: dict[str, Any]) -> bool:
    """Whether library code keeps nothing but what it would compute, or look up, again."""
    name = str(variables.get("__name__", ""))
    if code in _accessors():
        return True
    if not is_library(code.co_filename):
        return False
    known = _FROM_HERE.get(name, ())
    return name.partition(".")[0] in _MODULES or code.co_name in known or code.co_qualname in known


def _accessors() -> frozenset[CodeType]:
    """The code behind the attributes of shared values, which lets their lock go again."""
    library = sys.modules.get("multiprocessing.sharedctypes")
    found = []
    for name in ("Synchronized", "SynchronizedString"):
        for member in vars(getattr(library, name, object)).values():
            if is_a(member, property):
                found += [one.__code__ for one in (member.fget, member.fset) if is_a(one, FunctionType)]
    return frozenset(found)


def manages(manager: Any) -> bool:
    """Whether a ``with`` of it leaves no trace in memory."""
    return type(manager) in FILES or type(manager) is contextlib.suppress or type(manager).__module__ == _SEMAPHORES


def is_free(frame: FrameType) -> bool:
    """See `without_traces`."""
    return without_traces(frame.f_code, frame.f_globals)


def getter_of(kind: Any, key: str) -> Any:
    """The Python function that reading an attribute runs; None where there is none, or another one."""
    for base in kind.__mro__:
        if key in base.__dict__:
            member = base.__dict__[key]
            getter: Any = member.fget if is_a(member, property) else None
            return getter if is_a(getter, FunctionType) else None
    return None
