"""What the processes of actors ask the runner about sessions of PostgreSQL servers, and how they name them."""

from __future__ import annotations

from typing import Any

from lab.child.servers import END, ENDED, HOLDS, OPENS, SERVER, WAITS
from lab.filesystem.sessions import Sessions


def answer(sessions: Sessions, actor: object, what: str, identity: str, pid: int, *more: str) -> object:
    """The answer to a question of ``actor``, as a plain value."""
    if what == OPENS:
        name, conninfo = more
        sessions.open(identity, name, conninfo, pid, actor)
        return None
    session = sessions.find(identity, pid)
    if session is None:
        return False
    if what == WAITS:
        return session.waits()
    if what == HOLDS:
        return session.holds()
    if what == ENDED:
        return session.ended()
    assert what == END
    session.end()
    return None


def known(sessions: Sessions, effects: Any, wait: tuple[Any, ...]) -> tuple[Any, tuple[Any, ...]]:
    """What an operation touches and waits for, with the runner's own objects in place of what names them."""
    effects = tuple([(_known(sessions, where), how) for where, how in effects])
    return effects, tuple([_known(sessions, one) for one in wait])


def _known(sessions: Sessions, where: Any) -> Any:
    if type(where) is tuple and len(where) == 3 and where[0] == SERVER:
        return sessions.place(*where[1:])
    return where
