"""Paths that begin at an open directory, which may be renamed at any time."""

from __future__ import annotations

import os
from typing import Any

_readlink = os.readlink
IS_TOLD = os.path.isdir("/proc/self/fd")
"""Whether the system tells where an open directory is."""


def from_open(where: Any) -> Any:
    """Where such a path leads from by now, of which the system tells by a link; anything else as it is."""
    if type(where) is tuple and type(where[0]) is str:
        link, rest = where
        try:
            return f"{_readlink(link)}/{rest}"
        except OSError:
            return None  # it is closed, and the call raises
    return where


def has_several_names(where: Any) -> bool:
    """Whether the system goes along several names from where it begins, which may be a directory that is open."""
    text = where[1] if isinstance(where, tuple) else where
    return isinstance(text, str) and "/" in text
