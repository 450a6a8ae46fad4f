"""Whose code a file holds: the lab's, a library's or the program's; and how to show a path."""

from __future__ import annotations

import functools
import os
import sys
import sysconfig

LAB = os.path.dirname(os.path.abspath(__file__)) + os.sep
"""Where the lab's own code lies."""

_LIBRARIES = tuple(
    {os.path.abspath(sysconfig.get_path(name)) + os.sep for name in ("stdlib", "platstdlib", "purelib", "platlib")}
)


@functools.lru_cache(maxsize=4096)
def is_library(filename: str) -> bool:
    """Whether the file is part of the standard library or an installed package."""
    if filename.startswith("<"):
        return filename.startswith("<frozen ")
    path = os.path.abspath(filename)
    return path.startswith(_LIBRARIES) or f"{os.sep}site-packages{os.sep}" in path


def calling_line() -> str:
    """The innermost line of the program that led here, as file:line; nothing where no program did."""
    frame = sys._getframe(1)
    while frame.f_code.co_filename.startswith(LAB):
        if frame.f_back is None:
            return ""
        frame = frame.f_back
    filename = frame.f_code.co_filename
    return "" if is_library(filename) else f"{os.path.basename(filename)}:{frame.f_lineno}"


def shown(filename: str) -> str:
    """The path as a person would write it: below the current folder, or below site-packages."""
    marker = f"{os.sep}site-packages{os.sep}"
    if marker in filename:
        return filename.rsplit(marker, 1)[1]
    here = os.getcwd() + os.sep
    return filename[len(here) :] if filename.startswith(here) else filename
