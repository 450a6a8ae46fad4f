"""C code: what of it stays in memory, and what has a state of its own that the hooks do not see."""

from __future__ import annotations

import functools
import io
import os
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
    "string", "struct", "symtable", "sys", "textwrap", "thread", "threading", "time", "token", "tokenize",
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
HARMLESS = frozenset(
    getattr(os, name) for name in ("cpu_count", "getpid", "urandom", "sched_yield", "fspath") if hasattr(os, name)
)
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
    return not (function in HARMLESS or package(function) in MEMORY)


def runs_unseen(function: Any) -> bool:
    """Whether a Python function is one that the interpreter has built in, and may do more than compute."""
    return function.__code__.co_filename.startswith("<frozen") and package(function) not in MEMORY


@functools.lru_cache(maxsize=4096)
def method_leaves_memory(kind: Any, name: str) -> bool:
    """Whether the C method of that name may reach a file, a socket or unknown code."""
    return not issubclass(kind, _IN_MEMORY) and package(_definer(kind, name)) not in MEMORY


@functools.lru_cache(maxsize=4096)
def has_hidden_state(kind: Any, name: str) -> bool:
    """Whether the C method of that name may change an object of which nothing else tells that it changes."""
    return package(_definer(kind, name)) not in _STATELESS


def _definer(kind: Any, name: str) -> Any:
    """The class that has the C method: not the program's own, which calls it through ``super()`` or by its name."""
    bases = (*kind.__mro__, *type(kind).__mro__)
    return next((base for base in bases if not is_a(base.__dict__.get(name, _PYTHON), FunctionType)), kind)
