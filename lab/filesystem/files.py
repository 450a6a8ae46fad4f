"""Files that stop before each read(2) and write(2), wherever these come from.

A buffered file reaches the operating system only when its buffer is full or flushed, also by `close` and by the end of
the object.  So what stops is the raw file below the buffers, whose methods the interpreter's own buffers call.
"""

from __future__ import annotations

import io
import os
import stat
import sys
from collections.abc import Callable, Mapping
from types import FrameType, MappingProxyType
from typing import Any

from lab.filesystem.stops import Stops
from lab.filesystem.writing import goes_on, in_pages, text_of
from lab.origin import LAB

RAW = io.FileIO
_BLOCK = io.DEFAULT_BUFFER_SIZE
_fstat = os.fstat
_FLAGS = {"r": os.O_RDONLY, "w": os.O_WRONLY | os.O_CREAT | os.O_TRUNC, "a": os.O_WRONLY | os.O_CREAT | os.O_APPEND}
_FLAGS["x"] = os.O_WRONLY | os.O_CREAT | os.O_EXCL


def how_opened(flags: int) -> tuple[str, str]:
    """How opening a file with such flags touches it, and the verb for it."""
    later = "v" if flags & (os.O_WRONLY | os.O_RDWR) else ""
    if flags & os.O_CREAT and flags & os.O_EXCL:
        return f"N+{later}", "creates"
    create = "+" if flags & os.O_CREAT else ""
    if flags & os.O_TRUNC and later:
        return f"l{create}mW", "opens and empties"
    return f"l{create}m{later}", "opens"


def make(stops: Stops, kinds: Mapping[Any, Any] = MappingProxyType({})) -> tuple[type[Any], Callable[..., Any]]:
    """The raw file that asks ``stops``, and an `open` that builds on it, with ``kinds`` in place of classes of `io`."""
    both, reader = kinds.get(io.BufferedRandom, io.BufferedRandom), kinds.get(io.BufferedReader, io.BufferedReader)
    writer, text = kinds.get(io.BufferedWriter, io.BufferedWriter), kinds.get(io.TextIOWrapper, io.TextIOWrapper)

    class FileIO(RAW):
        """A raw file that stops before each operation."""

        _lab = None  # which tells it from others
        _shown = ""

        def __init__(self, file: Any, mode: str = "r", closefd: bool = True, opener: Any = None) -> None:
            if isinstance(file, int):
                with stops.known():
                    super().__init__(file, mode, closefd)
                self._shown = stops.label(file)
                return
            flags = 0
            for letter in mode:
                flags |= _FLAGS.get(letter, 0)
            if "+" in mode:
                flags = flags & ~os.O_WRONLY | os.O_RDWR
            path = os.fspath(file)
            if opener is None:
                how, verb = how_opened(flags)
                if flags & os.O_APPEND:
                    how += "r"  # where it begins is the size, which `tell` gives
                self._shown = label = os.fsdecode(path)
                stops.step(verb, label, ((stops.path(path), how),))
                with stops.known():
                    super().__init__(path, mode, closefd)
            else:
                self._shown = os.fsdecode(path)
                with stops.known():
                    super().__init__(path, mode, closefd, stops.outside(opener))
            stops.opened(self.fileno(), self._shown)

        def _touch(self, word: str, how: str, detail: str = "") -> bool:
            """Stop; false for what is no file of the file system."""
            fd = self.fileno()
            inode = stops.inode(fd)
            if inode is None or not is_shared(stops, fd, word):
                return False
            stops.step(word, self._shown, ((inode, how), *stops.position(fd)), detail)
            return True

        def _read(self, size: int) -> bytes | None:
            stopped = self._touch("reads", "r")
            data = super().read(size)
            if stopped:
                stops.came_to(text_of(data or b""))
            return data

        def read(self, size: int | None = -1, /) -> Any:
            """One read(2); all there is for a negative size."""
            return self.readall() if size is None or size < 0 else self._read(size)

        def readall(self) -> Any:
            """As many read(2) as it takes to come to the end."""
            try:
                found = _fstat(self.fileno())
                size = max(found.st_size - super().tell(), 0) + 1 if stat.S_ISREG(found.st_mode) else _BLOCK
            except OSError:
                size = _BLOCK
            read: list[bytes] = []
            got = 0
            while True:
                if got >= size:
                    size = got + max(_BLOCK, got)
                data = self._read(size - got)
                if data is None:
                    return b"".join(read) if read else None
                if not data:
                    return b"".join(read)
                read.append(data)
                got += len(data)

        def readinto(self, buffer: Any, /) -> Any:
            """One read(2)."""
            stops.hands((buffer,), "FileIO.readinto")
            stopped = self._touch("reads", "r")
            count = super().readinto(buffer)
            if stopped:
                stops.came_to(text_of(memoryview(buffer).cast("B")[: count or 0]))
            return count

        def write(self, data: Any, /) -> Any:
            """One write(2)."""
            stops.hands((data,), "FileIO.write")
            parts = in_pages(stops, self.fileno(), data)
            self._touch("writes", "w", text_of(parts[0][:200]))
            written = super().write(parts[0])
            for part in parts[1:]:
                goes_on(stops, self._shown, part)
                written += super().write(part)
            return written

        def truncate(self, size: int | None = None, /) -> Any:
            """One ftruncate(2)."""
            to = super().tell() if size is None else size
            self._touch("truncates", "w", f"to {to} bytes")
            return super().truncate(size)

        def seek(self, offset: int, whence: int = 0, /) -> Any:
            """The end of the file belongs to all, the position to whoever has the file descriptor."""
            if whence == os.SEEK_END:
                self._touch("asks for the size of", "r")
            else:
                stops.moves(self.fileno(), self._shown)
            return super().seek(offset, whence)

        def tell(self) -> Any:
            """The position belongs to whoever has the file descriptor."""
            stops.moves(self.fileno(), self._shown, "asks for the position in")
            return super().tell()

        def close(self) -> None:
            """A close(2) matters to others where a lock is given back."""
            if self.closed or not self.closefd:
                super().close()
            else:
                fd = self.fileno()
                inode = stops.inode(fd)
                try:
                    effects = stops.closes(fd)
                    if inode in stops.locked:
                        stops.step("closes", self._shown, effects, wait=("close", inode, stops.closing(fd)))
                    elif effects:
                        stops.step("closes", self._shown, effects)
                finally:
                    stops.closed(fd)
                    with stops.known():
                        super().close()

    def open_(
        file: Any,
        mode: str = "r",
        buffering: int = -1,
        encoding: str | None = None,
        errors: str | None = None,
        newline: str | None = None,
        closefd: bool = True,
        opener: Any = None,
    ) -> Any:
        binary = isinstance(mode, str) and "b" in mode
        wrong = binary and (encoding is not None or errors is not None or newline is not None)
        if _plain(mode) not in _PLAIN_MODES or wrong or (not binary and buffering == 0):
            return _open(file, mode, buffering, encoding, errors, newline, closefd, opener)  # which raises
        if not isinstance(file, str | bytes | int):
            file = os.fspath(file)
        raw = FileIO(file, _plain(mode), closefd, opener)
        result: Any = raw
        try:
            if raw._shown and not isinstance(file, int):
                raw.name = file
            line_buffering = buffering == 1 or (buffering < 0 and raw.isatty())
            if buffering == 0:
                return raw
            size = buffering if buffering > 1 else _block_size(raw)
            if "+" in mode:
                result = both(raw, size)
            elif _plain(mode)[0] == "r":
                result = reader(raw, size)
            else:
                result = writer(raw, size)
            if binary:
                return result
            result = text(result, io.text_encoding(encoding), errors, newline, line_buffering)
            result.mode = mode
            return result
        except BaseException:
            result.close()
            raise

    FileIO.__module__, FileIO.__qualname__ = RAW.__module__, RAW.__qualname__
    return FileIO, open_


