"""What is reached by another way than the one under which the hooks know it: none of it can be part of a proof."""

from __future__ import annotations

import array
import builtins
import copyreg
import functools
import pickle
import queue
import string
import sys
import threading
import weakref
from concurrent.futures import Future
from types import (
    BuiltinFunctionType,
    CellType,
    FunctionType,
    GeneratorType,
    MethodDescriptorType,
    MethodType,
    MethodWrapperType,
    ModuleType,
    WrapperDescriptorType,
)
from typing import Any

from lab.instrument import Site
from lab.kinds import attribute, is_a
from lab.names import is_settled
from lab.operations import BUILTIN_CONTAINERS, CACHED, CONTENTS, is_container
from lab.virtual.callers import calls_arguments, calls_at_once
from lab.virtual.local import LOCAL
from lab.virtual.queues import brings_storage

_PLAIN_DUNDERS = frozenset(
    ("__doc__", "__name__", "__qualname__", "__module__", "__annotations__", "__wrapped__", "__slots__", "__dict__")
    + ("__traceback__", "__cause__", "__context__", "__suppress_context__", "__notes__")
)
"""Attributes that the interpreter keeps and that do not change what any operation does."""
_COPIERS = frozenset(
    (dir, pickle.dump, pickle.dumps, getattr(copyreg, "__reduce_ex__", None), getattr(object, "__getstate__", None))
)
_COPYING_METHODS = frozenset(("__reduce__", "__reduce_ex__", "__getstate__", "__dir__", "dump"))
_DESCRIPTOR_METHODS = frozenset(("__get__", "__set__", "__delete__"))
_NEVER_CHANGE = frozenset(("maxsize", "name", "daemon", "_name", "_daemonic"))


def _inside(*things: object, also: tuple[str, ...] = ()) -> frozenset[str]:
    return frozenset(name for thing in things for name in vars(thing)).union(also) - _NEVER_CHANGE


_INSIDE: dict[type, frozenset[str]] = {
    queue.Queue: _inside(queue.Queue()),
    threading.Condition: _inside(threading.Condition()) - {"acquire", "release"},
    threading.Event: _inside(threading.Event()),
    threading.Semaphore: _inside(threading.Semaphore()),
    threading.Barrier: _inside(threading.Barrier(1), also=("n_waiting", "broken")),
    threading.Thread: _inside(threading.Thread(), also=("ident", "native_id")),
    Future: _inside(Future()),
}
"""What the twins change, and the program would read past them."""


def hidden_memory(thing: Any, key: object) -> str:
    """Why what is read or written may be the memory of another object as well; empty if it is not."""
    kind = type(thing)
    if kind is memoryview:
        own = is_a(thing.obj, bytes | bytearray | array.array)
        return "" if own else f"uses the memory of a {type(thing.obj).__name__} through a view"
    if kind.__module__ == "mmap" and _is_of_a_file(thing):
        return "uses the memory of a file, which others may reach as well"
    if kind.__module__ == "builtins" or "_ctypes" not in sys.modules:
        return ""
    types: Any = sys.modules["_ctypes"]
    if not is_a(thing, types._SimpleCData.__mro__[1]):
        return ""
    if not thing._b_needsfree_ or is_a(thing, types._Pointer | types.Union):
        return f"uses memory through a {kind.__name__} of ctypes that others may reach as well"
    if is_a(thing, types.Array) and key in ("value", "raw"):
        return f"uses the items of an array of ctypes as its {key}"
    return ""


def _is_of_a_file(memory: Any) -> bool:
    """Whether a mapping is of a file: there may be another one of it, and it can be read and written."""
    from lab.child.memory.exporting import address_of  # which few programs need
    from lab.child.memory.guard import is_of_nothing

    return not memory.closed and not is_of_nothing(address_of(memory))


def hidden_access(owner: object, key: object, write: bool, site: Site) -> str:
    """Why an attribute or global that a hook has seen may be another one as well; empty if it is not."""
    if key is CONTENTS or not isinstance(key, str):
        if key is CONTENTS:
            memory = hidden_memory(owner, key)
            if memory:
                return memory
        return "reaches a container through a weak proxy" if _is_proxy(owner) else ""
    if key == "__dict__":
        return "uses the attributes of an object as a dictionary"
    if write:
        if key.startswith("__") and key.endswith("__") and key not in _PLAIN_DUNDERS:
            return f"changes {key}, which the interpreter reads by itself"
        if owner is builtins or (site.kind != "cell" and is_namespace(owner) and is_settled(owner, key)):
            return f"changes {key}, a builtin or a module, which is not looked for to change"
        if key == "args" and is_a(owner, BaseException):
            return "changes the arguments of an exception, which are also its text"
    kind: Any = type(owner)
    if kind is CellType and key == "cell_contents":
        return "uses a closure's variable without its name"
    if kind is MethodType and not key.startswith("__"):
        return "uses an attribute of a function through a method"
    if _is_proxy(owner):
        return "uses an object through a weak proxy"
    memory = hidden_memory(owner, key)
    if memory:
        return memory
    if key in _inside_of(kind):
        return f"looks at {key}, which is inside of a {kind.__name__}"
    return (
        f"has C code call {_cached_attributes(kind)[key]}, which is cached" if key in _cached_attributes(kind) else ""
    )


