"""A place in the code where a visible operation happens."""

from __future__ import annotations

from types import CodeType
from typing import Any

_NUMBERING = frozenset(("ThreadPoolExecutor.__init__",))
"""Calls a counter of the library's own by a name of its own; the twin of Thread.start counts instead."""


class Site:
    """One place in the code where a visible operation happens.

    ``number`` counts the sites of one function in the order of its bytecode, so
    that a site can be found again when lines above it have moved.
    """

    __slots__ = (
        ("code", "decides", "given", "key", "kind", "line", "number", "seen", "seen_by")
        + ("stepped", "watched", "write")
    )  # fmt: skip

    def __init__(
        self, code: CodeType, number: int, kind: str, key: Any, write: bool, line: int, stepped: bool, watched: bool
    ) -> None:
        self.code = code  # as it was before instrumentation
        self.number = number
        self.kind = kind
        self.key = key
        self.write = write
        self.line = line
        self.watched = watched  # False in code of which only calls and ``with`` are hooked
        self.stepped = stepped  # False in code that is not interrupted but at locks and the like
        self.decides = stepped  # actors may be switched here, whatever is touched
        self.given: Site | None = None  # the same call in library code, of C code that the program handed over
        self.seen: object = None  # the callee that needed nothing the last time ...
        self.seen_by: object = None  # ... in this exploration

    def of_given(self, name: str) -> Site | None:
        """Under which site to note what a call touches here of C code called ``name``; None where it is not noted.

        Library code that names what it calls works with what is its own.  What it has in a variable or a field of
        another name (a thread's target, a callback) somebody handed over, and the step is the program's.
        """
        if self.stepped:
            return self
        if name in self.code.co_names or self.code.co_qualname in _NUMBERING:
            return self if self.watched else None
        if self.given is None:
            self.given = Site(self.code, ~self.number, self.kind, self.key, self.write, self.line, False, True)
            self.given.decides = True
        return self.given

    def __repr__(self) -> str:
        return f"<Site {self.code.co_qualname}:{self.line} {self.kind} {self.key}>"
