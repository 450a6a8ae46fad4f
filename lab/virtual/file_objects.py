"""Buffered files and texts that several threads may use: what one method does on one of them is one step.

The interpreter's own buffers have a lock, which nobody may come to while its holder stands still.  So who uses a file
object keeps others away from it, by whatever way they come.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from lab.filesystem.paths import Common

if TYPE_CHECKING:
    from lab.carriers.actor import Actor
    from lab.virtual.files import Files

_WORDS = {
    **dict.fromkeys(("read", "read1", "readinto", "readinto1", "readline", "readlines", "peek"), "reads from"),
    "__next__": "reads from",
    "write": "writes to",
    "writelines": "writes to",
    "flush": "flushes",
    "close": "closes",
    "__exit__": "closes",
    "seek": "seeks in",
    "tell": "asks for the position in",
    "truncate": "truncates",
    "detach": "takes apart",
    "reconfigure": "changes the settings of",
}
BUFFERED = (io.TextIOWrapper, io.BufferedReader, io.BufferedWriter, io.BufferedRandom)
"""The classes of file objects with a buffer, as they are where they are not under control."""
_CLOSING = ("close", "__exit__")
_CONTENTS = "!contents"
SEVERAL = "does several operations of the system in one step, on a file object that others use"


class OpenFile(Common):
    """What is kept of an open file that has a buffer."""

    def __init__(self, label: str, raw: Any, made_by: Actor, before: bool) -> None:
        self.label = label
        self.raw = raw
        self.users = {made_by.index}
        self.before = before  # setup made it
        self.holder: Actor | None = None  # who is inside of one of its methods
        self.depth = 0

    def is_free(self) -> bool:
        """Whether nobody is inside."""
        return self.holder is None


class FileObjects:
    """The file objects of one exploration."""

    def __init__(self, files: Files) -> None:
        self._files = files
        self._whole = 0  # methods that are one step and go on
        self._calls = 0  # of the system, in the one that goes on
        self.kinds = {kind: self._kind_of(kind) for kind in BUFFERED}

    def is_inside(self) -> bool:
        """Whether a method that is one step goes on, of which what asks is a part."""
        return self._whole > 0

    def is_part(self) -> bool:
        """The same of an operation of the system that comes next."""
        self._calls += 1
        return self._whole > 0

    def meet(self, file: Any) -> Any:
        """A file was opened; itself."""
        files, buffer = self._files, getattr(file, "buffer", file)
        if files.begun and type(buffer) in self.kinds.values():
            control = files._control
            known = OpenFile(buffer.raw._shown, buffer.raw, control.current, control.quiet)
            buffer._lab = file._lab = known
        return file

    def _kind_of(self, kind: Any) -> Any:
        methods = {name: self._method(name, getattr(kind, name)) for name in _WORDS if hasattr(kind, name)}
        module = kind.__module__
        made: Any = type(f"{module}.{kind.__name__}", (kind,), {"_lab": None, "__module__": module, **methods})
        made.__qualname__ = kind.__qualname__
        return made

    def _method(self, name: str, real: Any) -> Callable[..., Any]:
        objects, word = self, _WORDS[name]

        def method(file: Any, /, *arguments: Any, **named: Any) -> Any:
            known = file._lab
            if known is None or not objects._files.begun:
                return real(file, *arguments, **named)
            try:
                whole = objects._enter(known, word, file)
            except BaseException:
                if name in _CLOSING:  # the execution ends here, and nothing is to be left open
                    real(file, *arguments, **named)
                raise
            try:
                return real(file, *arguments, **named)
            finally:
                objects._leave(known, whole)

        method.__name__, method.__qualname__ = name, f"{real.__qualname__}"
        return method

    def _enter(self, known: OpenFile, word: str, file: Any) -> bool:
        """Begin a method as soon as nobody is inside of another one; whether all of it is one step."""
        files = self._files
        actor = files._control.current
        if known.holder is actor or self._whole:
            known.depth += 1
            return False
        if known.holder is not None and files._control.unwinding:
            files._control.halt("escaped")  # which ends it: the buffer's own lock would be waited for
        others = not known.users.issubset((actor.index,))
        shared = (known.before or others) and not known.raw.closed
        files.step(word, known.label, self._effects(known, file, shared), wait=("file", known))
        while known.holder is not None:
            files.note("doubt", f"{files.place()} {SEVERAL}")
            files.step(word, known.label, self._effects(known, file, shared), wait=("file", known))
        known.users.add(actor.index)
        known.holder, known.depth = actor, 1
        if shared:
            self._whole += 1
            self._calls = 0
        return shared

    def _effects(self, known: OpenFile, file: Any, shared: bool) -> tuple[tuple[Any, str], ...]:
        if not shared:
            return ((known, _CONTENTS),)
        fd = known.raw.fileno()
        how = "w" if known.raw.writable() else "r"
        return ((known, _CONTENTS), (self._files.inode(fd), how), *self._files.position(fd))

    def _leave(self, known: OpenFile, whole: bool) -> None:
        known.depth -= 1
        if not known.depth:
            known.holder = None
        if whole:
            self._whole -= 1
            if self._calls > 1 and not known.raw.closed:
                self._files.several(SEVERAL, known, "contents", self._files.inode(known.raw.fileno()))
