"""What the test runner or the command line decided for every exploration, and where witnesses are kept.

Imported by the pytest plugin at start-up, so it imports nothing of the engine.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lab.verdict import Verdict
    from lab.witness import Witness


@dataclass
class Session:
    """Decisions that override the arguments of `explore`; None leaves them as they are."""

    folder: Path | None = None  # where witnesses are saved; None saves none
    strategy: str | None = None
    schedules: int | None = None
    seconds: float | None = None
    seed: int | None = None
    replay: Witness | None = None
    target: str = ""  # the scenario being run; a running test is known from its environment

    def running(self) -> str:
        """The node id of what is being run, or nothing."""
        return self.target or os.environ.get("PYTEST_CURRENT_TEST", "").rpartition(" (")[0]


_SESSIONS: list[Session] = []  # the innermost is in force


def current() -> Session | None:
    """The session in force, or None for plain calls."""
    return _SESSIONS[-1] if _SESSIONS else None


def begin(session: Session) -> None:
    """Put ``session`` in force until `end`."""
    _SESSIONS.append(session)


def end(session: Session) -> None:
    """Undo `begin`."""
    if session in _SESSIONS:
        _SESSIONS.remove(session)


@contextmanager
def running(target: str, defaults: Session) -> Iterator[Session]:
    """Run ``target``: the session in force, with ``defaults`` where it leaves things open."""
    over = current() or Session()
    merged = Session(
        folder=over.folder or defaults.folder,
        strategy=over.strategy or defaults.strategy,
        schedules=over.schedules,
        seconds=over.seconds,
        seed=over.seed if over.seed is not None else defaults.seed,
        replay=over.replay or defaults.replay,
        target=target,
    )
    if over.schedules is None and over.seconds is None:
        merged.schedules, merged.seconds = defaults.schedules, defaults.seconds
    begin(merged)
    try:
        yield merged
    finally:
        end(merged)


def keep(verdict: Verdict) -> None:
    """Save the verdict's witness, if a session says where, and tell the command that replays it."""
    chosen = current()
    witness = verdict.witness
    if chosen is None or chosen.folder is None or witness is None or verdict.method != "explore":
        return
    if not witness.target:
        witness = verdict.witness = replace(witness, target=chosen.running())
    chosen.folder.mkdir(parents=True, exist_ok=True)
    ignore = chosen.folder / ".gitignore"
    if not ignore.exists():
        ignore.write_text("*\n", encoding="utf-8")
    path = chosen.folder / witness.name
    witness.save(path)
    file = os.path.relpath(path)
    file = str(path) if file.startswith("..") else file
    target = witness.target.removesuffix("[explore]")
    verdict.replay = f'pytest "{target}" --lab-replay {file}' if target else f"lab replay {file}"
