"""Where witnesses are kept, and the command that replays one."""

from __future__ import annotations

import os
from contextlib import contextmanager
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from lab.witness import Witness

if TYPE_CHECKING:
    from lab.verdict import Verdict


@dataclass
class Session:
    """What the test runner or the command line decided for every call of `explore`."""

    folder: Path | None = None  # where witnesses are saved; None saves none
    strategy: str | None = None
    schedules: int | None = None
    seconds: float | None = None
    seed: int | None = None
    replay: Witness | None = None
    replay_path: str = ""
    show: Verdict | None = None
    target: str = ""  # the running test or scenario


_SESSIONS: list[Session] = []


def current() -> Session | None:
    """The session in force, or None for plain calls."""
    return _SESSIONS[-1] if _SESSIONS else None


@contextmanager
def session(chosen: Session) -> Iterator[Session]:
    """Let ``chosen`` be in force."""
    _SESSIONS.append(chosen)
    try:
        yield chosen
    finally:
        _SESSIONS.remove(chosen)


def keep(verdict: Verdict) -> None:
    """Save the verdict's witness, if a session says where, and tell the command that replays it."""
    chosen = current()
    witness = verdict.witness
    if chosen is None or chosen.folder is None or witness is None or verdict.method != "explore":
        return
    if chosen.target and not witness.target:
        witness = verdict.witness = replace(witness, target=chosen.target)
    path = chosen.folder / witness.name
    if not path.exists():
        chosen.folder.mkdir(parents=True, exist_ok=True)
        ignore = chosen.folder / ".gitignore"
        if not ignore.exists():
            ignore.write_text("*\n", encoding="utf-8")
        witness.save(path)
    shown = os.path.relpath(path)
    target = witness.target.split("[")[0] if witness.target.endswith("[explore]") else witness.target
    verdict.replay = f'pytest "{target}" --lab-replay {shown}' if target else f"lab replay {shown}"