_open = open
_MODES = frozenset("rwax+bt")
_PLAIN_MODES = ("r", "w", "a", "x", "r+", "w+", "a+", "x+")


def _plain(mode: str) -> str:
    """The mode as a raw file takes it."""
    if not isinstance(mode, str) or not _MODES.issuperset(mode):
        return ""
    kinds = [letter for letter in mode if letter in "rwax"]
    if len(kinds) != 1 or ("b" in mode and "t" in mode) or len(set(mode)) != len(mode):
        return ""
    return kinds[0] + ("+" if "+" in mode else "")


def _block_size(raw: Any) -> int:
    size = getattr(_fstat(raw.fileno()), "st_blksize", 0)
    return size if size > 1 else _BLOCK


def is_shared(stops: Stops, fd: int, word: str) -> bool:
    """Whether a file descriptor is of a file or directory, rather than of a terminal, say."""
    mode = _fstat(fd).st_mode
    if stat.S_ISREG(mode) or stat.S_ISDIR(mode):
        return True
    if fd > 2 and (stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode)) and not (stops.are_threads and _is_of_a_pool()):
        stops.note("uncontrolled", f"{stops.place()} {word} a pipe or socket, which is not under control")
    return False


def _is_of_a_pool() -> bool:
    """Whether `multiprocessing` uses the file: its pools of threads wake each other by pipes, which they select."""
    frame: FrameType | None = sys._getframe(2)
    while frame is not None and frame.f_code.co_filename.startswith(LAB):
        frame = frame.f_back
    return frame is not None and str(frame.f_globals.get("__name__")).startswith("multiprocessing.")
