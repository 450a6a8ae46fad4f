"""Twins of the operations on files and other things outside of memory, where actors are threads of one process.

They are those of processes (`lab.filesystem`), and ask `Files` before each step.  A step is one system call, wherever
it comes from: what a file object does when its buffer is full or it ends, as well.
"""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from threading import get_ident
from typing import TYPE_CHECKING, Any

from lab.filesystem import files, locks, system
from lab.filesystem.database import Databases
from lab.filesystem.filelocks import FileLock
from lab.filesystem.opened import IS_TOLD
from lab.filesystem.paths import DATA, Common, Paths
from lab.filesystem.request import HELD_BY_OTHERS, LETS_GO, Request
from lab.filesystem.server import Servers
from lab.filesystem.sessions import Sessions
from lab.filesystem.stops import GO, TIMED_OUT, Effect
from lab.filesystem.walks import Walks
from lab.hooks import DRIVERS, uncontrolled
from lab.instrument import Site
from lab.origin import frame_of_program, shown
from lab.virtual.file_objects import FileObjects, OpenFile
from lab.virtual.state import OUTSIDE

if TYPE_CHECKING:
    from lab.carriers.actor import Actor, Wait
    from lab.carriers.control import Control

_TOLD_APART = 8  # actors whose new entries in one directory do not concern each other
_NOWHERE = compile("", "<actor>", "exec")
_fstat, _getpid, _close = os.fstat, os.getpid, os.close


