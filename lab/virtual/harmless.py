"""Calls that change nothing by themselves, and attributes that run no unknown code when they are read.

For who wants to know whether a round of a loop has changed anything.  Whatever is not known to change nothing counts
as a change.
"""

from __future__ import annotations

import functools
import os
import queue
import sys
import threading
import time
from collections import OrderedDict, deque
from types import FunctionType, MethodType
from typing import Any

from lab.filesystem import locks
from lab.kinds import is_a
from lab.origin import is_library
from lab.virtual.locks import LOCK, RLOCK

SCALARS = (int, str, float, bool, bytes, complex, type(None))
_PLAIN = (*SCALARS, list, tuple, dict, set, frozenset, deque, OrderedDict, range)
_ONE_CALL: frozenset[Any] = frozenset(
    (len, bool, isinstance, issubclass, callable, getattr, hasattr, type, int, float, str, repr, abs)
    + (threading.get_ident,)
)
"""C functions that change nothing, given scalars; given other things, if those have no Python code of their own."""
_ALL_ITEMS: frozenset[Any] = frozenset((any, all, sum, min, max, tuple))
_READING = frozenset(("get", "count", "index", "copy", "keys", "values", "items", "__contains__", "__len__"))
_TOLD: frozenset[Any] = frozenset(
    (threading.Event.is_set, threading.Event.wait, threading.Event.set, threading.Event.clear)
    + (threading.Semaphore.acquire, threading.Semaphore.release, threading.BoundedSemaphore.release)
    + tuple(getattr(queue.Queue, name) for name in ("put", "get", "put_nowait", "get_nowait", "qsize", "empty", "full"))
)
"""Operations whose twins tell all that they do."""
_LOOKS: frozenset[Any] = frozenset(
    [getattr(os, name) for name in ("stat", "lstat", "access", "listdir", "readlink", "getcwd") if hasattr(os, name)]
    + [os.path.exists, os.path.lexists, os.path.isfile, os.path.isdir, os.path.islink, os.path.getsize]
)
"""Operations on files that only look, whose twins tell so."""
_MAKES: frozenset[Any] = frozenset(getattr(os, name) for name in ("mkdir", "link", "symlink") if hasattr(os, name))
"""Those that make an entry or come to nothing, of which their twins tell."""
_sleep, _os_open, _open = time.sleep, os.open, open  # as they are where nothing is put in their place
_ALONE = os.O_CREAT | os.O_EXCL
LOCKING = frozenset(locks.locking())
"""Operations that take and give back locks of files, of which their twins tell."""
_TOLD_METHODS = frozenset(("acquire", "release", "locked", "get", "put", "get_nowait", "put_nowait", "empty", "qsize"))
_TOLD_KINDS = (LOCK, RLOCK, queue.SimpleQueue)


def is_flat(one: Any) -> bool:
    """Whether ``one`` is a value of a builtin type, or a builtin container of such."""
    if type(one) in SCALARS or type(one) is range:
        return True
    return type(one) in _PLAIN and all(type(item) in SCALARS for item in one)


def changes_nothing(function: Any, arguments: tuple[Any, ...]) -> bool:
    """Whether a call by itself changes nothing; what the Python code that it runs does is told by itself."""
    kind: Any = type(function)
    if computes(function, arguments):
        return True
    if kind is FunctionType or kind is MethodType:
        inner = function.__func__ if kind is MethodType else function
        return is_one_of(inner, _TOLD) or is_stepped(inner)
    if hasattr(kind, "__self__") and not is_a(function, type):
        return is_a(function.__self__, _TOLD_KINDS) and function.__name__ in _TOLD_METHODS
    return False


def computes(function: Any, arguments: tuple[Any, ...]) -> bool:
    """The same of what has no twin, or one that tells of it whoever the actors are."""
    kind: Any = type(function)
    if is_one_of(function, _LOOKS) or _makes_or_fails(function, arguments):
        return all(type(one) in SCALARS for one in arguments)
    if is_one_of(function, LOCKING):
        return all(type(one) in SCALARS or hasattr(type(one), "_lab") for one in arguments)
    if is_one_of(function, _ONE_CALL):
        return all(type(one) in _PLAIN or is_a(one, type) or _is_own(_type(one)) for one in arguments) and (
            function not in (str, repr, int, float, abs) or all(type(one) in SCALARS for one in arguments)
        )
    if is_one_of(function, _ALL_ITEMS):
        return all(map(is_flat, arguments))
    if function is _sleep:
        return True
    if kind is not MethodType and hasattr(kind, "__self__") and not is_a(function, type):
        owner = function.__self__
        if type(owner) not in _PLAIN:
            return False
        reads = function.__name__ in _READING or type(owner) in (str, bytes)
        return reads and is_flat(owner) and all(map(is_flat, arguments))
    return False


def _makes_or_fails(function: Any, arguments: tuple[Any, ...]) -> bool:
    """Whether a call makes an entry that its twin tells of, or fails."""
    if function is _os_open:
        return len(arguments) > 1 and type(arguments[1]) is int and arguments[1] & _ALONE == _ALONE
    if function is _open:
        return len(arguments) > 1 and type(arguments[1]) is str and "x" in arguments[1]
    return is_one_of(function, _MAKES)


def _type(thing: Any) -> Any:
    return type(thing)


@functools.lru_cache(maxsize=4096)
def _is_own(kind: Any) -> bool:
    """Whether all the code of a class is the program's."""
    for base in kind.__mro__[:-1]:
        file = getattr(sys.modules.get(base.__module__), "__file__", None)
        if base.__module__ in sys.builtin_module_names or (file is not None and is_library(file)):
            return False
    return True


def is_stepped(function: Any) -> bool:
    """Whether it is Python code of the program's."""
    return is_a(function, FunctionType) and not is_library(function.__code__.co_filename)


def is_one_of(function: Any, functions: frozenset[Any]) -> bool:
    """Whether it is among them, whatever it is."""
    try:
        return function in functions
    except TypeError:
        return False


@functools.lru_cache(maxsize=4096)
def runs_library(kind: Any, key: str) -> bool:
    """Whether to read an attribute may run code of a library, which does not tell what it does."""
    for base in kind.__mro__:
        if key in base.__dict__:
            member = base.__dict__[key]
            if is_a(member, property):
                return not (member.fget is None or is_stepped(member.fget))
            getter = getattr(type(member), "__get__", None)
            return is_a(getter, FunctionType) and not is_stepped(getter)
    members = [base.__dict__[name] for base in kind.__mro__ for name in _READERS if name in base.__dict__]
    return any(is_a(member, FunctionType) and not is_stepped(member) for member in members)


_READERS = ("__getattr__", "__getattribute__")
