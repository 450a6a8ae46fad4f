"""What a statement of SQLite does to the locks of a database, and where an address of one leads, by their text."""

from __future__ import annotations

import re
from urllib.parse import parse_qsl, unquote

_BEFORE = r"(?:\s|;|--[^\n]*(?:\n|$)|/\*.*?\*/)*"
"""Blanks and comments before the first word."""


def _beginning(words: str) -> re.Pattern[str]:
    return re.compile(_BEFORE + words, re.IGNORECASE | re.DOTALL)


_CHANGES = r"(?:INSERT|UPDATE|DELETE|REPLACE)\b"
_READS = _beginning(rf"(?:(?:SELECT|EXPLAIN|VALUES)\b|WITH\b(?!.*\b{_CHANGES}))")
_WRITES = _beginning(rf"(?:{_CHANGES}|(?:CREATE|DROP|ALTER)\b|BEGIN\s+(?:IMMEDIATE|EXCLUSIVE)\b)")
_BEGINS = _beginning(r"(?:BEGIN\s*(?:DEFERRED\s*)?(?:TRANSACTION\s*)?;?\s*$|SAVEPOINT\b)")
_ENDS = _beginning(r"(COMMIT|END|ROLLBACK|RELEASE)\b")
_WORDS = {"ROLLBACK": "rolls back in", "RELEASE": "releases a savepoint in"}
_ELSEWHERE = _beginning(r"(?:ATTACH\b|VACUUM\b.*\bINTO\b)")
_TIMEOUT = _beginning(r"PRAGMA\s+busy_timeout\b")
_PRAGMA = re.compile("PRAGMA", re.IGNORECASE)  # also in the middle of a script
_TEMPORARY = re.compile(r"\btemp(?:orary)?\b", re.IGNORECASE)


class Statement:
    """What is known of one statement; of many it is neither known that they write nor that they only read."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    @property
    def reads(self) -> bool:
        """It changes nothing, and keeps others from writing as long as its transaction goes on."""
        return _READS.match(self._text) is not None

    @property
    def writes(self) -> bool:
        """Nobody else can write until its transaction is over, if the table is one that others can reach."""
        return _WRITES.match(self._text) is not None

    @property
    def begins(self) -> bool:
        """It begins a transaction, and locks nothing yet."""
        return _BEGINS.match(self._text) is not None

    @property
    def ends(self) -> str:
        """The verb, if it ends a transaction or a part of one; otherwise nothing."""
        found = _ENDS.match(self._text)
        return _WORDS.get(found[1].upper(), "commits to") if found else ""

    @property
    def is_elsewhere(self) -> bool:
        """It uses another database."""
        return _ELSEWHERE.match(self._text) is not None

    @property
    def sets_timeout(self) -> bool:
        """It says how long the connection waits."""
        return _TIMEOUT.match(self._text) is not None

    @property
    def sets_up(self) -> bool:
        """It may set how the connection keeps the database, and which files there are beside it."""
        return _PRAGMA.search(self._text) is not None

    @property
    def is_temporary(self) -> bool:
        """It may be about tables of the connection alone."""
        return _TEMPORARY.search(self._text) is not None


def address(text: str) -> tuple[str | None, bool]:
    """The path that an address of a database leads to, and whether a file would be made there.

    See https://www.sqlite.org/uri.html; no path for one with a parameter by which connections share more than a file.
    """
    if not text.startswith("file:"):
        return text, True
    rest, _, query = text.removeprefix("file:").partition("#")[0].partition("?")
    if rest.startswith("//"):
        host, slash, path = rest.removeprefix("//").partition("/")
        if host not in ("", "localhost"):
            return None, False
        rest = slash + path
    parameters = dict(parse_qsl(query, keep_blank_values=True))
    mode = parameters.pop("mode", "rwc")
    if mode not in ("ro", "rw", "rwc", "memory") or parameters.pop("cache", "private") != "private" or parameters:
        return None, False
    return "" if mode == "memory" else unquote(rest), mode == "rwc"
