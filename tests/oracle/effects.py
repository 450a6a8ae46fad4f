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
    """Who holds it, and how often; only a reentrant one is taken again by who holds it."""

    owner: int | None = None
    count: int = 0
    reentrant: bool = False


class Condition(NamedTuple):
    """A condition with its lock: who holds that, who stands in line, the longest waiting first, and who was told.

    ``saved`` is how often each of those who wait had taken the lock.
    """

    owner: int | None = None
    count: int = 0
    reentrant: bool = True
    line: tuple[int, ...] = ()
    told: tuple[int, ...] = ()
    saved: tuple[tuple[int, int], ...] = ()


class Barrier(NamedTuple):
    """`threading.Barrier`: a condition, how many meet and have come, and its state by the library's number."""

    parties: int
    owner: int | None = None
    count: int = 0
    reentrant: bool = False
    line: tuple[int, ...] = ()
    told: tuple[int, ...] = ()
    saved: tuple[tuple[int, int], ...] = ()
    come: int = 0
    state: int = 0  # filling 0, draining 1, resetting -1, broken -2


class Bounded(NamedTuple):
    """A semaphore that is not released more often than it was acquired."""

    most: int
    value: int


class Event(NamedTuple):
    """Whether it is set, and who stands in line."""

    is_set: bool = False
    line: tuple[int, ...] = ()


class Queue(NamedTuple):
    """How much it holds, what is in it, and how many items nobody has said to be done with."""

    room: int
    items: tuple[int, ...] = ()
    unfinished: int = 0


FIRST: dict[str, Callable[[Any], Any]] = {
    "lock": lambda start: Lock(),
    "reentrant": lambda start: Lock(reentrant=True),
    "condition": lambda start: Condition(),
    "plain condition": lambda start: Condition(reentrant=False),
    "bounded semaphore": lambda start: Bounded(start, start),
    "event": lambda start: Event(),
    "queue": Queue,
    "barrier": Barrier,
}
"""Kind -> its first value; that of all others is as the program says."""

