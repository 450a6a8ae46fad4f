"""What the process of an actor has changed in its memory, and whether that came to nothing.

Who tries something and takes it back stands where it stood before: an attribute that has the value again that it had,
a container with the same items.  So what is written is remembered as it was, as long as nothing happens of which that
cannot be told.  Nothing is kept alive by it but containers of builtin types while all that is in them are plain values.
"""

from __future__ import annotations

import _thread
import weakref
from collections import OrderedDict, deque
from dataclasses import dataclass
from types import CellType, FunctionType, MemberDescriptorType, ModuleType
from typing import Any

from lab.kinds import is_a
from lab.loops import NOTHING, are_same, kept

_CONTAINERS = (list, dict, set, bytearray, deque, OrderedDict)
_MOST_ITEMS, _MOST_WRITES, _MOST_AT_ONCE = 64, 1_000, 100
_CHANGING = frozenset(
    ("append", "appendleft", "pop", "popleft", "popitem", "remove", "discard", "add", "clear", "setdefault", "insert")
    + ("__setitem__", "__delitem__")
)
"""Methods of these containers that call nothing and take no other container."""
_SETTERS: Any = tuple(kind.__setattr__ for kind in (object, type, ModuleType, _thread._local))
_GETTERS: Any = tuple(kind.__getattribute__ for kind in (object, type, ModuleType, _thread._local))


@dataclass
class _Written:
    owner: Any  # a weak reference, or the container itself
    key: Any
    before: list[object]

    def is_back(self) -> bool:
        """Whether the place has what it had, or is no more."""
        if not isinstance(self.owner, weakref.ref):
            return are_same(self.before, _items_of(self.owner))
        owner = self.owner()
        return owner is None or are_same(self.before, [kept(_value_at(owner, self.key))])


class Changes:
    """Remembers what is written."""

    def __init__(self) -> None:
        self._for_good = 0  # how often something changed of which cannot be told what was there before
        self._dropped = 0
        self._written: list[_Written] = []
        self._since = 0  # the last mark: how much was written

    def mark(self) -> tuple[int, int]:
        """How things stand, for `are_back_at`."""
        self._since = 0
        return self._for_good, self._dropped + len(self._written)

    def are_back_at(self, mark: tuple[int, int]) -> bool:
        """Whether all that was changed since then is as it was."""
        for_good, number = mark
        if for_good != self._for_good or number < self._dropped:
            return False
        seen: set[tuple[int, object]] = set()
        for one in self._written[number - self._dropped :]:
            place = id(one.owner if not isinstance(one.owner, weakref.ref) else one.owner()), one.key
            if place not in seen and not one.is_back():
                return False
            seen.add(place)
        return True

    def happened(self) -> None:
        """Something changed for good, as far as can be told."""
        self._for_good += 1
        self._dropped += len(self._written)
        self._written.clear()

    def writes(self, owner: Any, key: object, value: object, direct: bool = False) -> Any:
        """An attribute or a variable is about to get another value, by the function that is given back, if any.

        ``direct`` says that it is written past such a function.
        """
        self._since += 1
        if self._since > _MOST_AT_ONCE:
            self.happened()  # it computes, and waits for nobody
            return None
        function = None
        try:
            if type(owner) is CellType:
                self._fills(owner, value)
            elif direct or (function := _setter_of(type(owner), key)) is None:
                self._remember(_Written(weakref.ref(owner), key, [kept(_value_at(owner, key))]))
        except (_Unknown, TypeError):
            self.happened()
        return function

    def fills(self, container: Any, *values: object) -> None:
        """A container is about to be changed, and may get these values."""
        self._since += 1
        if self._since <= _MOST_AT_ONCE and type(container) in _CONTAINERS and len(container) <= _MOST_ITEMS:
            self._fills(container, *values)
        else:
            self.happened()

    def _fills(self, container: Any, *values: object) -> None:
        items = _items_of(container)
        if all(map(_is_plain, items)) and all(map(_is_plain, map(kept, values))):
            self._remember(_Written(container, None, items))
        else:
            self.happened()

    def calls(self, function: Any, arguments: tuple[Any, ...]) -> bool:
        """Whether a call does nothing but to change a container in a way that is remembered; if so, remember it."""
        if function is _SETTERS[0] and len(arguments) == 3:
            self.writes(*arguments, direct=True)
            return True
        owner = getattr(function, "__self__", None)
        if type(owner) not in _CONTAINERS or function.__name__ not in _CHANGING:
            return False
        if not all(_is_plain(kept(one)) for one in arguments):
            return False
        self.fills(owner, *arguments)
        return True

    def _remember(self, written: _Written) -> None:
        if len(self._written) == _MOST_WRITES:
            self.happened()
        else:
            self._written.append(written)


class _Unknown(Exception):
    """It cannot be told what is there."""


def _setter_of(kind: Any, key: Any) -> Any:
    """The Python function that runs in place of writing an attribute; None where there is none.

    Raises _Unknown where C code does that.
    """
    way = next(vars(base)["__setattr__"] for base in kind.__mro__ if "__setattr__" in vars(base))
    if way not in _SETTERS:
        return _python(way)
    member = next((vars(base)[key] for base in kind.__mro__ if key in vars(base)), None)
    way = getattr(type(member), "__set__", None)
    if way is None or type(member) is MemberDescriptorType:
        return None
    return _python(member.fset if is_a(member, property) else way)


def _python(function: Any) -> FunctionType:
    if type(function) is not FunctionType:
        raise _Unknown
    return function


def _value_at(owner: Any, key: Any) -> object:
    """What an attribute or a global variable has; no code of the program runs for it."""
    member = next((vars(base)[key] for base in type(owner).__mro__ if key in vars(base)), None)
    if type(member) is MemberDescriptorType:
        try:
            return member.__get__(owner)
        except AttributeError:
            return NOTHING
    if hasattr(type(member), "__set__") or type(owner).__getattribute__ not in _GETTERS:
        raise _Unknown
    return vars(owner).get(key, NOTHING)


def _items_of(container: Any) -> list[object]:
    """What is in it, in its order."""
    if isinstance(container, CellType):
        try:
            return [kept(container.cell_contents)]
        except ValueError:
            return [NOTHING]
    if isinstance(container, bytearray):
        return [bytes(container)]
    if isinstance(container, dict):
        return [(kept(key), kept(value)) for key, value in container.items()]
    return [*map(kept, container)]


def _is_plain(one: object) -> bool:
    if isinstance(one, tuple):
        return all(map(_is_plain, one))
    return not isinstance(one, weakref.ref) and type(one) is not object
