"""Places in the code of processes, as sites: what strategies and traces know operations by."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from lab.instrument import Site


class Sites:
    """Those that were met so far."""

    def __init__(self) -> None:
        self._sites: dict[tuple[Any, ...], Site] = {}
        self._codes: dict[tuple[Any, ...], Any] = {}

    def at(self, where: tuple[str, str, int, int], word: str) -> Site:
        """The same object for one operation of one line, in all executions."""
        site = self._sites.get((where, word))
        if site is None:
            file, function, first, line = where
            code: Any = self._codes.get(where[:3])
            if code is None:
                code = SimpleNamespace(co_filename=file, co_qualname=function, co_firstlineno=first, co_name=function)
                self._codes[where[:3]] = code
            site = Site(code, line - first, word, None, True, line, stepped=True, watched=True)
            self._sites[where, word] = site
        return site
