"""C code: what of it stays in memory, and what has a state of its own that the hooks do not see."""

from __future__ import annotations

import functools
import io
import os
import sys
from types import FunctionType
from typing import Any

from lab.kinds import is_a

# fmt: off
MEMORY = frozenset((
    "abc", "array", "ast", "binascii", "bisect", "builtins", "cmath", "collections", "colorsys", "concurrent",
    "contextlib", "contextvars", "copy", "copyreg", "csv", "dataclasses", "datetime", "decimal", "difflib",
    "dis", "enum", "fractions", "functools", "gc", "graphlib", "greenlet", "hashlib", "heapq", "hmac", "html",
    "inspect", "itertools", "json", "keyword", "linecache", "locale", "marshal", "math", "numbers", "numpy",
    "operator", "pickle", "pprint", "queue", "random", "re", "reprlib", "secrets", "sre", "statistics",
    "stat", "string", "struct", "symtable", "sys", "textwrap", "thread", "threading", "time", "token", "tokenize",
    "traceback", "types", "typing", "unicodedata", "unittest", "uuid", "warnings", "weakref", "weakrefset",
    "zlib", "zoneinfo"
))
# fmt: on
"""Packages that touch memory and nothing else that two actors could meet at, such as a file."""
# fmt: off
_STATELESS = frozenset((
    "abc", "builtins", "collections", "contextvars", "datetime", "decimal", "enum", "fractions", "functools",
    "itertools", "math", "operator", "queue", "re", "sre", "string", "struct", "thread", "threading", "types",
    "typing", "unicodedata", "weakref"
))
# fmt: on
"""Packages whose C objects either never change or have hooks of their own."""
_SYSTEM = sys.modules[os.name]
_COMPUTING = ("_path_normpath", "_path_splitroot")
"""Beginnings of the names of its functions that compute with paths, on Pythons that have some."""
# fmt: off
_OF_PROCESS = (
    "WEXITSTATUS", "WIFEXITED", "WIFSIGNALED", "WTERMSIG", "confstr", "cpu_count", "device_encoding", "fdatasync",
    "fspath", "fsync", "get_blocking", "get_inheritable", "get_terminal_size", "getegid", "geteuid", "getgid",
    "getgroups", "getloadavg", "getlogin", "getpgid", "getpgrp", "getpid", "getppid", "getresgid", "getresuid",
    "getsid", "getuid", "isatty", "major", "makedev", "minor", "pathconf", "sched_yield", "strerror", "sync",
    "sysconf", "times", "uname", "urandom", "waitstatus_to_exitcode",
)
# fmt: on
HARMLESS = frozenset(
    [getattr(os, name) for name in _OF_PROCESS if hasattr(os, name)]
    + [getattr(_SYSTEM, name) for name in dir(_SYSTEM) if name.startswith(_COMPUTING)]
    + [io.text_encoding]
)
"""Functions that concern no actor, or all of them alike."""
# fmt: off
_ON_PATHS = frozenset((
    os.path.join, os.path.split, os.path.splitext, os.path.splitdrive, os.path.basename, os.path.dirname,
    os.path.normpath, os.path.normcase, os.path.isabs, os.path.commonpath, os.path.commonprefix, os.fsencode,
    os.fsdecode, os.fspath, os.path.samestat, getattr(os.path, "splitroot", os.path.splitdrive),
))
# fmt: on
"""Functions that compute with paths, and look at no file."""
_IN_MEMORY: tuple[Any, ...] = (io.StringIO, io.BytesIO)
_UNKNOWN = frozenset((open, exec, eval, compile, input, globals, locals, vars, __import__))


def _PYTHON() -> None:  # noqa: N802  # stands for what is not there
    """Never called."""


def package(thing: Any) -> str:
    """The package that a function or class belongs to, by its public name."""
    return str(getattr(thing, "__module__", None) or "builtins").split(".")[0].lstrip("_")


@functools.lru_cache(maxsize=4096)
def function_leaves_memory(function: Any) -> bool:
    """Whether a function of a C module may do more than compute with its arguments."""
    if function in _UNKNOWN:
        return True
    return not (function in HARMLESS or (package(function) in MEMORY and not _uses_a_file(function)))


def _uses_a_file(function: Any) -> bool:
    """Whether C code of numpy reads or writes a file past the object that stands for it."""
    owner = getattr(function, "__objclass__", function)
    return getattr(function, "__name__", "") in ("fromfile", "tofile") and package(owner) == "numpy"


def runs_unseen(function: Any) -> bool:
    """Whether a Python function is one that the interpreter has built in, and may do more than compute."""
    frozen = function.__code__.co_filename.startswith("<frozen")
    return frozen and package(function) not in MEMORY and function not in _ON_PATHS


@functools.lru_cache(maxsize=4096)
def makes_unknown(kind: Any) -> bool:
    """Whether to make one of the class lets C code reach a file, a socket or memory that others share."""
    if issubclass(kind, io.FileIO):
        return True
    return any(package(base) in _BEYOND and base.__module__.startswith("_") for base in kind.__mro__) or (
        package(kind) == "mmap"
    )


_BEYOND = frozenset(("socket", "select", "ssl", "sqlite3", "dbm", "gdbm"))


@functools.lru_cache(maxsize=4096)
def method_leaves_memory(kind: Any, name: str) -> bool:
    """Whether the C method of that name may reach a file, a socket or unknown code."""
    if issubclass(kind, io.IOBase) and "_lab" in vars(kind):
        return False  # it is a file object under control
    if issubclass(kind, _IN_MEMORY):
        return False
    definer = _definer(kind, name)
    return package(definer) not in MEMORY or _uses_a_file(getattr(definer, name, None))


@functools.lru_cache(maxsize=4096)
def has_hidden_state(kind: Any, name: str) -> bool:
    """Whether the C method of that name may change an object of which nothing else tells that it changes."""
    return package(_definer(kind, name)) not in _STATELESS


def _definer(kind: Any, name: str) -> Any:
    """The class that has the C method: not the program's own, which calls it through ``super()`` or by its name."""
    bases = (*kind.__mro__, *type(kind).__mro__)
    return next((base for base in bases if not is_a(base.__dict__.get(name, _PYTHON), FunctionType)), kind)
