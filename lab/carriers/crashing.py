"""Actors that may be killed between two of their operations, which the strategy chooses as it does who goes on.

A kill is an operation of its own, of something outside that stands beside its actor.  It touches whether the actor's
process goes on, which every operation of that actor reads, and what the system frees at the end of a process.  Where
nobody was killed it comes when its actor has ended, and does nothing: so an exploration sees that it might have come
before any of the actor's operations.  (Not later: others, who may notice the end of a process, come between, and then
it would have to come before theirs first, when there is nobody to be killed.)  One actor is killed in an execution at
most.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from lab.carriers.actor import Actor
from lab.carriers.task_actor import Outside
from lab.filesystem.paths import Access, Common, Paths
from lab.filesystem.request import Request
from lab.operations import SYNC

IS_KILLED = "is killed"
LIFE = "life"
"""The key of whether a process goes on."""
ALIVE = "alive"
"""What an operation waits for that asks whether a process goes on."""
_OF_NOBODY_ELSE = frozenset(("sleep", "goes on"))
_OF_SYSTEM = "/proc/"


class ProcessActor(Actor):
    """An actor that is a process."""

    __slots__ = ("life",)

    def __init__(self, index: int, name: str, body: Callable[..., Any], argument: tuple[Any, ...]) -> None:
        super().__init__(index, name, body, argument)
        self.life = Life()

    def comes_to(self, word: str) -> bool:
        """See `Actor.comes_to`."""
        return word != IS_KILLED


class Life:
    """Whether a process goes on."""

    def __init__(self) -> None:
        self.over = False


class Crashes:
    """Who can be killed, and who was."""

    def __init__(self, names: Iterable[str]) -> None:
        self.names = frozenset(names)
        self.kills: list[Outside] = []
        self.killed: ProcessActor | None = None
        self.asked = False  # in some execution: whether a process goes on

    def begin(self, actors: Sequence[ProcessActor], kill: Callable[[Outside], None]) -> list[Outside]:
        """Another execution of these actors; what stands beside them."""
        self.killed = None
        if self.names and [one.owner for one in self.kills] != [one for one in actors if one.name in self.names]:
            self.kills = []
            for actor in actors:
                if actor.name in self.names:
                    one = Outside(len(actors) + len(self.kills) + 1, actor, IS_KILLED, lambda: None)
                    one.happen = lambda one=one: kill(one)  # type: ignore[misc]
                    self.kills.append(one)
        return self.kills

    def possible(self, paths: Paths, pending: dict[Actor, Request]) -> list[Outside]:
        """The kills that can come now, each with what it would touch."""
        if self.killed is not None:
            return []
        found = []
        for one in self.kills:
            if not one.owner.finished:
                one.site = pending[one.owner].site
                self.publish(one, paths)
                found.append(one)
        return found

    def too_late(self, actor: Actor) -> Outside | None:
        """The kill of an actor that has ended before it came; None where it could not have come."""
        kill = next((one for one in self.kills if one.owner is actor), None) if self.kills else None
        if kill is None or self.killed is not None:
            return None
        owner: Any = actor
        kill.place, kill.writes, kill.more = (id(owner.life), LIFE), True, ()
        return kill

    def publish(self, one: Outside, paths: Paths) -> None:
        """Tell the strategies what it touches: the system gives back the locks of a process that is no more."""
        owner: Any = one.owner
        one.place, one.writes = (id(owner.life), LIFE), True
        held = [lock for lock in paths.locks() if any(held.actor is owner for held in lock.held)]
        one.more = tuple([((id(lock), SYNC), True) for lock in held])

    def lives(self, request: Request, actors: Sequence[ProcessActor], pids: dict[int, ProcessActor]) -> list[Access]:
        """Whose life matters to an operation: its own actor's, and where it may see the end of others, theirs."""
        actor: Any = request.actor
        what = request.wait[0] if request.wait else ""
        if what == "end":
            return [(actor.life, LIFE, True)] if self.asked else []
        found: list[Access] = []
        if actor.name in self.names and (request.effects or request.wait):
            found.append((actor.life, LIFE, False))
        if what == ALIVE:
            self.asked = True
            target = pids.get(request.wait[1])
            if target is not None and target is not actor:
                found.append((target.life, LIFE, False))
        elif self.names and what not in _OF_NOBODY_ELSE and (what or _may_notice(request.effects)):
            found += [(one.life, LIFE, False) for one in actors if one is not actor and one.name in self.names]
        return found


def _may_notice(effects: Iterable[tuple[Any, str]]) -> bool:
    """Whether it asks the system, or a server, which lets go of what the session of a process held."""
    return any(
        isinstance(where, Common) or (isinstance(where, str) and where.startswith(_OF_SYSTEM)) for where, _ in effects
    )
