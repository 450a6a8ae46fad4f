"""What the program calls the things that it shares: by its state, or by variables of its functions."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from types import CodeType, FrameType
from typing import Any

from lab.naming import parts
from lab.origin import LAB, is_library


class Names:
    """The names of things in the process of an actor."""

    def __init__(self) -> None:
        self.begun = False  # this is a child
        self._bottom: CodeType | None = None  # what calls the actor: below it there are only the runner's frames
        self._lowest: CodeType | None = None  # what calls the actor that has forked this process, if one has
        self._roots: list[tuple[Any, str]] = []
        self._names: dict[int, str] | None = None

    @property
    def has_looked(self) -> bool:
        """Whether variables have been looked at."""
        return self._names is not None

    def name_of(self, part: object, otherwise: str) -> str:
        """What the program calls an object that has ``part`` inside, from its state on or by a variable."""
        if not self.begun:
            return otherwise
        if self._names is None:
            self._names = {}
            for root, name in self._roots:
                self._take_names(root, name)
        found = self._names.get(id(part))
        if found is None:
            at = 0
            for depth, variable, value in self._variables(sys._getframe(1)):
                if at not in (0, depth):
                    break
                if has_inside(value, part):
                    found, at = variable, depth
            for may_have in (_is_shared, _holds) if found is None else ():
                for _, variable, value in self._variables(sys._getframe(1)):
                    if found is None and may_have(value):
                        self._take_names(value, variable)
                        found = self._names.get(id(part))
            self._names[id(part)] = found = found or otherwise
        return found

    def _variables(self, frame: FrameType | None) -> Iterator[tuple[int, str, Any]]:
        """Those of the program's functions that go on, or did where this process was forked; the last ones first."""
        lowest = self._lowest or self._bottom
        depth = 0
        while frame is not None and frame.f_code is not lowest:
            name = frame.f_code.co_filename
            if not (name.startswith(LAB) or is_library(name) or made_by_library(frame)):
                depth += 1
                for variables in (frame.f_locals, frame.f_globals):
                    for variable, value in list(variables.items()):
                        yield depth, variable, value
            frame = frame.f_back

    def is_called(self, part: object, name: str) -> None:
        """In a process that was not forked: what its parent calls something that it was given."""
        if name:
            self._names = self._names or {}
            self._names[id(part)] = name

    def keep_name(self, part: object) -> None:
        """Let what others come to have as well be called as here."""
        if not self.name_of(part, "") and self._names is not None:
            del self._names[id(part)]

    def _take_names(self, root: object, name: str) -> None:
        names = self._names
        assert names is not None
        pending: list[tuple[object, str, int]] = [(root, name, 0)]
        seen: set[int] = set()
        while pending and len(seen) < _MOST_NAMED:
            thing, path, depth = pending.pop(0)
            if id(thing) in seen or thing is None or isinstance(thing, int | float | str | bytes | type):
                continue
            seen.add(id(thing))
            names.setdefault(id(thing), path)
            for part in inside(thing):
                names.setdefault(id(part), path)
            if depth < _DEEPEST:
                pending += [(part, part_path, depth + 1) for part, part_path in parts(thing, path)]


_MOST_NAMED, _DEEPEST = 300, 4
_INSIDE = ("_semlock", "_obj", "_lock", "_reader", "_writer", "_mmap")


def inside(thing: object) -> list[object]:
    """What stops inside of an object of `multiprocessing`."""
    variables = getattr(thing, "__dict__", None)
    return [variables[name] for name in _INSIDE if name in variables] if type(variables) is dict else []


def _is_shared(thing: object) -> bool:
    package, _, module = type(thing).__module__.rpartition(".")
    return package == "multiprocessing" and module not in ("context", "process")


def _holds(thing: object) -> bool:
    return type(thing) in (list, tuple, dict) or type(thing).__module__.startswith("multiprocessing.")


def has_inside(thing: object, part: object) -> bool:
    """Whether it is, or has, that part, such as the lock of a value, which has a semaphore."""
    within = inside(thing)
    return thing is part or any(one is part for one in (*within, *(two for one in within for two in inside(one))))


def made_by_library(frame: FrameType) -> bool:
    """Whether it is code without a file, as `exec` makes it, and not of the program."""
    if not frame.f_code.co_filename.startswith("<"):
        return False
    module = sys.modules.get(str(frame.f_globals.get("__name__", "")))
    file = getattr(module, "__file__", None)
    return module is None or (file is not None and is_library(file))
