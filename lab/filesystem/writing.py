"""Writes that may be cut: the system writes page by page, and ends in between where the process is killed."""

from __future__ import annotations

import mmap
import os
import stat
from fcntl import F_GETFL, fcntl
from typing import Any

from lab.filesystem.stops import Stops
from lab.naming import short

_fstat, _lseek, _fcntl = os.fstat, os.lseek, fcntl
_PAGE, _MOST_CUTS = mmap.PAGESIZE, 4


def text_of(data: Any) -> str:
    """What was read or written, as a trace shows it."""
    data = bytes(data[:200])
    if not data:
        return "nothing"
    try:
        return short(data.decode()) or ""
    except UnicodeDecodeError:
        return short(data) or ""


def in_pages(stops: Stops, fd: int, data: Any, position: int = -1) -> list[Any]:
    """What is written at once, cut where its writer may be killed: the system writes page by page."""
    view = memoryview(data).cast("B")
    if not stops.may_crash or len(view) < 2:
        return [view]
    try:
        found = _fstat(fd)
        if not stat.S_ISREG(found.st_mode):
            return [view]
        if position < 0:
            appends = _fcntl(fd, F_GETFL) & os.O_APPEND
            position = found.st_size if appends else _lseek(fd, 0, os.SEEK_CUR)
    except OSError:
        return [view]
    first = _PAGE - position % _PAGE
    cuts = list(range(first, len(view), _PAGE))
    if len(cuts) > _MOST_CUTS:
        stops.note("doubt", f"{stops.place()} writes {len(view):,} bytes, which were cut at {_MOST_CUTS} places only")
        cuts = [*cuts[: _MOST_CUTS - 1], cuts[-1]]
    return [view[begin:end] for begin, end in zip([0, *cuts], [*cuts, len(view)], strict=True)]


def goes_on(stops: Stops, label: str, part: Any) -> None:
    """The rest of a write: nobody else comes in between, but its writer may be killed."""
    stops.step("goes on to write", label, (), text_of(part[:200]), wait=("goes on",))


def write_on(stops: Stops, real: Any, fd: int, parts: list[Any], written: int, position: int) -> int:
    """Write all but the first of ``parts``, at ``position`` or where the file is; how much was written in all."""
    for part in parts[1:]:
        goes_on(stops, stops.label(fd), part)
        with stops.known():
            written += real(fd, part, position + written) if position >= 0 else real(fd, part)
    return written
