"""Which processes have gone round a loop for nothing: they stand as they stood, and have changed nothing since.

Their own memory the processes compare themselves (`lab.child.loops.rounds`).  Here it is put down what they change
outside.
An operation changes nothing if it only reads, or comes to nothing: a file that was to be made and is there, a lock that
was tried and not had, a sleep, a wait that was given up.  Nor does to take a lock and give it back, if nobody tried it
meanwhile.
"""

from __future__ import annotations

from collections.abc import Iterable

from lab.carriers.actor import Actor
from lab.filesystem.paths import Paths
from lab.filesystem.request import Request

_TAKES = frozenset(("lock", "try", "semaphore", "try semaphore"))
_GIVES = frozenset(("unlock", "give semaphore"))
_ASKS = frozenset(("ask semaphore", "look"))
_HAD = {"try": "True", "try semaphore": "True", "lock": None, "semaphore": None}
"""How to take something has to have ended for it to be had."""


class _Actor:
    """What is known of one process."""

    def __init__(self) -> None:
        self.changes = 0
        self.taken: dict[int, tuple[object, int, int]] = {}  # by id, what it took since, how often, and when last
        self.stood: list[tuple[object, int]] = []  # how things stood at each stop, and when that was
        self.round = -1, 0  # when the last round began that it went for nothing, and of how many operations that was
        self.as_at = -1  # the stop at which its memory was as it is at the last one


class ProcessRounds:
    """What the processes of one execution have changed."""

    def __init__(self, paths: Paths) -> None:
        self._paths = paths
        self._actors: dict[Actor, _Actor] = {}
        self._now = 0  # how many operations there have been
        self._changed = 0  # when anybody changed anything last
        self._nothing = False  # the operation that goes on has come to nothing

    def _of(self, actor: Actor) -> _Actor:
        found = self._actors.get(actor)
        if found is None:
            found = self._actors[actor] = _Actor()
        return found

    def arrived(self, actor: Actor, as_at: int) -> None:
        """An actor has come to its next stop, with its memory as it was at another one; -1 if at none."""
        known = self._of(actor)
        known.stood.append((self._standing(actor), self._now))
        known.as_at = as_at
        if self.came_round(actor):
            known.round = known.stood[as_at][1], len(known.stood) - 1 - as_at

    def came_round(self, actor: Actor) -> bool:
        """Whether all is for the actor as it was at an earlier stop, and by its own doing has been since."""
        known = self._of(actor)
        return known.as_at >= 0 and known.stood[known.as_at][0] == self._standing(actor)

    def goes_round(self, actor: Actor) -> bool:
        """Whether it has gone round, and met nothing that anybody changed meanwhile: so it will again.

        Who has taken something and not given it back has changed something.
        """
        taken = [when for known in self._actors.values() for _, _, when in known.taken.values()]
        return self._of(actor).round[0] >= max(self._changed, *taken, 0)

    def were_seen(self, actors: Iterable[Actor], often: int) -> bool:
        """Whether there was time for so many rounds of each since anybody changed anything."""
        return self._now - self._changed > often * sum(self._of(actor).round[1] for actor in actors)

    def _standing(self, actor: Actor) -> object:
        known = self._of(actor)
        taken = tuple([(number, often) for number, (_, often, _) in sorted(known.taken.items())])
        held = [
            (id(lock), one.fd, one.shared, one.start, one.end)
            for lock in self._paths.locks()
            for one in lock.held
            if one.actor is actor
        ]
        return known.changes, taken, held

    def came_to_nothing(self) -> None:
        """The process itself has seen that its operation left everything as it was; asked before `happened`."""
        self._nothing = True

    def happened(self, actor: Actor, request: Request, result: str | None, timed_out: bool) -> None:
        """An operation was done; its accesses are as they were before."""
        self._now += 1
        nothing, self._nothing = self._nothing, False
        locks = [lock for lock, _, _ in request.locks]
        for lock in locks:
            self._disturb(actor, lock)
        what = request.wait[0] if request.wait else ""
        if timed_out and request.kind != "condition":
            return
        if nothing or what in _ASKS or not any(write for _, _, write in request.accesses):
            return
        if what in _TAKES:
            if result == _HAD[what]:
                for lock in locks:
                    self._take(actor, lock)
        elif what in _GIVES:
            for lock in locks:
                self._give(actor, lock)
        else:
            self._change(actor)

    def killed(self, actor: Actor) -> None:
        """The actor is no more, and what it held is free."""
        self._change(actor)

    def _take(self, actor: Actor, lock: object) -> None:
        taken = self._of(actor).taken
        taken[id(lock)] = lock, taken.get(id(lock), (lock, 0, 0))[1] + 1, self._now

    def _give(self, actor: Actor, lock: object) -> None:
        taken = self._of(actor).taken
        often = taken.pop(id(lock), (lock, 0, 0))[1]
        if not often:
            self._change(actor)
        elif often > 1:
            taken[id(lock)] = lock, often - 1, self._now

    def _change(self, actor: Actor) -> None:
        known = self._of(actor)
        known.changes += 1
        self._changed = self._now
        known.taken.clear()

    def _disturb(self, actor: Actor, lock: object) -> None:
        """Whoever has a lock that another one tries has changed something."""
        for other, known in self._actors.items():
            if other is not actor and id(lock) in known.taken:
                self._change(other)