SEEN: dict[type, Callable[[Any], Any]] = {
    Lock: lambda lock: None if lock.reentrant else lock.owner is not None,
    Condition: lambda condition: None,
    Barrier: lambda barrier: barrier.state,
    Bounded: lambda semaphore: semaphore.value,
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
    if isinstance(held, int | Bounded):
        if not _value(held):
            return False
        memory[thing] = _changed(held, -1)
        return True
    if held.owner is not None and not (held.reentrant and held.owner == me):
        return False
    memory[thing] = held._replace(owner=me, count=held.count + 1)
    return True


def _value(semaphore: int | Bounded) -> int:
    return semaphore if isinstance(semaphore, int) else semaphore.value


def _changed(semaphore: int | Bounded, by: int) -> int | Bounded:
    return semaphore + by if isinstance(semaphore, int) else semaphore._replace(value=semaphore.value + by)


def _release(memory: Memory, thing: str, value: Any, key: Any, me: int) -> None:
    held = memory[thing]
    if isinstance(held, int | Bounded):
        if isinstance(held, Bounded) and held.value == held.most:
            raise Wrong
        memory[thing] = _changed(held, 1)
        return
    if held.owner is None or (held.reentrant and held.owner != me):
        raise Wrong
    memory[thing] = held._replace(owner=held.owner if held.count > 1 else None, count=held.count - 1)


def _line_up(memory: Memory, thing: str, value: Any, key: Any, me: int) -> None:
    held = memory[thing]
    if held.owner is None or (held.reentrant and held.owner != me):
        raise Wrong
    memory[thing] = held._replace(owner=None, count=0, line=(*held.line, me), saved=(*held.saved, (me, held.count)))


def _wake_up(memory: Memory, thing: str, value: Any, key: Any, me: int) -> bool:
    """Take the lock back; whether it was told to."""
    held = memory[thing]
    memory[thing] = held._replace(
        owner=me,
        count=dict(held.saved)[me],
        line=tuple(one for one in held.line if one != me),
        told=tuple(one for one in held.told if one != me),
        saved=tuple(one for one in held.saved if one[0] != me),
    )
    return me in held.told


def _wake_up_in_time(memory: Memory, thing: str, value: Any, key: Any, me: int) -> bool | None:
    """The same; None where the time is up and the lock is not free: it stands in line until it has got that."""
    return None if memory[thing].owner is not None else _wake_up(memory, thing, value, key, me)


def _wake_up_late(memory: Memory, thing: str, value: Any, key: Any, me: int) -> bool:
    _wake_up(memory, thing, value, key, me)
    return False


def _notify(memory: Memory, thing: str, count: int, me: int) -> None:
    held = memory[thing]
    if held.owner is None or (held.reentrant and held.owner != me):
        raise Wrong
    memory[thing] = held._replace(line=held.line[count:], told=held.told + held.line[:count])


def _wait(memory: Memory, thing: str, value: Any, key: Any, me: int) -> bool:
    """Whether the event is set; else the actor stands in line."""
    event = memory[thing]
    if not event.is_set:
        memory[thing] = Event(False, (*event.line, me))
    return event.is_set


def _woken_in_time(memory: Memory, thing: str, value: Any, key: Any, me: int) -> bool:
    event = memory[thing]
    memory[thing] = event._replace(line=tuple(one for one in event.line if one != me))
    return me not in event.line


def _put_in(memory: Memory, thing: str, value: Any, key: Any, me: int) -> bool:
    queue = memory[thing]
    if len(queue.items) >= queue.room:
        raise Wrong
    memory[thing] = queue._replace(items=(*queue.items, value), unfinished=queue.unfinished + 1)
    return True


def _get(memory: Memory, thing: str, value: Any, key: Any, me: int) -> int:
    queue = memory[thing]
    if not queue.items:
        raise Wrong
    memory[thing] = queue._replace(items=queue.items[1:])
    return queue.items[0]


def _done(memory: Memory, thing: str, value: Any, key: Any, me: int) -> None:
    if not memory[thing].unfinished:
        raise Wrong
    memory[thing] = memory[thing]._replace(unfinished=memory[thing].unfinished - 1)


def _or(other: object, effect: Callable[..., Any]) -> Callable[..., Any]:
    """The operation where what is raised is caught at once."""

    def tried(*arguments: Any) -> Any:
        try:
            return effect(*arguments)
        except Wrong:
            return other

    return tried


# ------------------------------------------------------------------ Barrier: what its code does while it has the lock


def _come(memory: Memory, thing: str, value: Any, key: Any, me: int) -> str:
    barrier = memory[thing]
    if barrier.state in (-1, 1):
        return "not yet"
    if barrier.state < 0:
        raise Wrong
    last = barrier.come + 1 == barrier.parties
    memory[thing] = barrier._replace(come=barrier.come + 1, state=1 if last else 0)
    return "last" if last else "wait"


def _look(memory: Memory, thing: str, value: Any, key: Any, me: int) -> str:
    state = memory[thing].state
    return "wait" if state == 0 else "broken" if state < 0 else "go"


def _leave(memory: Memory, thing: str, value: Any, key: Any, me: int) -> str:
    barrier = memory[thing]._replace(come=memory[thing].come - 1)
    drained = barrier.come == 0 and barrier.state in (-1, 1)
    memory[thing] = barrier._replace(state=0) if drained else barrier
    return "drained" if drained else "go"


def _break(memory: Memory, thing: str, value: Any, key: Any, me: int) -> str:
    memory[thing] = memory[thing]._replace(state=-2)
    return "go"


def _reset(memory: Memory, thing: str, value: Any, key: Any, me: int) -> str:
    barrier = memory[thing]
    state = (-1 if barrier.state in (0, -2) else barrier.state) if barrier.come else 0
    memory[thing] = barrier._replace(state=state)
    return "go"


def _fail(memory: Memory, thing: str, value: Any, key: Any, me: int) -> str:
    raise Wrong


UNDER_LOCK: dict[str, Callable[[Memory, str, Any, Any, int], str]] = {
    "come": _come,
    "look": _look,
    "leave": _leave,
    "break": _break,
    "reset to": _reset,
    "fail": _fail,
}
"""What is no step, as nobody else can be there; gives which way to go on."""


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
    "acquire in time": _acquire,
    "line up": _line_up,
    "wake up": _wake_up,
    "wake up in time": _wake_up_in_time,
    "wake up late": _wake_up_late,
    "notify": lambda memory, thing, value, key, me: _notify(memory, thing, 1, me),
    "notify all": lambda memory, thing, value, key, me: _notify(memory, thing, len(memory[thing].line), me),
    "set": lambda memory, thing, *_: _put(memory, thing, Event(True)),
    "clear": lambda memory, thing, *_: _put(memory, thing, memory[thing]._replace(is_set=False)),
    "is set": lambda memory, thing, *_: memory[thing].is_set,
    "wait": _wait,
    "woken": lambda *_: True,
    "woken in time": _woken_in_time,
    "put": _put_in,
    "put now": _put_in,
    "put in time": _or(False, _put_in),
    "get": _get,
    "get now": _get,
    "try get": _or(-1, _get),
    "get in time": _or(-1, _get),
    "empty": lambda memory, thing, *_: not memory[thing].items,
    "full": lambda memory, thing, *_: len(memory[thing].items) >= memory[thing].room,
    "size": lambda memory, thing, *_: len(memory[thing].items),
    "done": _done,
    "all done": lambda *_: None,
}
"""Verb -> its effect on the memory, given value, key and actor; gives what the operation gives."""

