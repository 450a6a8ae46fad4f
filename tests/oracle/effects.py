"""What each operation does to the object it is on, and when it can be done, as CPython documents it.

Values never change: an operation puts another value in the object's place.  Dicts are
pairs in the order of insertion, lists are tuples, a semaphore is its count.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

Memory = dict[str, Any]


class Wrong(Exception):
    """The program raises here."""


class Lock(NamedTuple):
    """Who holds it."""

    owner: int | None = None


class Condition(NamedTuple):
    """A condition with its lock: who holds that, who stands in line, the longest waiting first, and who was told."""

    owner: int | None = None
    line: tuple[int, ...] = ()
    told: tuple[int, ...] = ()


class Event(NamedTuple):
    """Whether it is set, and who stands in line."""

    is_set: bool = False
    line: tuple[int, ...] = ()


class Queue(NamedTuple):
    """How much it holds, and what is in it."""

    room: int
    items: tuple[int, ...] = ()


FIRST: dict[str, Callable[[Any], Any]] = {
    "lock": lambda start: Lock(),
    "condition": lambda start: Condition(),
    "event": lambda start: Event(),
    "queue": Queue,
}
"""Kind -> its first value; that of all others is as the program says."""

SEEN: dict[type, Callable[[Any], Any]] = {
    Lock: lambda lock: lock.owner is not None,
    Condition: lambda condition: None,
    Event: lambda event: event.is_set,
    Queue: lambda queue: queue.items,
}
"""Type -> what can be seen of it in the end; all others are seen as they are."""


def _set_item(value: tuple, key: str, item: Any) -> tuple:
    pairs = dict(value)
    pairs[key] = item
    return tuple(pairs.items())


def _item(memory: Memory, thing: str, value: Any, key: str, me: int) -> Any:
    pairs = dict(memory[thing])
    if key not in pairs:
        raise Wrong
    return pairs[key]


def _delete(memory: Memory, thing: str, value: Any, key: str, me: int) -> None:
    _item(memory, thing, value, key, me)
    memory[thing] = tuple(pair for pair in memory[thing] if pair[0] != key)


def _pop(memory: Memory, thing: str, value: Any, key: Any, me: int) -> Any:
    if not memory[thing]:
        raise Wrong
    last = memory[thing][-1]
    memory[thing] = memory[thing][:-1]
    return last


def _put(memory: Memory, thing: str, value: Any, key: Any = None, me: int = 0) -> None:
    memory[thing] = value


def _acquire(memory: Memory, thing: str, value: Any, key: Any, me: int) -> bool:
    """Without waiting; False if it cannot be had."""
    held = memory[thing]
    if isinstance(held, int):
        if held == 0:
            return False
        memory[thing] = held - 1
        return True
    if held.owner is not None:
        return False
    memory[thing] = held._replace(owner=me)
    return True


def _release(memory: Memory, thing: str, value: Any, key: Any, me: int) -> None:
    held = memory[thing]
    memory[thing] = held + 1 if isinstance(held, int) else held._replace(owner=None)


def _line_up(memory: Memory, thing: str, value: Any, key: Any, me: int) -> None:
    condition = memory[thing]
    memory[thing] = Condition(None, (*condition.line, me), condition.told)


def _wake_up(memory: Memory, thing: str, value: Any, key: Any, me: int) -> None:
    condition = memory[thing]
    memory[thing] = Condition(me, condition.line, tuple(one for one in condition.told if one != me))


def _notify(memory: Memory, thing: str, count: int) -> None:
    owner, line, told = memory[thing]
    memory[thing] = Condition(owner, line[count:], told + line[:count])


def _wait(memory: Memory, thing: str, value: Any, key: Any, me: int) -> bool:
    """Whether the event is set; else the actor stands in line."""
    event = memory[thing]
    if not event.is_set:
        memory[thing] = Event(False, (*event.line, me))
    return event.is_set


def _get(memory: Memory, thing: str, value: Any, key: Any, me: int) -> int:
    queue = memory[thing]
    if not queue.items:
        raise Wrong
    memory[thing] = queue._replace(items=queue.items[1:])
    return queue.items[0]


DO: dict[str, Callable[[Memory, str, Any, Any, int], Any]] = {
    "read": lambda memory, thing, *_: memory[thing],
    "write": _put,
    "look up": lambda memory, thing, value, key, me: dict(memory[thing]).get(key, 0),
    "item": _item,
    "set item": lambda memory, thing, value, key, me: _put(memory, thing, _set_item(memory[thing], key, value)),
    "delete": _delete,
    "contains": lambda memory, thing, value, key, me: key in dict(memory[thing]),
    "length": lambda memory, thing, *_: len(memory[thing]),
    "truth": lambda memory, thing, *_: not memory[thing],
    "append": lambda memory, thing, value, *_: _put(memory, thing, (*memory[thing], value)),
    "pop": _pop,
    "copy": lambda memory, thing, *_: memory[thing],
    "acquire": _acquire,
    "release": _release,
    "try acquire": _acquire,
    "line up": _line_up,
    "wake up": _wake_up,
    "notify": lambda memory, thing, *_: _notify(memory, thing, 1),
    "notify all": lambda memory, thing, *_: _notify(memory, thing, len(memory[thing].line)),
    "set": lambda memory, thing, *_: _put(memory, thing, Event(True)),
    "clear": lambda memory, thing, *_: _put(memory, thing, memory[thing]._replace(is_set=False)),
    "is set": lambda memory, thing, *_: memory[thing].is_set,
    "wait": _wait,
    "woken": lambda *_: None,
    "put": lambda memory, thing, value, *_: _put(
        memory, thing, memory[thing]._replace(items=(*memory[thing].items, value))
    ),
    "get": _get,
    "get now": _get,
    "try get": lambda memory, thing, *rest: _get(memory, thing, *rest) if memory[thing].items else -1,
    "empty": lambda memory, thing, *_: not memory[thing].items,
}
"""Verb -> its effect on the memory, given value, key and actor; gives what the operation gives."""

READY: dict[str, Callable[[Any, int], bool]] = {
    "acquire": lambda held, me: held > 0 if isinstance(held, int) else held.owner is None,
    "wake up": lambda condition, me: me in condition.told and condition.owner is None,
    "woken": lambda event, me: me not in event.line,
    "put": lambda queue, me: len(queue.items) < queue.room,
    "get": lambda queue, me: bool(queue.items),
}
"""Verb -> whether it can be done now; all others always can."""

READS = frozenset(("read", "look up", "item", "contains", "length", "truth", "copy"))
"""What changes nothing; every operation on a synchronization object counts as a write."""
