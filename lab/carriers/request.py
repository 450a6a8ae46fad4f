"""What a child asks for: an operation, what it touches, and what it may have to wait for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from lab.carriers.actor import Actor, Wait
from lab.carriers.filelocks import Held
from lab.carriers.paths import Access, Paths
from lab.instrument import Site
from lab.operations import SYNC

_OF_CONDITION = "._wait_semaphore"
LETS_GO = frozenset(("commits to", "rolls back in", "leaves", "fetches from", "lets go of", "ends"))
"""Operations on a database after which others may find it free."""
HELD_BY_OTHERS = "held by others"
"""The result of a lock that was not free although no actor holds it."""


class Request:
    """One operation that an actor has come to."""

    __slots__ = (
        *("_found", "accesses", "actor", "blocks", "detail", "effects", "ends", "kind", "label", "locks", "made"),
        *("_database", "goes_on", "payload", "site", "timed", "version", "wait", "wanted", "where", "word"),
    )

    def __init__(
        self, word: str, label: str, effects: Any, detail: str, wait: tuple[Any, ...], site: Site, actor: Actor
    ) -> None:
        self.word, self.label, self.effects, self.detail = word, label, effects, detail
        self.wait, self.site, self.actor = wait, site, actor
        self.kind = ""  # of the event
        self.blocks = self.timed = self.ends = False
        self.goes_on = False  # it is the rest of a write that has begun
        self.where = ""  # the line of the program
        self.payload: tuple[Any, ...] | None = None  # how the actor ended
        self.accesses: list[Access] = []  # what it touches, as things stand now
        self.made: list[Any] = []  # the entries that it makes
        self.locks: list[Access] = []
        self.wanted: Held | None = None
        self.version = 0
        self._database: Any = None
        self._found: list[Any] = []

    def find_locks(self, paths: Paths) -> None:
        """See which locks it is about."""
        if not self.wait:
            return
        what, *rest = self.wait
        if what == "sleep":
            self.kind, self.blocks, self.timed = "sleep", True, True
        elif what == "goes on":
            self.goes_on = True
        elif what == "alive":
            self.kind = self.word
        elif what == "database":
            self.kind, self.blocks, self.timed = "database", True, True
            self._database = paths.database(rest[0])
            self.version = self._database.version
        elif what in ("get", "put", "look"):
            self._found = [paths.channel(rest[0])]
            self.blocks, self.timed = what != "look", rest[3] is not None
            self.kind = what if self.blocks else self.word
        elif what.endswith("semaphore"):
            self._find_semaphore(paths, what, *rest)
        elif what in ("lock", "try", "unlock"):
            inode, sort, shared, fd, start, end = rest
            self._found = [getattr(paths.inode(inode), sort)]
            self.wanted = Held(self.actor, fd, shared, start, end)
            self.blocks = what == "lock"
            self.kind = {"lock": "shared lock" if shared else "lock", "try": self.word, "unlock": "releases"}[what]
        else:
            self.ends = what == "end"
            locks = paths.locks() if self.ends else paths.locks(rest[0])
            self._found = [lock for lock in locks if any(held.actor is self.actor for held in lock.held)]
            self.kind = "releases" if self._found else ""
        self.locks = [(lock, SYNC, True) for lock in self._found]

    def _find_semaphore(
        self, paths: Paths, what: str, number: int, is_lock: bool, timeout: float | None = None
    ) -> None:
        self._found = [paths.semaphore(number)]
        self.blocks, self.timed = what == "semaphore", timeout is not None
        if not self.blocks:
            self.kind = "releases" if what == "give semaphore" else self.word
        elif self.label.endswith(_OF_CONDITION):
            self.kind, self.label = "condition", self.label.removesuffix(_OF_CONDITION)
        else:
            self.kind = "lock" if is_lock else "semaphore"

    def owner(self, paths: Paths) -> Any:
        """What stands for the thing that it is about in a trace."""
        if self._found:
            return self._found[0]
        return paths.label(self.label) if self.label else None

    def take(self, result: str | None, timed_out: bool) -> None:
        """Keep what has come of it."""
        if self._database is not None and timed_out:
            return
        if not self._found or timed_out:
            return
        what = self.wait[0]
        if what in ("get", "put", "look"):
            return
        if what.endswith("semaphore"):
            if what == "give semaphore":
                self._found[0].holder = None
            elif what == "semaphore" or result == "True":
                self._found[0].holder = self.actor
            return
        lock, wanted = self._found[0], self.wanted
        if what == "close":
            for one in self._found:
                one.closed(self.actor, self.wait[2])
        elif what == "end":
            for one in self._found:
                one.ended(self.actor)
        elif wanted is None:
            return
        elif what == "unlock":
            lock.give_back(wanted)
        elif result == HELD_BY_OTHERS:
            lock.stalled[self.actor] = lock.version
        elif what == "lock" or result == "True":
            lock.take(wanted)


def waiting(request: Request, paths: Paths, now: float) -> Wait:
    """What an actor that has come to such a request waits for."""
    if request.wait[0] == "database":
        what, path, timeout, first = request.wait
        database, version, actor = paths.database(path), request.version, request.actor
        changed: Callable[[], bool] = lambda: database.version > version and database.is_free(actor)  # noqa: E731
        free: Callable[[], bool] = lambda: database.is_free(actor)  # noqa: E731
        return Wait(what, database, free if first else changed, now + timeout, now, request.site)
    if request.wait[0] in ("get", "put"):
        what, _, inode, amount, timeout = request.wait
        deadline = None if timeout is None else now + timeout
        get: Callable[[], bool] = lambda: paths.channels.can_get(inode, amount)  # noqa: E731
        put: Callable[[], bool] = lambda: paths.channels.can_put(inode)  # noqa: E731
        ready = get if what == "get" else put
        return Wait(what, request.locks[0][0], ready, deadline, now, request.site)
    if request.kind == "sleep":
        return Wait("sleep", None, _never, now + request.wait[1], now, request.site)
    if request.wait[0] == "semaphore":
        semaphore, timeout = request.locks[0][0], request.wait[3]
        deadline = None if timeout is None else now + timeout
        return Wait(request.kind, semaphore, semaphore.is_free, deadline, now, request.site)
    lock, wanted = request.locks[0][0], request.wanted
    assert wanted is not None
    can_have: Callable[[], bool] = lambda: lock.is_free(wanted)  # noqa: E731
    return Wait("lock", lock, can_have, None, now, request.site)


def _never() -> bool:
    return False