READY: dict[str, Callable[[Any, int], bool]] = {
    "acquire": lambda held, me: _value(held) > 0 if isinstance(held, int | Bounded) else held.owner is None,
    "wake up": lambda condition, me: me in condition.told and condition.owner is None,
    "wake up in time": lambda condition, me: me not in condition.told or condition.owner is None,
    "wake up late": lambda condition, me: condition.owner is None,
    "woken": lambda event, me: me not in event.line,
    "put": lambda queue, me: len(queue.items) < queue.room,
    "get": lambda queue, me: bool(queue.items),
    "all done": lambda queue, me: not queue.unfinished,
}
"""Verb -> whether it can be done now; all others always can.  A time that may be up at any moment makes nobody wait."""


def is_unnoticed(verb: str, value: Any, me: int) -> bool:
    """Whether an operation on a lock is no step: to take again what one has, or to be refused what is somebody else's."""
    if not isinstance(value, Lock | Condition) or not value.reentrant:
        return False
    if verb in ("acquire", "try acquire", "acquire in time"):
        return value.owner == me
    if verb == "release":
        return value.owner != me or value.count > 1
    return verb in ("notify", "notify all", "line up") and value.owner != me


_LOCK = ("acquire", "try acquire", "acquire in time", "release", "wake up late")
_BOTH = ("line up", "wake up", "wake up in time")


def touched(verb: str, thing: str, value: Any) -> tuple[str, ...]:
    """The objects that an operation is on: a condition and its lock are two."""
    if not isinstance(value, Condition | Barrier):
        return (thing,)
    lock = f"the lock of {thing}"
    if verb in _LOCK:
        return (lock,)
    asks = verb in ("notify", "notify all") and not value.reentrant  # who has it a plain lock does not know
    return (thing, lock) if verb in _BOTH or asks else (thing,)


READS = frozenset(("read", "look up", "item", "contains", "length", "truth", "copy"))
"""What changes nothing; every operation on a synchronization object counts as a write."""
