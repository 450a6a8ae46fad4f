"""Processes that actors fork themselves, such as those of `multiprocessing`: actors as well, from then on.

Their parents ask for a step before they fork, and are lent an end of a wire for the child.  The end of such a process
is an operation, which those that wait for it, ask for it or send it a signal depend on.
"""

from __future__ import annotations

import os
import stat
from contextlib import suppress
from typing import Any

from lab.carriers.actor import Actor
from lab.carriers.crashing import ALIVE, LIFE, ProcessActor
from lab.carriers.process_arrivals import ProcessArrivals
from lab.child.births.ends import ARE_OVER, REAPS
from lab.child.births.forking import HAS_FORKED, HAS_NOT_FORKED, IS_BORN, KILLED, RAISED, SIGNALS
from lab.child.births.signals import STAYS, at_signal
from lab.child.channels import LENDS
from lab.child.telling import complaint
from lab.child.wire import Lent
from lab.filesystem.paths import Access
from lab.filesystem.request import CLOSES, ENDS, KILL, Request
from lab.operations import SYNC

_REAPED = "reaped"
"""The key of whether a parent has waited for the end of a process, which the system has forgotten then."""


class ProcessBirths(ProcessArrivals):
    """The part of the `process` carrier that takes in what actors fork."""

    _newborn: list[ProcessActor]  # of which nothing was heard yet
    _raised: dict[Actor, Any]  # what left whom
    _asked_for: set[Actor]  # how they ended
    has_offspring = closes_pipes = False  # in some execution

    def _advance(self, actor: Actor) -> None:
        raise NotImplementedError

    def _begin_births(self) -> None:
        self._newborn, self._raised, self._asked_for, self.cut_off = [], {}, set(), []
        self._children.channels.is_held = self._is_held

    # ------------------------------------------------------------ what parents ask and tell

    def _answer(self, actor: Actor, *question: Any) -> object:
        what, *rest = question
        if what == IS_BORN:
            return self._bear(actor, *rest)
        if what == ARE_OVER:
            return tuple([pid for pid in rest[0] if (one := self._by_pid.get(pid)) is None or one.life.over])
        if what == SIGNALS:
            return self._signals(*rest)
        if what == REAPS:
            return self._children.nursery.reap(*rest)
        if what == KILLED:
            self._is_killed(actor, self._by_pid[rest[0]])
            return None
        if what == LENDS:
            return self._children.channels.lend(*rest)
        return super()._answer(actor, *question)

    def _bear(self, parent: Actor, name: str, spawned: bool = False) -> object:
        """An actor is about to fork, or to start a process with an interpreter of its own."""
        count = sum(one.parent is parent for one in self.actors)
        name = name if name.isprintable() and name.strip() else f"fork {count + 1} of {parent.name}"
        taken = {actor.name for actor in self.actors}
        number, unique = 1, name
        while unique in taken:
            number += 1
            unique = f"{name} #{number}"
        child = ProcessActor(len(self.actors), unique, parent.body, ())
        child.parent, child.born, child.begun, child.thread = parent, len(self.events or ()), True, child.life
        self.actors.append(child)
        self._newborn.append(child)
        self.has_offspring = True
        wire = self._children.expect(child)
        return Lent((child.index, unique), (wire, self._children.nursery.line()) if spawned else (wire,))

    def _told_of_birth(self, actor: Actor, sort: str, note: Any) -> None:
        if sort == HAS_FORKED:
            index, pid = note
            child: Any = self.actors[index]
            self._by_pid[pid] = child
            self._children.offspring.born(child, pid)
        elif sort == HAS_NOT_FORKED:
            child = self.actors[note]
            child.finished = True
            self._newborn.remove(child)
        elif sort == RAISED:
            self._child_ended(actor, note)
        else:
            self._asked_for.add(self._by_pid.get(note, actor))

    def _see_to_ends(self) -> None:
        """What is to be killed may have taken locks since that was asked for, and what is asked for may have ended."""
        for actor in self.live:
            if self._pending[actor].wait[:1] in ((KILL,), (ENDS,)):
                self._publish_request(actor)

    def _bring_up(self) -> None:
        """Hear what new processes come to first."""
        before = self.current
        while self._newborn:
            child = self._newborn.pop(0)
            self.live.append(child)
            self.unfinished += 1
            self.current = child
            self._go_to(child, self._hear(child))
            self._advance(child)
        self.current = before

    # ------------------------------------------------------------ what an operation has to do with ends

    def _request(self, actor: Actor, kind: str, payload: Any) -> Request:
        if kind != "end" and payload[4][:1] in ((ENDS,), (KILL,)):
            what, whom, *rest = payload[4]
            if what == ENDS:
                whom = tuple([self._by_pid[pid].life for pid in whom if pid in self._by_pid])
            else:
                whom = self._by_pid[whom]
            payload = (*payload[:4], (what, whom, *rest), *payload[5:])
        return super()._request(actor, kind, payload)

    def _more(self, request: Request) -> list[Access]:
        found = super()._more(request)
        if not self.has_offspring:
            return found
        actor: Any = request.actor
        what = request.wait[0] if request.wait else ""
        own: list[Access] = []
        if what == ENDS:
            lives = request.wait[1]
            own += [(life, LIFE, False) for life in lives]
            own += [(life, _REAPED, True) for life in lives if request.wait[-1] and (life.over or request.blocks)]
        elif what == ALIVE and request.wait[1] in self._by_pid:
            own.append((self._by_pid[request.wait[1]].life, _REAPED, False))
        elif what == KILL:
            target = request.wait[1]
            held = [lock for lock in self._paths.locks() if any(one.actor is target for one in lock.held)]
            own += [(target.life, LIFE, True), *[(lock, SYNC, True) for lock in held]]
        if actor.child and (what or request.effects):
            own.append((actor.life, LIFE, what == "end"))
        if self.closes_pipes and what in ("end", KILL):
            own += self._ends_of_pipes(actor if what == "end" else request.wait[1])
        elif what == CLOSES and not self.closes_pipes:
            self.closes_pipes = self.suspicious = True
        return [*own, *found]

    # ------------------------------------------------------------ pipes

    def _is_held(self, inode: tuple[int, int], writing: bool) -> bool:
        """Whether an actor has an end of a pipe: that for writing or for reading, or that of a socket."""
        names = f"pipe:[{inode[1]}]", f"socket:[{inode[1]}]"
        for _, pid in self._children.pids():
            with suppress(OSError):
                for entry in os.scandir(f"/proc/{pid}/fd"):
                    with suppress(OSError):
                        found = os.readlink(entry.path)
                        mode = os.lstat(entry.path).st_mode if found == names[0] else 0
                        if found == names[1] or mode & (stat.S_IWUSR if writing else stat.S_IRUSR):
                            return True
        return False

    def _ends_of_pipes(self, actor: Actor) -> list[Access]:
        """What the system closes at the end of a process, where that may be noticed."""
        names: set[str] = set()
        with suppress(OSError):
            for entry in os.scandir(f"/proc/{self._children.pid(actor)}/fd"):
                with suppress(OSError):
                    names.add(os.readlink(entry.path))
        return [(self._paths.channel(inode), SYNC, True) for inode in self._children.channels.of(names)]

    def _see_to_readers(self, request: Request) -> None:
        """Before somebody sends into a pipe that is lent."""
        if request.wait[:1] == ("put",):
            self._children.channels.see_to_reader(request.wait[1])

    # ------------------------------------------------------------ signals

    def _signals(self, pid: int, number: int) -> str:
        """What a signal does to a process that an actor has forked; "" for any other process."""
        child: Any = self._by_pid.get(pid)
        if child is None or not child.child:
            return ""
        return STAYS if child.life.over else at_signal(pid, number)

    def _is_killed(self, actor: Actor, child: ProcessActor) -> None:
        """A signal was sent to a process that does not handle it."""
        if child.life.over or not self._children.offspring.is_over(child, wait=True):
            return
        self._sessions.left(child)
        could_be_done = self._pending.get(child)  # before the signal: nothing else may show that it depends on that
        if could_be_done is not None:
            for owner, key, write in could_be_done.accesses:
                self._mark(child, owner, key, write, could_be_done.site)
        self._is_no_more(child, actor, self._pending[actor].site)
        self.cut_off = [*self.cut_off, (child, len(self.events or ()) - 1)]

    # ------------------------------------------------------------ ends

    def _child_ended(self, actor: Actor, payload: tuple[Any, ...]) -> None:
        if payload[0] in ("raised", "broken", "misuse"):
            self._raised[actor] = payload
        if payload[0] in ("broken", "misuse"):
            self._complain_of_children()

    def _complain_of_children(self) -> None:
        """What left a process is a failure, unless somebody has asked how it ended."""
        for actor, payload in self._raised.items():
            why = complaint(actor.name, payload)
            if why is not None and actor not in self._asked_for:
                self._fail(actor, why)
