"""What the test runner or the command line decided for every exploration, and where witnesses are kept.

Imported by the pytest plugin at start-up, so it imports nothing of the engine.
"""

from __future__ import annotations

import os
import shlex
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lab.verdict import Verdict
    from lab.witness import Witness

FOLDER = ".lab"
_MOST_NOTED = 20  # verdicts of a test without a failure: one may explore for each of a thousand generated programs


@dataclass
class Session:
    """Decisions that override the arguments of `explore`; None leaves them as they are.

    ``root`` is the folder that targets, which are pytest's node ids, count from;
    ``home`` is where the person typed the command, and where the next one will be typed.
    """

    root: Path = field(default_factory=Path.cwd)
    home: Path = field(default_factory=Path.cwd)
    folder: Path | None = None  # where witnesses are saved; None saves none
    strategy: str | None = None
    carrier: str | None = None
    schedules: int | None = None
    seconds: float | None = None
    seed: int | None = None
    replay: Witness | None = None
    force: bool = False  # what is replayed is forced on real threads as well
    interleave: int | None = None  # copies of every ordinary test
    target: str = ""  # the scenario being run; a running test is known from its environment
    width: int | None = None  # columns of the terminal that shows the reports
    replayed: list[Verdict] = field(default_factory=list)  # since somebody looked last
    interrupted: list[str] = field(default_factory=list)  # what an exploration knew when a person ended it
    calls: int = 0  # of `explore` since the target began
    tell: Callable[[str], None] | None = None  # who hears how far an exploration is, instead of the terminal
    reporting: bool = False  # pages are wanted: failures are kept for them, with an execution that passes beside each
    kept: list[Verdict] = field(default_factory=list)  # since somebody looked last

    def running(self) -> str:
        """The target that is being run, or nothing."""
        return self.target or os.environ.get("PYTEST_CURRENT_TEST", "").rpartition(" (")[0]

    def target_of(self, path: Path, item: str) -> str:
        """The target for ``item`` of the file at ``path``."""
        return f"{_from(self.root, path)}::{item}"

    def typed(self, target: str) -> str:
        """``target`` as it has to be typed at home."""
        file, separator, item = target.partition("::")
        return f"{_from(self.home, self.root / file)}{separator}{item}"


_SESSIONS: list[Session] = []  # the innermost is in force


def current() -> Session | None:
    """The session in force, or None for plain calls."""
    return _SESSIONS[-1] if _SESSIONS else None


def begin(session: Session) -> None:
    """Put ``session`` in force until `end`."""
    _SESSIONS.append(session)


def end(session: Session) -> None:
    """Undo `begin`."""
    for position in reversed(range(len(_SESSIONS))):
        if _SESSIONS[position] is session:
            del _SESSIONS[position]
            return


@contextmanager
def running(target: str, defaults: Session) -> Iterator[Session]:
    """Run ``target``: the session in force, with ``defaults`` where it leaves things open."""
    over = current() or defaults
    merged = replace(over, target=target, calls=0)
    if over.schedules is None and over.seconds is None:
        merged.schedules, merged.seconds = defaults.schedules, defaults.seconds
    begin(merged)
    try:
        yield merged
    finally:
        end(merged)


def count_call() -> int:
    """Which exploration of the running target the one that begins now is, from 1; 0 for plain calls."""
    chosen = current()
    if chosen is None:
        return 0
    chosen.calls += 1
    return chosen.calls


def replaying(call: int) -> Witness | None:
    """The witness that the exploration of that number is to replay.

    A test may explore several times, and the witness belongs to one of them; the others are explored
    as ever, so that the test comes to that one as it came to it before.
    """
    chosen = current()
    witness = chosen.replay if chosen is not None else None
    return witness if witness is not None and witness.call in (0, call) else None


def note(verdict: Verdict) -> None:
    """Remember what became of a replay: the test runner tells it even if the test does not look."""
    chosen = current()
    if chosen is not None and chosen.replay is not None:
        chosen.replayed.append(verdict)


def note_interrupted(told: str) -> None:
    """Remember how far an exploration was: the test runner swallows what is printed when it is ended itself."""
    chosen = current()
    if chosen is not None:
        chosen.interrupted.append(f"{chosen.running()}: {told}" if chosen.running() else told)


def report(verdict: Verdict) -> None:
    """Have the verdict in the report of the run, if there is to be one; of one test not endlessly many."""
    chosen = current()
    if chosen is None or not chosen.reporting or any(verdict is one for one in chosen.kept):
        return
    if verdict.status == "fails" or len(chosen.kept) < _MOST_NOTED:
        chosen.kept.append(verdict)


def keep(verdict: Verdict) -> None:
    """Save the verdict's witness, if a session says where, and tell the command that replays it."""
    report(verdict)
    chosen = current()
    witness = verdict.witness
    if chosen is None or chosen.folder is None or witness is None or verdict.method != "explore" or verdict.replay:
        return
    if not witness.target:
        witness = verdict.witness = replace(witness, target=chosen.running())
    try:
        make_folder(chosen.folder)
        path = witness.save(chosen.folder / witness.name)
    except OSError as error:  # a full disk must not hide the failure that was found
        verdict.notes += (f"not saved: {error.strerror} ({chosen.folder / witness.name})",)
        return
    file = quoted(_from(chosen.home, path))
    target = chosen.typed(witness.target) if witness.target else ""
    verdict.replay = replay_command(target, file)


def replay_command(target: str, file: str) -> str:
    """What a person types to replay the witness in ``file``."""
    return f"pytest {quoted(target, always=True)} --lab-replay {file}" if target else f"lab replay {file}"


def make_folder(folder: Path) -> None:
    """Make the folder for witnesses, which ignores itself in git."""
    folder.mkdir(parents=True, exist_ok=True)
    ignore = folder / ".gitignore"
    if not ignore.exists():
        ignore.write_text("*\n", encoding="utf-8")


def quoted(text: str, always: bool = False) -> str:
    """``text`` as one word of a command line: in double quotes, which every shell knows, where that is enough."""
    if not always and shlex.quote(text) == text:
        return text
    return shlex.quote(text) if any(one in '"$`\\!' for one in text) else f'"{text}"'


def _from(base: Path, path: Path) -> str:
    """``path`` as written in ``base``: relative if it lies below, with slashes as node ids have them."""
    absolute = Path(os.path.abspath(base / path))
    return (absolute.relative_to(base) if absolute.is_relative_to(base) else absolute).as_posix()