@functools.lru_cache(maxsize=4096)
def _inside_of(kind: type) -> frozenset[str]:
    """The attributes that a library class changes by itself, for all that the hooks see."""
    names = next((names for base, names in _INSIDE.items() if issubclass(kind, base)), frozenset[str]())
    return names - {"queue"} if issubclass(kind, queue.Queue) and brings_storage(kind) else names


@functools.lru_cache(maxsize=4096)
def _cached_attributes(kind: type) -> dict[str, str]:
    """The properties whose getter is a cached function, which no hook stands before."""
    return {
        name: f"{base.__qualname__}.{name}"
        for base in kind.__mro__
        for name, member in vars(base).items()
        if is_a(member, property) and type(member.fget) is CACHED
    }


def _is_proxy(thing: object) -> bool:
    return type(thing) in weakref.ProxyTypes


def is_namespace(thing: object) -> bool:
    """Whether it is a module, or stands for the globals of code that belongs to none."""
    return is_a(thing, ModuleType) or type(thing).__name__ == "_Namespace"


def variables_of(thing: object) -> dict[str, Any] | None:
    """The dictionary behind the attributes of ``thing``, where another object could have the same."""
    if is_a(thing, type | FunctionType | LOCAL) or not hasattr(type(thing), "__dict__"):
        return None
    try:
        variables = object.__getattribute__(thing, "__dict__")
    except (AttributeError, TypeError):
        return None
    return variables if isinstance(variables, dict) else None


def hidden_call(function: Any, arguments: tuple[Any, ...], site: Site) -> str:
    """Why a call may touch what no hook has seen; empty if it does not."""
    kind = type(function)
    name = attribute(function, "__name__") or ""
    if kind is MethodType:
        if site.stepped and is_a(function.__self__, weakref.WeakSet):
            return "uses a WeakSet, of which it is not known what it changes"
    elif kind is FunctionType:
        return ""
    elif _is_one_of(function, _COPIERS):
        return f"has {name} read the attributes of an object in one step" if arguments else ""
    elif name in _COPYING_METHODS and not is_a(function, type):
        return f"has {name} read the attributes of an object in one step"
    elif name == "add_note" and is_a(attribute(function, "__self__"), BaseException):
        return "adds a note to an exception without its name"
    elif name in ("format", "format_map") and _has_parts(attribute(function, "__self__")):
        return "has a text formatted with parts of what it is given"
    elif name in _DESCRIPTOR_METHODS and not is_a(function, type):
        return "uses an attribute without its name"
    elif site.stepped and name in ("close", "throw") and is_a(attribute(function, "__self__"), GeneratorType):
        return f"has {name} bring a generator to its end in one step, which may take it several"
    elif name and calls_arguments(function) and any(_is_missed(function, argument) for argument in arguments):
        return f"has {name} call C code on what others may touch"
    return ""


def _is_missed(function: Any, argument: object) -> bool:
    """Whether ``argument`` works on a container in a way that is not noted where ``function`` calls it."""
    return _is_of_container(argument) and not (calls_at_once(function) and is_noted(argument))


def is_noted(argument: object) -> bool:
    """Whether ``argument`` is C code of which it is known what it touches when other C code calls it."""
    return type(argument) is CACHED or (
        type(argument) is BuiltinFunctionType and type(argument.__self__) in BUILTIN_CONTAINERS
    )


def _has_parts(text: object) -> bool:
    """Whether a text for `str.format` looks at attributes or items of what is to stand in it."""
    if not is_a(text, str):
        return False
    try:
        fields = [field for _, field, _, _ in string.Formatter().parse(str(text)) if field]
    except ValueError:
        return False
    return any(sign in field for field in fields for sign in ".[")


def _is_of_container(argument: object) -> bool:
    """Whether ``argument`` is a C method of containers, bound or not."""
    kind = type(argument)
    if kind is MethodWrapperType or kind is BuiltinFunctionType:
        return is_container(type(argument.__self__))  # type: ignore[attr-defined]
    if kind is MethodDescriptorType or kind is WrapperDescriptorType:
        return is_container(argument.__objclass__)  # type: ignore[attr-defined]
    return False


def _is_one_of(function: Any, functions: frozenset[Any]) -> bool:
    try:
        return function in functions
    except TypeError:
        return False
