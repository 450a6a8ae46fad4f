"""Why no actor can go on: a deadlock or a lost wakeup, and who waits for whom."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from lab.carriers.actor import Actor, Wait
from lab.program import Failure
from lab.virtual.state import OUTSIDE


def diagnose(
    waiting: Sequence[tuple[Actor, Wait]],
    owners: Mapping[int, Actor | str],
    was_set: frozenset[int],
    actors: Sequence[Actor],
    name: Callable[[object], str],
    since: Callable[[Actor, object], str],
    left_behind: bool = False,
) -> Failure:
    """The failure behind a standstill.

    ``owners`` tells who holds which lock, by its id; ``name`` names an object, ``since`` tells where an actor
    took a lock.  A cycle of waiting actors is a deadlock.  Where there is none and an actor waits for
    a notification, the notification came too early or never: a lost wakeup.
    """
    waits = dict(waiting)
    blocked_by = {actor: _holder(wait, owners, actors) for actor, wait in waiting}
    cycle = _cycle(blocked_by)
    detail = tuple(_line(actor, wait, owners, actors, name, since) for actor, wait in waiting)
    if cycle:
        if len(cycle) == 1:
            lock = name(waits[cycle[0]].owner)
            return Failure("deadlock", f"{cycle[0].name} waits for {lock}, which it holds itself", detail)
        story = ", ".join(
            f"{actor.name} waits for {_thing(waits[actor], name)} of {_named(blocked_by[actor])}" for actor in cycle
        )
        return Failure("deadlock", story, detail)
    if left_behind:
        actor, wait = next((actor, wait) for actor, wait in waiting if not actor.daemon)
        return Failure("leak", f"{actor.name} was left behind, waiting for {_thing(wait, name)} for ever", detail)
    lost = [(actor, wait) for actor, wait in waiting if _is_lost(actor, wait, was_set)]
    if lost:
        actor, wait = lost[0]
        verb = "set" if wait.kind == "event" else "notify"
        return Failure(
            "lost wakeup", f"{actor.name} waits on {name(wait.owner)}, and no one is left to {verb} it", detail
        )
    actor, wait = waiting[0]
    return Failure("deadlock", f"{actor.name} waits for {_thing(wait, name)}, and no one is left to end that", detail)


def _is_lost(actor: Actor, wait: Wait, was_set: frozenset[int]) -> bool:
    if wait.doing:
        return False  # a Barrier that not enough actors reach is no lost notification
    return wait.kind == "condition" or (wait.kind == "event" and id(wait.owner) in was_set)


def _holder(wait: Wait, owners: Mapping[int, Actor | str], actors: Sequence[Actor]) -> Actor | None:
    if wait.kind == "lock":
        owner = owners.get(id(wait.owner))
        return owner if isinstance(owner, Actor) else None
    if wait.kind == "join":
        return next((actor for actor in actors if actor.thread is wait.owner), None)
    return None


def _cycle(blocked_by: dict[Actor, Actor | None]) -> list[Actor]:
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
    owners: Mapping[int, Actor | str],
    actors: Sequence[Actor],
    name: Callable[[object], str],
    since: Callable[[Actor, object], str],
) -> str:
    line = f"{actor.name} waits for {_thing(wait, name)} at {since(actor, None)}"
    holder = _holder(wait, owners, actors)
    if holder is not None and wait.kind == "lock":
        line += f"; {holder.name} holds it since {since(holder, wait.owner)}"
    elif wait.kind == "lock" and owners.get(id(wait.owner)) == OUTSIDE:
        line += "; it was taken before the actors began"
    return line


def _thing(wait: Wait, name: Callable[[object], str]) -> str:
    if wait.kind == "join":
        return "the end of " + name(wait.owner)
    verb = {
        "condition": "a notification on ",
        "event": "the event ",
        "queue": "the queue ",
        "semaphore": "the semaphore ",
    }
    return verb.get(wait.kind, "") + name(wait.owner)


def _named(actor: Actor | None) -> str:
    return actor.name if actor is not None else "no one"
