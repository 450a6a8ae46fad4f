"""What was answered, and when each exercise is due again: a small sqlite file.

Spaced repetition with the boxes of S. Leitner, "So lernt man lernen" (1972): an exercise that was answered rightly
moves on to the next box, whose turn comes later; one that was not goes back to the first.
"""

from __future__ import annotations

import fcntl
import os
import sqlite3
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from lab.errors import InvalidValue

NAME = "progress.sqlite3"
_FORMAT = 1
_DAY = 86_400.0
BOXES = (0.0, 1 * _DAY, 3 * _DAY, 7 * _DAY, 16 * _DAY, 35 * _DAY)
"""Seconds until an exercise in each box is due again."""
_TABLES = """
CREATE TABLE IF NOT EXISTS cards (
    subject TEXT NOT NULL, kind TEXT NOT NULL, box INTEGER NOT NULL, due REAL NOT NULL, PRIMARY KEY (subject, kind)
);
CREATE TABLE IF NOT EXISTS answers (
    at REAL NOT NULL, subject TEXT NOT NULL, kind TEXT NOT NULL, share REAL NOT NULL, points INTEGER NOT NULL
);
"""


@dataclass(frozen=True)
class Card:
    """An exercise that was answered before."""

    subject: str
    kind: str
    box: int
    due: float  # seconds since the epoch


class History:
    """The file in a folder; one that cannot be read is set aside under another name, and ``told`` says so.

    Each change is one transaction, so that several sessions may use it at once.
    """

    def __init__(self, folder: Path, clock: Callable[[], float] = time.time) -> None:
        self._path = folder / NAME
        self._clock = clock
        self.told = ""
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise InvalidValue(
                f"{folder}: cannot be made ({error.strerror}); give another folder with --data"
            ) from None
        try:
            self._prepare()
        except sqlite3.OperationalError as error:
            raise self._unusable(error) from None
        except sqlite3.DatabaseError as error:
            self._set_aside(error)

    def answered(self, subject: str, kind: str, share: float, points: int) -> Card:
        """Put an answer down; where its exercise is now."""
        now = self._clock()
        with self._open() as database:
            row = database.execute("SELECT box FROM cards WHERE subject = ? AND kind = ?", (subject, kind)).fetchone()
            box = min((row[0] if row else 0) + 1, len(BOXES) - 1) if share >= 1.0 else 0
            card = Card(subject, kind, box, now + BOXES[box])
            database.execute("INSERT OR REPLACE INTO cards VALUES (?, ?, ?, ?)", (subject, kind, box, card.due))
            database.execute("INSERT INTO answers VALUES (?, ?, ?, ?, ?)", (now, subject, kind, share, points))
        return card

    def rename(self, names: Mapping[str, str]) -> None:
        """What was kept under each of these names is from now on kept under another one, if nothing is so far."""
        with self._open() as database:
            for before, after in names.items():
                for table in ("cards", "answers"):
                    database.execute(f"UPDATE OR IGNORE {table} SET subject = ? WHERE subject = ?", (after, before))

    def cards(self) -> dict[tuple[str, str], Card]:
        """Every exercise that was answered."""
        with self._open() as database:
            rows = database.execute("SELECT subject, kind, box, due FROM cards").fetchall()
        return {(row[0], row[1]): Card(*row) for row in rows}

    def score(self) -> tuple[int, int, int]:
        """Answers, those that were right, and points."""
        with self._open() as database:
            query = "SELECT COUNT(*), COALESCE(SUM(share >= 1.0), 0), COALESCE(SUM(points), 0) FROM answers"
            row = database.execute(query).fetchone()
        return row[0], row[1], row[2]

    def now(self) -> float:
        """Seconds since the epoch."""
        return self._clock()

    def _prepare(self) -> None:
        with self._open(check=True) as database:
            version = database.execute("PRAGMA user_version").fetchone()[0]
            if version > _FORMAT:
                raise InvalidValue(f"{self._path}: was written by a later version; update, or give another --data")
            for statement in filter(str.strip, _TABLES.split(";")):
                database.execute(statement)
            database.execute(f"PRAGMA user_version = {_FORMAT}")

    @contextmanager
    def _open(self, check: bool = False) -> Iterator[sqlite3.Connection]:
        with closing(sqlite3.connect(self._path, timeout=20.0, isolation_level=None)) as database:
            if check and database.execute("PRAGMA quick_check").fetchone()[0] != "ok":
                raise sqlite3.DatabaseError("its pages do not fit together")
            database.execute("BEGIN IMMEDIATE")
            try:
                yield database
            except BaseException:
                with suppress(sqlite3.Error):
                    database.execute("ROLLBACK")
                raise
            database.execute("COMMIT")

    def _set_aside(self, error: sqlite3.DatabaseError) -> None:
        """Keep the broken file under another name, unless another session has done it in the meantime."""
        with open(self._path.with_name(f"{NAME}.lock"), "a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            with suppress(sqlite3.DatabaseError):
                self._prepare()
                return
            stamp = time.strftime("%Y%m%d-%H%M%S", time.localtime(self._clock()))
            aside = self._path.with_name(f"{NAME}.broken-{stamp}-{os.getpid()}")
            try:
                self._path.rename(aside)
            except OSError as problem:
                raise InvalidValue(f"{self._path}: cannot be set aside ({problem.strerror}); remove it") from None
            self._prepare()
        self.told = f"{self._path}: cannot be read ({error}); it was set aside as {aside.name}, and a new one begun"

    def _unusable(self, error: sqlite3.Error) -> InvalidValue:
        return InvalidValue(f"{self._path}: cannot be used ({error}); give another folder with --data")
