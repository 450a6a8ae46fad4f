"""What an actor comes to: an operation, what it touches, and what it may have to wait for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from lab.filesystem.filelocks import INHERITED, Held
from lab.filesystem.paths import Access, Paths
from lab.filesystem.shared import Managed
from lab.instrument import Site
from lab.operations import SYNC

if TYPE_CHECKING:
    from lab.carriers.actor import Actor

_OF_CONDITION = "._wait_semaphore"
LETS_GO = frozenset(
    ("commits to", "rolls back in", "releases a savepoint in", "leaves", "fetches from", "lets go of", "ends")
)
"""Operations on a database after which others may find it free."""
NOT_YET = "not yet"
"""The result of a request that has to be made again when somebody else has made one."""
REFUSED = "refused"
"""The result of giving back a semaphore that nobody had taken."""
ENDS, KILL, BIRTH, CLOSES, ANSWERS = "ends of", "kill", "birth", "closes a pipe", "answers signals"
"""What an operation waits for, or does, that concerns processes which an actor has forked."""
HELD_BY_OTHERS = "held by others"
"""The result of a lock that was not free although no actor holds it."""


class Request:
    """One operation that an actor has come to."""

    __slots__ = (
        *(
            "_found",
            "accesses",
            "actor",
            "blocks",
            "detail",
            "effects",
            "ends",
            "kind",
            "label",
            "locks",
            "made",
            "passed",
        ),
        *(
            "_database",
            "_managed",
            "goes_on",
            "owner",
            "payload",
            "site",
            "timed",
            "version",
            "wait",
            "wanted",
            "where",
            "word",
        ),
    )

    def __init__(
        self,
        word: str,
        label: str,
        effects: Any,
        detail: str,
        wait: tuple[Any, ...],
        site: Site,
        actor: Actor,
        owner: object = None,
    ) -> None:
        self.word, self.label, self.effects, self.detail = word, label, effects, detail
        self.wait, self.site, self.actor = wait, site, actor
        self.owner = owner if owner is not None else actor  # whose its locks are
        self.kind = ""  # of the event
        self.blocks = self.timed = self.ends = False
        self.goes_on = False  # it is the rest of a write that has begun
        self.where = ""  # the line of the program
        self.payload: tuple[Any, ...] | None = None  # how the actor ended
        self.accesses: list[Access] = []  # what it touches, as things stand now
        self.made: list[Any] = []  # the entries that it makes
        self.passed: list[Access] = []  # what its paths lead through
        self.locks: list[Access] = []
        self.wanted: Held | None = None
        self.version = 0
        self._database: Any = None
        self._managed: Managed | None = None
        self._found: list[Any] = []

    def find_locks(self, paths: Paths) -> None:
        """See which locks it is about."""
        paths.lockf_waits.pop(self.actor, None)
        self.label = paths.ranges.label(self.effects, self.label)
        if not self.wait:
            return
        what, *rest = self.wait
        if what == "server":
            self.kind, self.blocks = "server", True
        elif what == "sleep":
            self.kind, self.blocks, self.timed = "sleep", True, True
        elif what == "goes on":
            self.goes_on = True
        elif what == "file":
            self.kind, self.blocks = "", not rest[0].is_free()
        elif what in ("alive", KILL, BIRTH, ANSWERS):
            self.kind = self.word
        elif what == CLOSES:
            self._found = [paths.channel(inode) for inode in rest[0]]
            self.kind = self.word
        elif what == ENDS:
            lives, inodes, timeout, self.blocks, _ = rest
            self._found = [paths.channel(inode) for inode in inodes]
            self.timed = timeout is not None
            self.kind = self.word if not self.blocks else "join" if len(lives) == 1 and not inodes else "any of"
        elif what == "database":
            self.kind, self.blocks, self.timed = "database", True, True
            self._database = paths.database(rest[0])
            self.version = self._database.version
        elif what == "managed":
            self._managed = paths.managed(rest[0])
            self.version, self.blocks, self.timed = self._managed.version, rest[1] == "waits", rest[2] is not None
            self.kind = "managed" if self.blocks else self.word
        elif what in ("get", "put", "look"):
            self._found = [paths.channel(rest[0])]
            self.blocks, self.timed = what != "look", rest[3] is not None
            self.kind = what if self.blocks else self.word
        elif what.endswith("semaphore"):
            self._find_semaphore(paths, what, *rest)
        elif what in ("lock", "try", "unlock"):
            inode, sort, shared, fd, inherited, start, end = rest
            self._found = [getattr(paths.inode(inode), sort)]
            self.wanted = Held(self.actor, INHERITED if inherited else self.owner, fd, shared, start, end)
            self.blocks = what == "lock"
            if self.blocks and sort == "lockf":
                paths.lockf_waits[self.actor] = self._found[0], self.wanted
            self.kind = {"lock": "shared lock" if shared else "lock", "try": self.word, "unlock": "releases"}[what]
        else:
            self.ends = what == "end"
            locks = paths.locks() if self.ends else paths.locks(rest[0])
            self._found = [lock for lock in locks if any(held.owner is self.owner for held in lock.held)]
            self.kind = "releases" if self._found else ""
        self.locks = [(lock, SYNC, True) for lock in self._found]
        if self.actor in paths.lockf_waits and any(held.actor is self.actor for held in paths.lockfs()):
            self.locks.append((paths.circle, "circle", True))

    def _find_semaphore(
        self, paths: Paths, what: str, number: Any, is_lock: bool, timeout: float | None = None
    ) -> None:
        self._found = [paths.semaphore(number)]
        self.blocks, self.timed = what == "semaphore", timeout is not None
        if not self.blocks:
            self.kind = "releases" if what == "give semaphore" else self.word
        elif self.label.endswith(_OF_CONDITION):
            self.kind, self.label = "condition", self.label.removesuffix(_OF_CONDITION)
        else:
            self.kind = "lock" if is_lock else "semaphore"

    @property
    def awaited(self) -> Any:
        """What it waits for, if that has a name in the trace."""
        if self.wait[:1] == (ENDS,) and self.wait[1] and not self.locks:
            return self.wait[1][0]
        return self.locks[0][0] if self.locks else self._managed

    def is_refused(self, paths: Paths) -> bool:
        """Whether it waits for a lock that the system does not let it wait for."""
        wait = paths.lockf_waits.get(self.actor)
        return wait is not None and not wait[0].is_free(wait[1]) and wait[0].refuses(wait[1], paths.lockf_waits)

    @property
    def given_up(self) -> str:
        """How it came to be given up, if it was."""
        return "refused" if self.wait[:1] == ("lock",) else "timed out"

    @property
    def comes_to_nothing(self) -> bool:
        """Whether it only tries to get a lock, and will not, as things stand now."""
        if self.wait[:1] != ("try",) or self.wanted is None:
            return False
        return not self._found[0].is_free(self.wanted)

    def subject(self, paths: Paths) -> Any:
        """What stands for the thing that it is about in a trace."""
        if self._found:
            return self._found[0]
        return paths.label(self.label) if self.label else None

    def publish(self, paths: Paths, more: Sequence[Access] = ()) -> None:
        """Tell the strategies what the actor is about to do, as things stand now."""
        accesses, self.made, self.passed = paths.accesses(self.effects, self.actor)
        if self.locks:
            accesses = [*self.locks, *accesses]
        accesses += more
        self.accesses = accesses
        actor = self.actor
        actor.site = self.site
        if accesses:
            owner, key, write = accesses[0]
            actor.place, actor.writes = (id(owner), key), write
            actor.more = tuple([((id(one), name), writes) for one, name, writes in accesses[1:]])
        else:
            actor.place, actor.writes, actor.more = None, False, ()

    def take(self, result: str | None, timed_out: bool) -> None:
        """Keep what has come of it."""
        if self._database is not None and timed_out:
            return
        if self._managed is not None and self.effects[0][1] == "w" and result != NOT_YET:
            self._managed.version += 1
        if not self._found or timed_out:
            return
        what = self.wait[0]
        if what in ("get", "put", "look", ENDS, CLOSES):
            return
        if what.endswith("semaphore"):
            if what == "give semaphore":
                if result != REFUSED:
                    self._found[0].given_back()
            elif what == "semaphore" or result == "True":
                self._found[0].taken(self.actor)
            return
        lock, wanted = self._found[0], self.wanted
        if what == "close":
            for one in self._found:
                one.closed(self.owner, self.wait[2])
        elif what == "end":
            for one in self._found:
                one.ended(self.owner)
        elif wanted is None:
            return
        elif what == "unlock":
            lock.give_back(wanted)
        elif result == HELD_BY_OTHERS:
            lock.stalled[self.actor] = lock.version
        elif what == "lock" or result == "True":
            lock.take(wanted)


def waiting(request: Request, paths: Paths, now: float) -> tuple[str, object, Callable[[], bool], float | None]:
    """What an actor that has come to such a request waits for: kind, object, whether it is ready, and until when."""
    if request.wait[0] == "database":
        what, path, timeout, first, connection = request.wait
        database, version, writer = paths.database(path), request.version, connection or request.actor
        changed: Callable[[], bool] = lambda: database.version > version and database.is_free(writer)  # noqa: E731
        free: Callable[[], bool] = lambda: database.is_free(writer)  # noqa: E731
        return what, database, free if first else changed, now + timeout
    if request.wait[0] == "managed":
        managed, before, timeout = paths.managed(request.wait[1]), request.version, request.wait[3]
        asked: Callable[[], bool] = lambda: managed.version > before  # noqa: E731
        return "managed", managed, asked, None if timeout is None else now + timeout
    if request.wait[0] in ("get", "put"):
        what, _, inode, amount, timeout = request.wait
        get: Callable[[], bool] = lambda: paths.channels.can_get(inode, amount)  # noqa: E731
        put: Callable[[], bool] = lambda: paths.channels.can_put(inode)  # noqa: E731
        return what, request.locks[0][0], get if what == "get" else put, None if timeout is None else now + timeout
    if request.wait[0] == ENDS:
        _, lives, inodes, timeout, _, _ = request.wait
        over: Callable[[], bool] = lambda: (  # noqa: E731
            any(life.over for life in lives) or any(paths.channels.can_get(inode, 1) for inode in inodes)
        )
        return request.kind, request.awaited, over, None if timeout is None else now + timeout
    if request.wait[0] in ("file", "server"):
        return request.wait[0], request.wait[1], request.wait[1].is_free, None
    if request.kind == "sleep":
        return "sleep", None, _never, now + request.wait[1]
    if request.wait[0] == "semaphore":
        semaphore, timeout = request.locks[0][0], request.wait[3]
        return request.kind, semaphore, semaphore.is_free, None if timeout is None else now + timeout
    lock, wanted = request.locks[0][0], request.wanted
    assert wanted is not None
    can_have: Callable[[], bool] = lambda: lock.is_free(wanted) or request.is_refused(paths)  # noqa: E731
    return "lock", lock, can_have, None


def _never() -> bool:
    return False
