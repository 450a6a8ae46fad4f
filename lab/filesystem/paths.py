"""What operations on files touch: entries of directories, and what stands behind them.

An effect is a pair: where, and how.  Where is a path, a device's and an inode's number, a file descriptor, or what
actors have in common in one process; or, for a path that begins at an open directory, the link by which the system
tells where that directory is by now, and the rest of the path.  How is told in letters:

    l, N   the path is looked up; a link at its end is followed (l) or not (N)
    +      there is an entry afterwards; one that was there stays as it is
    *      the entry is exchanged, whatever was there
    -      the entry is taken away
    r, w   the contents are read, written
    s      the size is asked for
    W      the same as w, if there is something
    m, M   the mode, the owner, the times and the number of links are read, changed
    L      the entries of the directory are listed
    v      the contents may be written later on
    o      the position in the file, which a file descriptor has in common with others, is read and moved

Two names of one file touch the same contents, and two names of one directory the same entries.  Of an object that is no
file, what is told apart in it stands in the place of letters, with a ! before it where it is written.  Bytes of memory
are read as in @r0:8 and written as in @w0:8, and with = for @ where they are those of no file that can be opened.
"""

from __future__ import annotations

import os
import stat
from collections import deque
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from lab.filesystem.beyond import Beyond
from lab.filesystem.filelocks import FileLock, Held
from lab.filesystem.opened import from_open, has_several_names
from lab.filesystem.ranges import CONTENTS, Ranges
from lab.filesystem.shared import Channel, Database, Managed, Semaphore

if TYPE_CHECKING:
    from lab.carriers.actor import Actor

Access = tuple[Any, Any, bool]
"""An object, the key under which it is touched, and whether it is written."""

DATA, _STATE, _POSITION = CONTENTS, "state", "position"
_CHANGES = frozenset("wWMv")
_lstat, _stat, _readlink, _getcwd, _normpath = os.lstat, os.stat, os.readlink, os.getcwd, os.path.normpath
_MOST_LINKS = 40  # as Linux has it


class Inode:
    """A file or directory, whatever its names are."""

    def __init__(self, number: int) -> None:
        self.number = number  # in the order in which they were met
        self.flock = FileLock()
        self.lockf = FileLock()


class Common:
    """What is no file, and threads of one process have in common: the process itself, a file object, a connection."""


DIRECTORY, MASK = "working directory", "mode mask"
"""What the threads of a process have in common that operations on files go by."""


class Label:
    """A file as the program calls it, for a trace."""

    def __init__(self, text: str) -> None:
        self.text = text


class _Found:
    """Where a path leads to now."""

    __slots__ = ("directory", "inode", "name", "passed", "status")

    def __init__(self) -> None:
        self.passed: list[Access] = []  # the entries on the way
        self.directory: Inode | None = None  # that holds, or would hold, the last entry
        self.name = ""
        self.inode: Inode | None = None
        self.status: os.stat_result | None = None


