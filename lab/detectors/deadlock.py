"""Why no actor can go on: a deadlock or a lost wakeup, and who waits for whom."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from lab.carriers.actor import Actor, Wait
from lab.program import Failure
from lab.virtual.state import OUTSIDE

Owners = Mapping[int, Actor | str]
Name = Callable[[object], str]

_KINDS = {
    "condition": ("a notification on {}", "notify it"),
    "event": ("the event {}", "set it"),
    "semaphore": ("the semaphore {}", "release it"),
    "any of": ("anything from {}", "cause it"),
    "get": ("an item in {}", "put one there"),
    "put": ("room in {}", "take anything from there"),
    "tasks": ("the tasks of {}", "mark them done"),
    "loop": ("an event in {}", "cause one"),
    "lock": ("{}", "release it"),
    "barrier": ("the barrier {}", "come to it"),
    "future": ("the result of {}", "provide it"),
}
"""Kind of wait -> what is waited for, and what another actor would have to do."""
_AS_PART_OF = {
    "barrier": ("the barrier {}", "come to it"),
    "queue": ("the queue {}", "use it"),
    "future": ("the result of {}", "provide it"),
}
"""The same for a wait on a condition that is part of something larger."""


def diagnose(
    waiting: Sequence[tuple[Actor, Wait]],
    owners: Owners,
    was_set: frozenset[int],
    actors: Sequence[Actor],
    name: Name,
    since: Callable[[Actor, object], str],
    left_behind: bool = False,
) -> Failure:
    """The failure behind a standstill.

    ``owners`` tells who holds which lock, by its id; ``name`` names an object, ``since`` tells where an actor
    took a lock.  A cycle of waiting actors is a deadlock, and so is a wait for something else by one who
    holds a lock that others need.  Where there is neither and an actor waits for a notification, the
    notification came too early or never: a lost wakeup.
    """
    waits = dict(waiting)
    blocked_by = {actor: _holder(wait, owners, actors) for actor, wait in waiting}
    detail = tuple(_line(actor, wait, owners, blocked_by[actor], name, since) for actor, wait in waiting)
    cycle = _cycle(blocked_by)
    if cycle:
        return Failure("deadlock", _story(cycle, waits, blocked_by, name), detail)
    if left_behind:
        actor, wait = next((actor, wait) for actor, wait in waiting if not actor.daemon)
        thing, _ = _thing(wait, blocked_by[actor], name)
        return Failure("leak", f"{actor.name} was left behind, waiting for {thing} for ever", detail)
    for actor, wait in waiting:
        why = _never_released(wait, owners, blocked_by[actor], waits)
        if why:
            return Failure("deadlock", f"{actor.name} waits for {name(wait.owner)}, {why}", detail)
    for actor, wait in waiting:
        holder = blocked_by[actor]
        if wait.kind == "lock" and holder in waits and waits[holder].kind not in ("lock", "join", "task"):
            thing, _ = _thing(waits[holder], None, name)
            story = f"{holder.name} waits for {thing} and holds {name(wait.owner)}, which {actor.name} waits for"
            return Failure("deadlock", story, detail)
    for actor, wait in waiting:
        if _is_lost(wait, was_set):
            verb = _KINDS[wait.kind][1]
            return Failure(
                "lost wakeup", f"{actor.name} waits on {name(wait.owner)}, and no one is left to {verb}", detail
            )
    roots = [actor for actor, holder in blocked_by.items() if holder not in waits]
    actor = roots[0] if roots else waiting[0][0]
    thing, verb = _thing(waits[actor], blocked_by[actor], name)
    return Failure("deadlock", f"{actor.name} waits for {thing}, and no one is left to {verb}", detail)


def _story(
    cycle: Sequence[Actor], waits: Mapping[Actor, Wait], blocked_by: Mapping[Actor, Actor | None], name: Name
) -> str:
    if len(cycle) == 1:
        return f"{cycle[0].name} waits for {name(waits[cycle[0]].owner)}, which it holds itself"
    parts = []
    for actor in cycle:
        holder = blocked_by[actor]
        thing, _ = _thing(waits[actor], holder, name)
        of = f" of {holder.name}" if holder is not None and waits[actor].kind == "lock" else ""
        parts.append(f"{actor.name} waits for {thing}{of}")
    return ", ".join(parts)


def _is_lost(wait: Wait, was_set: frozenset[int]) -> bool:
    if wait.doing:
        return False  # a Barrier that too few come to, or a task nobody runs, is no lost notification
    return wait.kind == "condition" or (wait.kind == "event" and id(wait.owner) in was_set)


def _never_released(wait: Wait, owners: Owners, holder: Actor | None, waits: Mapping[Actor, Wait]) -> str:
    """Why a lock will never be free although nobody who holds it waits, if so."""
    if wait.kind != "lock":
        return ""
    if _is_from_before(wait, owners) and holder not in waits:
        return "which was taken before the actors began"
    if holder is not None and holder not in waits:
        return f"which {holder.name} ended without releasing"
    return ""


def _is_from_before(wait: Wait, owners: Owners) -> bool:
    owner = owners.get(id(wait.owner))
    return owner == OUTSIDE or (isinstance(owner, Actor) and owner.index == 0)


def _holder(wait: Wait, owners: Owners, actors: Sequence[Actor]) -> Actor | None:
    if wait.kind == "lock":
        owner = owners.get(id(wait.owner))
        return owner if isinstance(owner, Actor) else None
    if wait.kind == "join":
        return next((actor for actor in actors if actor.thread is wait.owner), None)
    if wait.kind == "task":
        return next((actor for actor in actors if actor.runs_task(wait.owner)), None)
    return None


def _cycle(blocked_by: Mapping[Actor, Actor | None]) -> list[Actor]:
    for start in blocked_by:
        path: list[Actor] = []
        actor: Actor | None = start
        while actor is not None and actor not in path:
            path.append(actor)
            actor = blocked_by.get(actor)
        if actor is not None:
            return path[path.index(actor) :]
    return []


def _line(
    actor: Actor,
    wait: Wait,
    owners: Owners,
    holder: Actor | None,
    name: Name,
    since: Callable[[Actor, object], str],
) -> str:
    line = f"{actor.name} waits for {_thing(wait, holder, name)[0]} at {since(actor, None)}"
    if wait.kind != "lock":
        return line
    if actor.index and _is_from_before(wait, owners):
        return line + "; it was taken before the actors began"
    if holder is not None:
        return line + f"; {holder.name} holds it since {since(holder, wait.owner)}"
    return line


def _thing(wait: Wait, holder: Actor | None, name: Name) -> tuple[str, str]:
    """What is waited for, and what would have to be done."""
    if wait.kind in ("join", "task"):
        return "the end of " + (holder.name if holder is not None else name(wait.owner)), "end it"
    if wait.kind == "condition" and wait.doing in _AS_PART_OF:
        template, verb = _AS_PART_OF[wait.doing]
        whole, dot, _ = name(wait.owner).rpartition(".")  # the condition is an attribute of it
        return template.format(whole if dot else name(wait.owner)), verb
    template, verb = _KINDS.get(wait.kind, ("{}", "end that"))
    return template.format(name(wait.owner)), verb