class Files:
    """Stops the threads of one exploration: see `lab.filesystem.stops.Stops`."""

    may_crash = False
    are_threads = True

    def __init__(self, control: Control) -> None:
        self._control = control
        self.paths, self.walks = Paths(), Walks()
        self.process = self.paths.process = Common()
        self.pending: dict[Actor, Request] = {}  # who is about to do what
        self.own: set[int] = set()
        self.locked: set[tuple[int, int]] = set()
        self.flocks: dict[tuple[tuple[int, int], int], bool] = {}
        self.connected: list[str] = []
        self.objects = FileObjects(self)
        self.put_back: dict[str, Callable[[], object]] = {}  # what of the whole process the execution has changed
        self._known = _Known(self)
        self._labels: dict[int, str] = {}
        self._bare: set[int] = set()  # file descriptors that actors have, and no object closes
        self._names: dict[int, Iterator[str]] = {}
        self._sites: dict[tuple[str, str, int, int, str], Site] = {}
        self._last: Request | None = None
        self._recorded = False
        self._going_on = self._compared = False
        self._left_over: tuple[str, list[int]] = ("", [])  # and the choices of the execution that found it
        raw, open_ = files.make(self, self.objects.kinds)
        self.databases = Databases(self)
        self.sessions = Sessions(lambda: control.quiet)
        self.servers = Servers(self, self.sessions)
        made: dict[Any, Any] = {**system.existence(self), **system.make(self), **locks.make(self)}
        self.instead: dict[Any, Any] = {
            open: lambda *arguments, **named: self.objects.meet(open_(*arguments, **named)),
            files.RAW: raw,
            **{real: twin._call for real, twin in made.items()},
        }
        tempfile = sys.modules.get("tempfile")
        if tempfile is not None:
            with uncontrolled():
                tempfile.gettempdir()  # which makes files once in a process, to see where it can

    # ------------------------------------------------------------ one execution

    @property
    def begun(self) -> bool:
        """Whether the calling thread is under control."""
        return DRIVERS.get(get_ident()) is self._control

    def _begin(self) -> None:
        """The first operation of an execution."""
        self.paths.clear(_TOLD_APART)
        self.walks.begin()
        self.pending.clear()
        self.locked.clear()
        self.flocks.clear()
        self.connected.clear()
        self.sessions.begin()
        self._labels.clear()
        self._names.clear()
        self._last = None
        self._going_on, self._compared = True, False
        self._control.twins.memory.at_end(self, self._end)

    def _end(self) -> None:
        self._going_on = False
        for action in self.put_back.values():
            action()
        self.put_back.clear()
        if self._control.halted:  # nobody comes to close them
            for fd in self._bare:
                with suppress(OSError):
                    _close(fd)
        self._bare.clear()

    # ------------------------------------------------------------ steps

    def step(
        self, word: str, label: str, effects: tuple[Effect, ...], detail: str = "", wait: tuple[Any, ...] = ()
    ) -> int:
        """See `Stops.step`; in setup, check and outcome nobody else goes on."""
        control = self._control
        if DRIVERS.get(get_ident()) is not control or control.unwinding or self.objects.is_part():
            return GO
        if not self._going_on:
            self._begin()
        actor = control.current
        request = Request(word, label, effects, detail, wait, self._site(word), actor, self.process)
        request.find_locks(self.paths)
        if control.quiet:
            self._last, self._recorded = request, False
            if len(control.actors) == 1:
                for where, how in effects:
                    if "+" in how or "*" in how:
                        self.paths.set_up(where, word == "makes the directory")
            if not request.blocks:
                return GO
        elif control.tasked:
            self._last, self._recorded = request, False
            control.doubts[f"{self.place()} {word} {self.told(label)}, which is not under control"] = None
            return GO
        elif not self._compared:
            self._compared = True
            self._compare()
        in_time = control.arrive(request)
        self._last, self._recorded = request, in_time and control.recorder is not None and request.site in control.hot
        return GO if in_time else TIMED_OUT

    def _compare(self) -> None:
        """Setup is over: has it made anew what the execution before had changed?"""
        self._left_over = self.paths.beyond.changed() or self.sessions.changed(), self._control.choices

    def left_over(self) -> str:
        """What this execution found that the one before had changed."""
        changed, execution = self._left_over
        return changed if execution is self._control.choices else ""

    def came_to(self, result: str | None) -> None:
        """See `Stops.came_to`."""
        last = self._last
        if last is None or not self.begun or self.objects.is_inside():
            return
        last.take(result, False)
        if result == HELD_BY_OTHERS:
            what = f"{last.actor.name} waited for a lock on {self.told(last.label)} that no actor held"
            self._control.doubts[what] = None
        if self._recorded and result is not None:
            recorder: Any = self._control.recorder
            recorder.answered(self.told(result))

    def done(self, failed: bool) -> None:
        """The operation that was stopped before has happened: things may not stand as they did."""
        last = self._last
        if last is None or not self.begun or self.objects.is_inside():
            return
        if not failed:
            last.take(None, False)
        if last.word in LETS_GO:
            self.paths.used(last.effects)
        for made in last.made:
            self.paths.made(made)
        if self.pending and any(write and _is_name(owner, key) for owner, key, write in last.accesses):
            for request in self.pending.values():
                request.publish(self.paths)

    def holders(self, waiting: Iterable[tuple[Actor, Wait]]) -> Iterator[tuple[int, Actor | str]]:
        """Who holds what actors wait for, by its id."""
        for actor, wait in waiting:
            request = self.pending.get(actor)
            if isinstance(wait.owner, OpenFile) and wait.owner.holder is not None:
                yield id(wait.owner), wait.owner.holder
            elif isinstance(wait.owner, FileLock) and request is not None and request.wanted is not None:
                yield id(wait.owner), wait.owner.holder(request.wanted) or OUTSIDE

    def known(self) -> _Known:
        """See `Stops.known`."""
        return self._known

    def hands(self, things: Iterable[Any], to: str) -> None:
        """See `Stops.hands`: nobody is kept out of memory."""

    def outside(self, function: Any) -> Any:
        """See `Stops.outside`: the hooks are there all the time."""
        return function

    def note(self, kind: str, what: str) -> None:
        """See `Stops.note`."""
        control = self._control
        if not self.begun or control.unwinding:
            return
        if control.quiet:
            return
        told = {"uncontrolled": control.discovery.uncontrolled, "note": control.notes}.get(kind, control.doubts)
        told[what] = None

    def writes(self, path: str, connection: object) -> None:
        """See `Stops.writes`."""
        if self.begun:
            self.paths.database(path).writer = connection

    def several(self, what: str, thing: Common, key: str, inode: tuple[int, int] | None = None) -> None:
        """See `Stops.several`: it is in order as long as a lock guards it."""
        control: Any = self._control
        if self.begun and not control.quiet and hasattr(control, "_suppose"):
            touched: list[tuple[object, str, bool]] = [(thing, key, True)]
            if inode is not None:
                touched.append((self.paths.inode(inode), DATA, True))
            control._suppose(what, self._site("uses"), tuple(touched))

    def thread(self) -> int:
        """See `Stops.thread`: of whom really runs on one of their own it is known anyway."""
        control = self._control
        return control.identity + control.current.index if control.shares_thread and self.begun else 0

    # ------------------------------------------------------------ where

    def _site(self, word: str) -> Site:
        """The same object for one operation of one line, in all executions."""
        frame = frame_of_program(skip_libraries=True)
        code, line = (frame.f_code, frame.f_lineno) if frame is not None else (_NOWHERE, 1)
        first = code.co_firstlineno
        key = (code.co_filename, code.co_qualname, first, line, word)
        site = self._sites.get(key)
        if site is None:
            site = self._sites[key] = Site(code, line - first, word, None, True, line, stepped=True, watched=True)
        return site

    def place(self) -> str:
        """See `Stops.place`."""
        frame = frame_of_program(skip_libraries=True)
        if frame is None:
            return self._control.current.name
        return f"{frame.f_code.co_qualname} ({shown(frame.f_code.co_filename)}:{frame.f_lineno})"

    def told(self, text: str) -> str:
        """A text without the names that are others in each execution."""
        return self.paths.told(text)

    def opened(self, fd: int, label: str, bare: bool = False) -> None:
        """See `Stops.opened`."""
        self._labels[fd] = label
        self.paths.opened(fd)
        if bare and self.begun and not self._control.quiet:
            self._bare.add(fd)

    def closed(self, fd: int) -> None:
        """See `Stops.closed`: the number may come to be that of another file."""
        self.paths.opened(fd)
        self._labels.pop(fd, None)
        self._bare.discard(fd)
        for held in [held for held in self.flocks if held[1] == fd]:
            del self.flocks[held]

    def label(self, path: Any) -> str:
        """See `Stops.label`."""
        if isinstance(path, int):
            return self._labels.get(path, f"file descriptor {path}")
        return os.fsdecode(path)

    def path(self, path: Any, dir_fd: int | None = None) -> Any:
        """See `Stops.path`; what a relative one leads to is seen when the step is taken."""
        if isinstance(path, int):
            return self.inode(path)
        text = os.fsdecode(path)
        if dir_fd is None or text.startswith("/"):
            return text
        if not IS_TOLD:
            self.note("uncontrolled", f"{self.place()} names {text} from a directory of which the path is not known")
            return text
        return f"/proc/{_getpid()}/fd/{dir_fd}", text

    def inode(self, fd: int) -> tuple[int, int] | None:
        """See `Stops.inode`."""
        try:
            found = _fstat(fd)
        except (OSError, OverflowError):
            self.note("doubt", f"{self.place()} uses file descriptor {fd}, which is not open, or may be another file")
            return None
        return found.st_dev, found.st_ino

    def position(self, fd: int) -> tuple[Effect, ...]:
        """See `Stops.position`: threads have all file descriptors in common."""
        return ((fd, "o"),)

    def duplicated(self, fd: int, another: int) -> None:
        """See `Stops.duplicated`: they have one position, and one lock."""
        self.paths.same_position(fd, another)
        if fd in self._bare and self.begun:
            self._bare.add(another)
        inode = self.inode(another)
        if inode in self.locked:
            self.note("uncontrolled", f"{self.place()} doubles the file descriptor of a file that may be locked")

    def file(self, fd: int) -> int:
        """See `Stops.file`: doubles of what may be locked are told."""
        return fd

    def keeps(self, fd: Any) -> bool:
        """See `Stops.keeps`."""
        return False

    def make_way(self, fd: int) -> None:
        """See `Stops.make_way`."""

    def closing(self, fd: int) -> int:
        """See `Stops.closing`."""
        return fd

    def inherits(self, fd: int) -> bool:
        """See `Stops.inherits`."""
        return False

    def closes(self, fd: int) -> tuple[Effect, ...]:
        """See `Stops.closes`: others may have it."""
        return self.position(fd)

    def moves(self, fd: int, label: str, word: str = "seeks in") -> None:
        """See `Stops.moves`."""
        if self.begun and stat.S_ISREG(_fstat(fd).st_mode):
            self.step(word, label, ((fd, "o"),))

    def names(self) -> Iterator[str]:
        """The names of temporary files: each actor has its own, as chance would have it."""
        control = self._control
        if control.quiet:
            return iter(lambda: os.urandom(4).hex(), "")
        if not self._going_on:
            self._begin()
        index = control.current.index
        if index not in self._names:
            self._names[index] = (f"{index}_{number:06}" for number in range(1, sys.maxsize))
        return self._names[index]


def _is_name(owner: object, key: object) -> bool:
    """Whether to write there may change what a path leads to."""
    return type(key) is tuple or type(owner) is Common


class _Known:
    """Entered around an operation; no generator, as those of the library may be instrumented."""

    __slots__ = ("_files",)

    def __init__(self, stops: Files) -> None:
        self._files = stops

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, *_: object) -> None:
        self._files.done(kind is not None)
