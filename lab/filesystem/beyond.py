"""Files outside of the private directory: each execution has to find them as the one before did."""

from __future__ import annotations

import os
import stat

_lstat, _open, _read, _close, _readlink, _listdir = os.lstat, os.open, os.read, os.close, os.readlink, os.listdir
_MOST = 1 << 20  # bytes that are compared


class Beyond:
    """What actors change outside of the directory that is made anew for each execution."""

    def __init__(self) -> None:
        self._known: dict[str, object] = {}  # path -> what was there when setup had made the state

    def meet(self, path: str) -> None:
        """An actor is about to change what is there; asked before it does."""
        if path not in self._known:
            self._known[path] = _state(path)

    def changed(self) -> str:
        """Asked when setup has made another state: the first path at which there is something else now, or nothing."""
        first = ""
        for path, state in self._known.items():
            found = _state(path)
            if found != state:
                first = first or path
                self._known[path] = found  # the execution before is the one to compare with
        return first


def _state(path: str) -> object:
    """Something that is equal as long as nobody writes there."""
    try:
        found = _lstat(path)
        if stat.S_ISLNK(found.st_mode):
            return _readlink(path)
        if stat.S_ISDIR(found.st_mode):
            return sorted(_listdir(path))
        if not stat.S_ISREG(found.st_mode):
            return found.st_mode
        import hashlib  # which most explorations do not need

        fd = _open(path, os.O_RDONLY)
        try:
            return found.st_size, found.st_mode, found.st_nlink, hashlib.sha256(_read(fd, _MOST)).digest()
        finally:
            _close(fd)
    except (OSError, ValueError) as error:
        return type(error).__name__