class Paths:
    """The files and directories that are met in one execution."""

    def __init__(self) -> None:
        self.root = ""  # the private directory; who its parents are does not change
        self.process: Common | None = None  # in which all actors are
        self.beyond = Beyond()
        self.ranges = Ranges()
        self.value: Callable[[Any], int] = lambda number: 1  # of a semaphore
        self.channels: Any = None  # `lab.child.channels.Channels`
        self.clear(0)

    def clear(self, actors: int) -> None:
        """Begin another execution with so many actors."""
        self.ranges.clear()
        self._inodes: dict[tuple[int, int], Inode] = {}
        self._labels: dict[str, Label] = {}
        self.lockf_waits: dict[Actor, tuple[FileLock, Held]] = {}  # who has come to which lock of `lockf`
        self.circle = Common()  # that those may close who want one and have another, whichever these are
        self.semaphores: dict[Any, Semaphore] = {}
        self._databases: dict[str, Database] = {}
        self._managed: dict[tuple[int, int], Managed] = {}
        self._channels: dict[tuple[int, int], Channel] = {}
        self._positions: dict[int, Common] = {}
        self._new: dict[tuple[Inode, str], str] = {}  # directory and name that setup made -> what stands for it
        self._roots: list[str] = []  # other directories that each execution has anew
        self._kept: list[object] = []  # so that no other object gets the id of one
        self._met: list[Inode] = []
        self._actors = actors  # more are not told apart

    def inode(self, key: tuple[int, int]) -> Inode:
        """The file or directory with these numbers."""
        found = self._inodes.get(key)
        if found is None:
            found = self._inodes[key] = Inode(len(self._met))
            self._met.append(found)
        return found

    def label(self, text: str) -> Label:
        """What stands for a name in a trace."""
        found = self._labels.get(text)
        if found is None:
            found = self._labels[text] = Label(text)
        return found

    def semaphore(self, number: Any) -> Semaphore:
        """The semaphore with that number."""
        found = self.semaphores.get(number)
        if found is None:
            found = self.semaphores[number] = Semaphore(number, self.value)
        return found

    def database(self, path: str) -> Database:
        """The file of SQLite at a path, as programs name it."""
        path = _normpath(path)
        found = self._databases.get(path)
        if found is None:
            found = self._databases[path] = Database()
        return found

    def managed(self, key: tuple[int, int]) -> Managed:
        """The object of a manager with that key."""
        return self._managed.setdefault(key, Managed())

    def used(self, effects: tuple[tuple[Any, str], ...]) -> None:
        """An operation has happened: who waits for a database that it touched may try again."""
        for where, _ in effects:
            found = self._databases.get(_normpath(where)) if self._databases and isinstance(where, str) else None
            if found is not None:
                found.version += 1

    def used_all(self) -> None:
        """The same of every database."""
        for database in self._databases.values():
            database.version += 1

    def channel(self, inode: tuple[int, int]) -> Channel:
        """What is read from the end with that inode."""
        found = self._channels.get(inode)
        if found is None:
            found = self._channels[inode] = Channel()
        return found

    def locks(self, where: Any = None) -> list[FileLock]:
        """The locks of one file, or of all that were met."""
        inodes = self._met if where is None else [self.inode(where)]
        return [lock for inode in inodes for lock in (inode.flock, inode.lockf)]

    def lockfs(self) -> Iterator[Held]:
        """What is locked by `lockf`."""
        return (held for inode in self._met for held in inode.lockf.held)

    def position(self, fd: int) -> Common:
        """The position of an open file, by its file descriptor."""
        found = self._positions.get(fd)
        if found is None:
            found = self._positions[fd] = Common()
            self._kept.append(found)
        return found

    def same_position(self, fd: int, another: int) -> None:
        """Two file descriptors are of one open file."""
        self._positions[another] = self.position(fd)

    def opened(self, fd: int) -> None:
        """A file descriptor is that of another file than before."""
        self._positions.pop(fd, None)

    def is_new(self, directory: str) -> None:
        """Each execution has the directory anew, with all that is in it."""
        self._roots.append(directory)

    def set_up(self, where: Any, directory: bool) -> None:
        """Setup is about to make an entry that is not there: each execution has its own, whatever its name is."""
        where = from_open(where)
        if isinstance(where, str):
            where = self._absolute(where)
            found = self._look_up(where, follow=False)
            if found.directory is not None and found.inode is None:
                self._new[found.directory, found.name] = f"<{len(self._new)}>"
                if directory and not self._begin(where)[1]:
                    self.is_new(where)

    def was_made(self, path: str) -> None:
        """Setup has made an entry, of which the same holds."""
        found = self._look_up(path, follow=False)
        if found.directory is not None:
            self._new[found.directory, found.name] = f"<{len(self._new)}>"

    def told(self, text: str) -> str:
        """A text without the paths of directories that setup made."""
        for root in self._roots:
            text = text.replace(f"{root}/", "").replace(root, "<new directory>")
        return text

    def made(self, where: Any) -> None:
        """An entry came to be: what it leads to is new, even if its number was used before."""
        where = from_open(where)
        if isinstance(where, str):
            try:
                status = _lstat(where)
            except OSError:
                return
            if status.st_nlink == 1 or stat.S_ISDIR(status.st_mode):
                self._inodes.pop((status.st_dev, status.st_ino), None)

    def accesses(self, effects: tuple[tuple[Any, str], ...], actor: Actor) -> tuple[list[Any], list[Any], list[Any]]:
        """What an operation touches now, what it is about first; the entries it makes; what its paths lead through."""
        first, then, passed = list[Access](), list[Access](), list[Access]()
        made: list[Any] = []
        for given, how in effects:
            if given is None:
                continue
            where = from_open(given)
            if isinstance(where, Common):
                first.append((where, how.removeprefix("!"), how.startswith("!")))
                continue
            if isinstance(where, int):
                then.append((self.position(where), _POSITION, True))
                continue
            if isinstance(where, str):
                if self.process is not None and not where.startswith("/"):
                    then.append((self.process, DIRECTORY, False))
                    where = self._absolute(where)
                found = self._look_up(where, follow="l" in how)
                self._entry(found, how, where, actor, first, then, made)
                (passed if has_several_names(given) else then).extend(found.passed)
                if found.inode is None:
                    continue
                inode = found.inode
            else:
                inode = self.inode(where)
            if how[:1] in ("@", "="):
                for key, write in self.ranges.accesses(how, min(actor.index, self._actors)):
                    (first if key.startswith("byte") else then).append((inode, key, write))
                continue
            self._inside(inode, how, first, then)
        first.sort(key=lambda access: not access[2])
        return list(dict.fromkeys((*first, *then, *passed))), made, passed

    def _entry(
        self,
        found: _Found,
        how: str,
        where: str,
        actor: Actor,
        first: list[Access],
        then: list[Access],
        made: list[Any],
    ) -> None:
        directory = found.directory
        if directory is None:
            return  # a directory on the way is not there
        changes = ("+" in how and found.inode is None) or "*" in how or ("-" in how and found.inode is not None)
        first.append((directory, self._key(directory, found.name), changes))
        if changes:
            then.append((directory, ("entries", min(actor.index, self._actors)), True))
            then.append((directory, _STATE, False))
            self._changes(directory, found.name, where)
            if self.process is not None and "+" in how:
                then.append((self.process, MASK, False))
            if "-" in how or "*" in how:
                if found.inode is not None:
                    then.append((found.inode, _STATE, True))
            else:
                made.append(where)
        elif not _CHANGES.isdisjoint(how):
            self._changes(directory, found.name, where)

    def _key(self, directory: Inode, name: str) -> tuple[str, str]:
        return "entry", self._new.get((directory, name), name) if self._new else name

    def _inside(self, inode: Inode, how: str, first: list[Access], then: list[Access]) -> None:
        for letter in how:
            if letter in "rwWs":
                first.append((inode, DATA, letter in "wW"))
                if letter != "s":
                    then += [(inode, key, False) for key in self.ranges.beside(self._actors)]
            elif letter in "mM":
                (first if letter == "M" else then).append((inode, _STATE, letter == "M"))
            elif letter == "L":
                first += [(inode, ("entries", index), False) for index in range(1, self._actors + 1)]
            elif letter == "o":
                then.append((inode, _POSITION, True))

    def _changes(self, directory: Inode, name: str, path: str) -> None:
        if (directory, name) not in self._new and not self._begin(path)[1]:
            self.beyond.meet(path)

    # ------------------------------------------------------------ looking up

    def _look_up(self, path: str, follow: bool) -> _Found:
        found = _Found()
        at, stack = self._begin_at(path, found)
        parts = deque(path[len(at) :].split("/"))
        links = 0
        while parts:
            name = parts.popleft()
            if name in ("", "."):
                continue
            if name == "..":
                at, stack = self._up(at, stack)
                continue
            directory = stack[-1]
            last = not any(parts)
            full = f"{at}/{name}"
            found.passed.append((directory, self._key(directory, name), False))
            try:
                status = _lstat(full)
            except (OSError, ValueError):
                if last:
                    found.directory, found.name = directory, name
                    found.passed.pop()
                return found
            if stat.S_ISLNK(status.st_mode) and (follow or not last):
                links += 1
                try:
                    target = _readlink(full)
                except OSError:
                    return found
                if links > _MOST_LINKS:
                    return found
                if target.startswith("/"):
                    at, stack = self._begin_at(target, found)
                    target = target[len(at) :]
                parts.extendleft(reversed(target.split("/")))
                continue
            inode = self.inode((status.st_dev, status.st_ino))
            if last:
                found.passed.pop()
                found.directory, found.name, found.inode, found.status = directory, name, inode, status
                return found
            found.passed.append((inode, _STATE, False))
            at = full
            stack.append(inode)
        found.inode = stack[-1]  # the private directory itself, or the root
        return found

    def _begin(self, path: str) -> tuple[str, bool]:
        """Where the way to an absolute path begins, and whether that is in a directory that is new each time."""
        root = self.root
        if root and (path == root or path.startswith(f"{root}/")):
            return root, True
        for root in self._roots:
            if path.startswith(f"{root}/"):
                return root, True
        return "", False

    def _begin_at(self, path: str, found: _Found) -> tuple[str, list[Inode]]:
        root = self._begin(path)[0]
        if root and root != self.root:  # which may be removed like any other
            above = self._of(root.rpartition("/")[0] or "/")
            found.passed.append((above, self._key(above, root.rpartition("/")[2]), False))
        return root, [self._of(root or "/")]

    def _up(self, at: str, stack: list[Inode]) -> tuple[str, list[Inode]]:
        if len(stack) > 1:
            return at.rpartition("/")[0], stack[:-1]
        if not at:
            return at, stack
        above = at.rpartition("/")[0]
        return above, [self._of(above or "/")]

    def _of(self, path: str) -> Inode:
        try:
            status = _stat(path)
        except OSError:
            return self.inode((0, 0))
        return self.inode((status.st_dev, status.st_ino))

    def _absolute(self, path: str) -> str:
        return path if path.startswith("/") else f"{_getcwd()}/{path}"
