"""Where the program of a process stands, as its traces name it."""

from __future__ import annotations

import os
import sys
from types import CodeType, FrameType
from typing import Any

from lab.child.names import Names, made_by_library
from lab.origin import LAB, is_library


class Places(Names):
    """The line of the program that goes on."""

    def __init__(self) -> None:
        super().__init__()
        self._site: tuple[str, str, int, int] = ("", "", 0, 0)

    def first_site(self, function: Any) -> tuple[str, str, int, int]:
        """Where a process begins that is started for a function; where this one is if that is not the program's."""
        code = getattr(getattr(function, "__func__", function), "__code__", None)
        if code is not None and not is_library(code.co_filename):
            return _site(code, code.co_firstlineno)
        return self._site

    def _find_site(self) -> tuple[str, str, int, int]:
        frame: FrameType | None = sys._getframe(2)
        while frame is not None:
            code = frame.f_code
            name = code.co_filename
            if not name.startswith(LAB) and not is_library(name) and not made_by_library(frame):
                self._site = _site(code, frame.f_lineno)
                break
            if code is self._bottom:
                break  # the program's own functions have all returned: what ends now was theirs
            frame = frame.f_back
        return self._site

    def place(self) -> str:
        """The line of the program that goes on."""
        name, function, _, line = self._find_site()
        return f"{function} ({os.path.basename(name)}:{line})"

    def is_called_by(self, module: str) -> bool:
        """Whether a library goes on that has come to the lab."""
        frame: FrameType | None = sys._getframe(1)
        while frame is not None and frame.f_code.co_filename.startswith(LAB):
            frame = frame.f_back
        return frame is not None and frame.f_globals.get("__name__") == module


KEEPS_VARIABLES = sys.version_info < (3, 13)
"""Whoever looks at the variables of a frame, as the interpreter does for the profiler, keeps what they had until then:
what the program lets go lives on until somebody looks again (PEP 667)."""


def let_go(frame: FrameType | None, bottom: CodeType | None) -> None:
    """Look again: what ends then is finalized before the step, as it would have been."""
    while frame is not None and frame.f_code is not bottom:
        _ = frame.f_locals
        frame = frame.f_back


def site_of(body: Any, otherwise: CodeType) -> tuple[str, str, int, int]:
    """Where an actor begins; ``otherwise`` is taken where that is no code of Python."""
    code = getattr(getattr(body, "__func__", body), "__code__", None) or otherwise
    return _site(code, code.co_firstlineno)


def _site(code: CodeType, line: int) -> tuple[str, str, int, int]:
    return code.co_filename, code.co_qualname, code.co_firstlineno, line
