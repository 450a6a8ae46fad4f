"""What of a program stays in a process from one round to the next: its modules' variables, and what they lead to.

A process that is kept is not the same as a new one if a round has left something in it: a connection in a variable of
a module, a cache, an open file.  What is compared is a digest; it runs none of the program's code.
"""

from __future__ import annotations

import _signal  # type: ignore[import-not-found]
import functools
import itertools
import os
import pickle
import sys
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from types import CellType, FunctionType, GeneratorType, MethodType, ModuleType
from typing import Any

from lab.origin import LAB, is_library

_MOST = 20_000  # objects: of a program with more nothing is known
_PLAIN = (int, float, complex, str, bytes, bool, type(None), range, type(Ellipsis))
_SEQUENCES = (list, tuple, deque)
_SETS = (set, frozenset)
_CACHED = type(functools.lru_cache(lambda: None))
_HANDLED = ("SIGINT", "SIGTERM", "SIGHUP", "SIGUSR1", "SIGUSR2", "SIGALRM", "SIGCHLD")


def digest(actors: Iterable[object]) -> int | None:
    """A number that changes with what the process keeps; None where there is too much to tell."""
    walk = _Walk()
    for name, module in sorted(sys.modules.items()):
        if _is_program(module):
            walk.add(("module", name))
            walk.pending.extend(_variables(module))
    walk.pending.extend(actors)
    while walk.pending:
        if len(walk.seen) > _MOST:
            return None
        walk.visit(walk.pending.popleft())
    mask = os.umask(0)
    os.umask(mask)
    walk.add((mask, os.getcwd(), tuple(sorted(os.environ.items()))))
    walk.add(tuple(id(_signal.getsignal(getattr(_signal, name))) for name in _HANDLED))
    return hash(tuple(walk.told))


class _Walk:
    """Through everything that can be reached, each object once."""

    def __init__(self) -> None:
        self.told: list[Any] = []
        self.seen: dict[int, object] = {}  # kept alive, so that no other takes its id
        self.pending: deque[Any] = deque()
        self.add = self.told.append

    def visit(self, thing: Any) -> None:
        kind = type(thing)
        if kind in _PLAIN:
            self.add((kind.__name__, thing))
            return
        self.add(id(thing))
        if id(thing) in self.seen:
            return
        self.seen[id(thing)] = thing
        if isinstance(thing, ModuleType):
            return  # those of the program are met by themselves
        if issubclass(kind, dict):
            for key, value in list(dict.items(thing)):
                self.pending.append(key)
                self.pending.append(value)
            self.add(dict.__len__(thing))
        elif issubclass(kind, _SEQUENCES):
            self.pending.extend(list(kind.__iter__(thing)) if kind in _SEQUENCES else _of_sequence(thing))
        elif issubclass(kind, _SETS):
            self.add(frozenset(map(id, set.__iter__(thing) if issubclass(kind, set) else frozenset.__iter__(thing))))
        elif issubclass(kind, bytearray):
            self.add(bytes(thing))
        elif kind is _CACHED:
            self.add(thing.cache_info())
        elif kind in _TOLD:
            self.add(_TOLD[kind](thing))
        elif kind is FunctionType:
            self._function(thing)
        elif kind is MethodType:
            self.pending.extend((thing.__self__, thing.__func__))
        elif isinstance(thing, type):
            if _is_program(sys.modules.get(thing.__module__)):
                self.pending.extend(value for name, value in list(vars(thing).items()) if name not in _OF_CLASSES)
        else:
            self._instance(thing)

    def _function(self, function: FunctionType) -> None:
        if is_library(function.__code__.co_filename) or function.__code__.co_filename.startswith(LAB):
            return
        self.pending.extend(function.__defaults__ or ())
        self.pending.extend((function.__kwdefaults__ or {}).values())
        self.pending.extend(vars(function).values())
        self.pending.extend(function.__closure__ or ())

    def _instance(self, thing: Any) -> None:
        """Its attributes; of what has none that can be seen, what the library itself would keep of it."""
        inside = getattr(thing, "__dict__", None) if _keeps_attributes(type(thing)) else None
        if type(inside) is dict:
            self.pending.append(inside)
        slots = [
            vars(base)[name].__get__(thing)
            for base in type(thing).__mro__
            for name in _slots(base)
            if _has_slot(vars(base).get(name), thing)
        ]
        self.pending.extend(slots)
        module = sys.modules.get(type(thing).__module__)
        if type(inside) is not dict and not slots and not _is_program(module):
            try:
                self.add(pickle.dumps(thing))
            except Exception:  # as with a lock, of which its text tells the state
                self.add(object.__repr__(thing) if module is None else repr(thing)[:200])


_OF_CLASSES = ("__dict__", "__weakref__", "__doc__", "__abstractmethods__", "_abc_impl", "__slotnames__")
"""What the interpreter and the library keep in a class for themselves; `copyreg` names slots when it first pickles."""


def _counted(counter: Any) -> str:
    return repr(counter)


def _generator(generator: GeneratorType[Any, Any, Any]) -> int:
    return generator.gi_frame.f_lasti if generator.gi_frame is not None else -1


def _cell(cell: CellType) -> object:
    try:
        return _plain(cell.cell_contents)
    except ValueError:  # nothing is in it yet
        return None


def _plain(value: object) -> object:
    return value if type(value) in _PLAIN else id(value)


_TOLD: dict[type, Callable[[Any], object]] = {itertools.count: _counted, GeneratorType: _generator, CellType: _cell}


def _of_sequence(thing: Any) -> Iterator[Any]:
    """The items of an instance of a subclass, by the method of the class below."""
    base = next(kind for kind in _SEQUENCES if isinstance(thing, kind))
    yield from list(base.__iter__(thing))
    if type(getattr(thing, "__dict__", None)) is dict:
        yield vars(thing)


def _keeps_attributes(kind: type) -> bool:
    """Whether ``__dict__`` of an instance is that of the interpreter, and no property of the program's."""
    found = next((vars(base)["__dict__"] for base in kind.__mro__ if "__dict__" in vars(base)), None)
    return type(found).__name__ == "getset_descriptor"


def _slots(kind: type) -> Iterable[str]:
    named = vars(kind).get("__slots__", ())
    names = (named,) if isinstance(named, str) else tuple(named)
    prefix = f"_{kind.__name__.lstrip('_')}"
    return [f"{prefix}{name}" if name.startswith("__") and not name.endswith("__") else name for name in names]


def _has_slot(descriptor: Any, thing: object) -> bool:
    if type(descriptor).__name__ != "member_descriptor":
        return False
    try:
        descriptor.__get__(thing)
    except AttributeError:
        return False
    return True


def _is_program(module: Any) -> bool:
    file = getattr(module, "__file__", None) if isinstance(module, ModuleType) else None
    if isinstance(module, ModuleType) and module.__name__ in ("__main__", "__mp_main__"):
        return True
    return isinstance(file, str) and not is_library(file) and not file.startswith(LAB)


def _variables(module: ModuleType) -> list[Any]:
    return [value for name, value in sorted(vars(module).items()) if not (name.startswith("__") and name != "__all__")]
