"""What the processes of actors come to, as the runner hears it, and what came of what they did."""

from __future__ import annotations

from typing import Any

from lab.carriers.actor import Actor, Wait
from lab.carriers.asked import answer, known
from lab.carriers.children import StandsStill
from lab.carriers.crashing import ProcessActor
from lab.carriers.execution import Stopped
from lab.carriers.private import PrivateDirectory
from lab.carriers.process_ends import ProcessEnds
from lab.carriers.process_sites import Sites
from lab.child.births.forking import OF_BIRTHS
from lab.child.wire import Gone
from lab.filesystem.paths import Access
from lab.filesystem.request import HELD_BY_OTHERS, LETS_GO, Request, waiting
from lab.filesystem.walks import OVERTAKEN, Locks, Walks, held_by
from lab.forks import ChildFailure
from lab.instrument import Site


class ProcessArrivals(ProcessEnds):
    """The part of the `process` carrier that hears what actors are about to do, and writes down what they did."""

    _directory: PrivateDirectory
    _sites: Sites
    _by_pid: dict[int, ProcessActor]
    _walks: Walks

    def _answer(self, actor: Actor, *question: Any) -> object:
        """What a child is told about a session of its own."""
        return answer(self._sessions, actor, *question)

    def _hear(self, actor: Actor) -> tuple[str, Any, str | None] | None:
        """Wait for what ``actor`` comes to next, and the result of its last operation; None if it is no more."""
        try:
            kind, payload, result, notes, now = self._children.hear(actor, self._answer)
        except Gone:
            return None
        except StandsStill:
            self._stands_still(actor)
        except TimeoutError as error:
            self.escape(str(error))
            raise Stopped from None
        self.now = max(self.now, now)
        for sort, note in notes:
            if sort in ("doubt", "note"):
                (self.doubts if sort == "doubt" else self.notes)[note] = None
            elif sort in ("maps", "unfollowed"):
                self._reaching.heard(sort, f"{actor.name}: {note}")
            elif sort == "code":
                self._children.prepare(note)
            elif sort == "nothing" and self.rounds is not None:
                self.rounds.came_to_nothing()
            elif sort in ("unsent", "sent"):
                self._unsent[actor] = note if sort == "unsent" else ""
            elif sort == "escapes":
                self.escape(f"{actor.name}: {note}")
                raise Stopped
            elif sort in OF_BIRTHS:
                self._told_of_birth(actor, sort, note)
            elif sort in ("writes", "wrote"):
                self._paths.database(note).writer = actor if sort == "writes" else None
            else:
                self.discovery.uncontrolled[f"{actor.name}: {note}"] = None
                self._children.is_wild(actor)
        return kind, payload, result

    def _told_of_birth(self, actor: Actor, sort: str, note: Any) -> None:
        raise NotImplementedError

    def _go_to(self, actor: Actor, heard: tuple[str, Any, str | None] | None) -> None:
        """Take in what ``actor`` has come to, after all that it did before."""
        before = self._pending.get(actor)
        if heard is None:
            where = (f"{actor.name}: {before.where}",) if before is not None else ()
            self._fail(actor, ChildFailure(f"{actor.name} {self._children.how_ended(actor)}", where))
            return
        for made in before.made if before is not None else ():
            self._paths.made(made)
        request = self._pending[actor] = self._request(actor, *heard[:2])
        self._publish_request(actor)
        if request.blocks:
            kind, owner, ready, deadline = waiting(request, self._paths, self.now)
            actor.wait = Wait(kind, owner, ready, deadline, self.now, request.site)
            self.waiting += 1
            wait = actor.wait
            if request.timed and wait.deadline is not None and wait.deadline > self.now and not wait.any_order:
                self.timers.add(actor.index)
            if self.recorder is not None and request.awaited is not None:
                self._named(request.awaited, request.label)
                self.recorder.waits(actor, request.awaited, request.site)

    def _request(self, actor: Actor, kind: str, payload: Any) -> Request:
        if kind == "end":
            word, label, detail, wait = "ends", "", "", ("end",)
            effects, where = payload[-2:]
        else:
            word, label, effects, detail, wait, where, as_at = payload
            if self.rounds is not None:
                self.rounds.arrived(actor, as_at)
        site = self._site(where, word)
        effects, wait = known(self._sessions, effects, wait)
        request = Request(word, label, effects, detail, wait, site, actor)
        request.where = f"{where[0]}:{where[3]} in {where[1]}"
        if kind == "end":
            request.payload = payload
        request.find_locks(self._paths)
        return request

    def _site(self, where: tuple[str, str, int, int], word: str) -> Site:
        return self._sites.at(where, word)

    def _publish_request(self, actor: Actor) -> None:
        """Tell the strategies what the actor is about to do, as things stand now."""
        request = self._pending[actor]
        request.publish(self._paths, self._more(request))

    def _more(self, request: Request) -> list[Access]:
        """What it touches beside files, locks and the like."""
        before = self._crashes.asked
        found = self._crashes.lives(request, self._processes, self._by_pid)
        if self._crashes.asked and not before:
            self._names_changed = True  # the ends that were published by then touch something now
        return found

    def _note_step(self, actor: Actor, request: Request, counts: bool, timed_out: bool, result: str | None) -> None:
        if self.rounds is not None:
            self.rounds.happened(actor, request, result, timed_out)
        request.take(result, timed_out)
        if not timed_out and request.word in LETS_GO:
            self._paths.used(request.effects)
        if result == HELD_BY_OTHERS:
            self.doubts[f"{actor.name} waited for a lock on {self._told(request.label)} that no actor held"] = None
        if request.accesses:
            overtaken = self._walks.happened(request, self._held_by)
            if overtaken:
                self.doubts[OVERTAKEN.format(self._told(overtaken))] = None
        for owner, key, write in request.accesses:
            if write and type(key) is tuple:
                self._names_changed = True
            self._mark(actor, owner, key, write, request.site)
        if self.recorder is not None and counts:
            word = f"{request.word} ({request.given_up})" if timed_out else request.word
            owner = self._named(request.subject(self._paths), request.label)
            detail = result if result is not None else request.detail
            self.recorder.operation(actor, word, owner, request.site, self._told(detail))

    def _held_by(self, actor: Actor) -> Locks:
        return held_by(self._paths, actor)

    def _named(self, owner: Any, label: str) -> Any:
        """``owner``, whose name in the trace is what the program calls it."""
        names = getattr(self.recorder, "names", None)
        if names is not None and owner is not None:
            names.give(owner, self._told(label))
        return owner
