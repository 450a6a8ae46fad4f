"""What can be seen of an execution between two steps: who can go on, who waits for what, what is at shared places."""

from __future__ import annotations

import queue
import threading
from collections.abc import Collection, Iterable, Iterator
from typing import Any

from lab.carriers.actor import Actor, Wait
from lab.carriers.awaiting import awaiting
from lab.carriers.task_actor import Outside, TaskActor
from lab.exploration import Exploration
from lab.graph import Standing, State
from lab.instrument import Site
from lab.kinds import is_a
from lab.naming import peek, short
from lab.operations import CACHED, CONTENTS, SYNC, is_container, is_iterator
from lab.recorder import Recording

_WAITS = {
    "lock": "waits for {}",
    "condition": "waits for a notification on {}",
    "event": "waits for the event {}",
    "semaphore": "waits for the semaphore {}",
    "get": "waits for an item in {}",
    "put": "waits for room in {}",
    "tasks": "waits until all of {} is done",
    "barrier": "waits at the barrier {}",
    "future": "waits for the result of {}",
    "join": "waits for the end of {}",
    "task": "waits for the end of {}",
    "sleep": "sleeps",
}
"""Kind of wait -> what to say of who waits so."""


class Observing(Recording):
    """Writes the steps down, and remembers which places were touched."""

    def __init__(self) -> None:
        super().__init__()
        self.places: dict[tuple[int, object], tuple[Any, object, str]] = {}  # owner, key and name, by id and key
        self.told: dict[str, str] = {}  # of processes: name -> the value that was last told
        self.again = False  # what happens is known: only the names of the places count

    def access(self, actor: Actor, owner: object, key: object, write: bool, site: Site, detail: object) -> None:
        """See `Recording.access`."""
        known = (id(owner), key) in self.places
        if self.again and known:
            return
        super().access(actor, owner, key, write, site, detail)
        if known:
            return
        if key is CONTENTS:
            if type(owner) is not CACHED and not is_iterator(type(owner)):
                self.places[id(owner), key] = owner, key, self.name(owner)
        else:
            self.places[id(owner), key] = owner, key, self.steps[-1].name

    def operation(self, actor: Actor, word: str, owner: object, site: Site, detail: str = "") -> None:
        """See `Recording.operation`."""
        super().operation(actor, word, owner, site, detail)
        step = self.steps[-1]
        if word in ("reads", "writes") and step.value is not None:
            self.told[step.name] = step.value
        if owner is not None and (id(owner), SYNC) not in self.places:
            self.places[id(owner), SYNC] = owner, SYNC, step.name


def state_of(exploration: Exploration, seen: Observing, enabled: Collection[Actor]) -> State:
    """What is there to be seen now; ``enabled`` are those that can go on."""
    control: Any = exploration.control
    holders: dict[int, Actor | str] = control.twins.memory.holders() if hasattr(control, "twins") else {}
    holders = {**holders, **getattr(control, "holding", {})}
    ready = set(enabled)  # what may happen to an actor does not make it ready
    standings = tuple(
        _standing(control, actor, actor in ready, seen, holders)
        for actor in control.actors
        if actor is not control.main and not isinstance(actor, Outside) and actor is not getattr(control, "_rest", None)
    )
    held = sorted(_held(holders, seen))
    values = dict(_values(seen))
    if exploration.program.processes:
        values = {**seen.told, **control.files()}
    return State(standings, tuple(sorted(values.items())), tuple(held))


def _standing(control: Any, actor: Actor, ready: bool, seen: Observing, holders: dict[int, Actor | str]) -> Standing:
    if actor.finished:
        return Standing(actor.name, "ended")
    if ready:
        return Standing(actor.name, "ready")
    place = seen.waiting.get(actor.index)
    line = place.line if place is not None else 0
    if isinstance(actor, TaskActor):
        return Standing(actor.name, "blocked", *_of_task(control, actor, seen))
    wait = actor.wait
    if wait is None:
        return Standing(actor.name, "blocked", "has to wait until the running one is done", line)
    return Standing(actor.name, "blocked", _why(wait, seen, holders), line)


def _of_task(control: Any, actor: TaskActor, seen: Observing) -> tuple[str, int]:
    task = actor.task() if actor.task is not None else None
    if task is None:
        return "has not arrived", 0
    site = control.waiting_for.get(actor)
    if site is None:
        return "is ready, and others come first", 0
    found = awaiting(task)
    if task._fut_waiter is None or task._fut_waiter.done():
        return "can go on, and others come first", site.line
    name = seen.names.of(found.owner, found.frame) if found.owner is not None else found.how
    return _WAITS.get(found.kind, "awaits {}").format(name), site.line


def _why(wait: Wait, seen: Observing, holders: dict[int, Actor | str]) -> str:
    name = seen.names.of(wait.owner) if wait.owner is not None else ""
    holder = holders.get(id(wait.owner))
    by = f", which {holder.name} holds" if isinstance(holder, Actor) else ""
    return _WAITS.get(wait.kind, "waits for {}").format(name).rstrip() + by


def _held(holders: dict[int, Actor | str], seen: Observing) -> Iterator[tuple[str, str]]:
    for identity, holder in holders.items():
        known = seen.places.get((identity, SYNC))
        if known is not None and isinstance(holder, Actor):
            yield known[2], holder.name


def _values(seen: Observing) -> Iterable[tuple[str, str]]:
    for owner, key, name in seen.places.values():
        text = _of_sync(owner) if key is SYNC or key == SYNC else _at(owner, key)
        if text is not None:
            yield name, text


def _at(owner: Any, key: object) -> str | None:
    if key is CONTENTS:
        return short(owner) if is_container(type(owner)) else None
    return short(peek(owner, key))


def _of_sync(owner: Any) -> str | None:
    """What of a synchronization object can be told by looking at it."""
    if is_a(owner, threading.Event):
        return "set" if owner._flag else "not set"  # type: ignore[attr-defined]
    if is_a(owner, threading.Semaphore):
        return str(owner._value)
    if is_a(owner, queue.Queue) and type(owner).__module__ == "queue":
        return short(list(owner.queue))
    return None
