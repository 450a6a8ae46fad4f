"""The child's side of a step: say what comes next, wait until it may happen, say what it came to."""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Iterable
from itertools import count
from threading import get_ident
from types import CodeType, FrameType
from typing import Any

from lab.child.memory.guard import Guard, tell_by
from lab.child.memory.touches import shared_extent
from lab.child.places import KEEPS_VARIABLES, Places, let_go
from lab.child.wire import ASKS, Gone, Wire, receive_lent
from lab.filesystem.opened import IS_TOLD
from lab.filesystem.stops import GO, Effect

_open, _write, _close = os.open, os.write, os.close
_getcwd, _fstat, _exit, _getpid = os.getcwd, os.fstat, os._exit, os.getpid
_dup = os.dup
_NO_DESCRIPTOR = -1
_OF_SYSTEM = "/proc"


class Stops(Places):
    """Stops before each operation on something shared, and lets the runner say when it may happen."""

    are_threads = False

    def __init__(self) -> None:
        super().__init__()
        self._wire = Wire(-1)
        self.index = 0  # of the actor
        self.guard = Guard()
        self.rounds: Any = None  # `lab.child.rounds.Rounds` where the runner asks whether loops merely wait
        self.root = ""  # the private directory, which nobody renames
        self.groups = ""  # the file of the process groups that have to be ended
        self.telling = -1  # the file descriptor by which the place is told where it is killed
        self.may_crash = False  # it may be killed, also in the middle of a write
        self._identity = 0
        self._result: str | None = None  # what the operation before came to
        self._notes: list[tuple[str, Any]] = []  # what the runner has to be told: of which kind, and what
        self.inside = 0  # an operation that is known is going on
        self.now = 0.0  # virtual seconds
        self.own: set[int] = set()  # file descriptors that this process opened itself
        self._files: dict[int, int] = {}  # a file descriptor that has or had doubles -> the number of the open file
        self._labels: dict[int, str] = {}  # what they were opened as
        self.connected: list[str] = []  # paths of databases that it has connections to
        self.locked: set[tuple[int, int]] = set()  # device and inode of files that it may have locked
        self.waited = 0  # for the end of how many processes
        self.starting: Any = None  # what a process is about to be started for, and what calls it
        self._family: set[int] = set()  # file descriptors that this process has in common with those it forked
        self.flocks: dict[tuple[tuple[int, int], int], bool] = {}  # what has a lock of `flock` -> whether it is shared

    def prepare(self, bottom: CodeType, now: float) -> None:
        """In the runner, for the children that it is about to fork."""
        self._bottom, self.now = bottom, now
        self._identity = get_ident()  # a child goes on with the thread that forks
        self.own.clear()

    def begin(
        self, index: int, site: tuple[str, str, int, int], may_crash: bool, wire: Wire, roots: list[tuple[Any, str]]
    ) -> None:
        """In the child of the actor with that number: whom to ask from now on."""
        self.index, self._site, self.may_crash, self._wire, self._roots = index, site, may_crash, wire, roots
        self.begun = True

    def leave(self) -> None:
        """In a process that the program itself forks, which nobody controls."""
        if self.inside:  # another fork came before, which was out of control; this one is not
            return
        self.begun = False
        self.guard.give_way()

    def is_its_thread(self) -> bool:
        """Whether it is the thread that is under control which asks."""
        return get_ident() == self._identity

    def share(self) -> None:
        """A process is about to be forked, which has all that is open now."""
        self._family |= self.own
        self.own.clear()

    def is_forked(self, wire: Wire, index: int) -> None:
        """In a process that was forked by an actor, and is another one: ask by that wire from now on."""
        _close(self._wire.fd)
        self.index = index
        self._wire, self._notes, self._result, self.may_crash = wire, [], None, True  # its parent may kill it
        self.locked.clear()
        function = None
        if self.starting is not None:
            function, name = self.starting
            frame: FrameType | None = sys._getframe()
            while frame is not None and frame.f_code.co_qualname != name:
                frame = frame.f_back
            if frame is not None:  # of which the code may be instrumented
                self._lowest, self._bottom = self._lowest or self._bottom, frame.f_code
            self._site = self.first_site(function)
            self.starting = None
        if self.rounds is not None:
            self.rounds.is_forked(function)

    def is_spawned(self, wire: Wire, index: int, bottom: CodeType, now: float, site: Any) -> None:
        """In a process that was started by an actor with an interpreter of its own."""
        self._wire, self._bottom, self.now, self._site = wire, bottom, now, tuple(site)
        self._identity, self.index, self.may_crash = get_ident(), index, True

    # ------------------------------------------------------------ steps

    def step(
        self, word: str, label: str, effects: tuple[Effect, ...], detail: str = "", wait: tuple[Any, ...] = ()
    ) -> int:
        """Wait until the operation may happen; `GO`, or `TIMED_OUT` where it was given up instead."""
        if not self.begun:
            return GO
        if get_ident() != self._identity:
            self.note("uncontrolled", f"{word} {label} in a thread of its own, which a process does out of control")
            return GO
        if KEEPS_VARIABLES and (sys.getprofile() is not None or self.has_looked):
            let_go(sys._getframe(1), self._bottom)
        self.guard.close()
        site = self._find_site()
        as_at = self.rounds.arrive() if self.rounds is not None else -1
        self._send("step", (word, label, effects, detail, wait, site, as_at))
        try:
            answer, self.now = self._wire.receive()
        except Gone:
            _exit(70)  # the runner is no more, and nobody must go on without it
        if self.rounds is not None and answer == GO:
            self.rounds.goes_on(word, effects)
        return int(answer)

    def ask(self, *question: Any) -> Any:
        """What the runner answers to a question, which is no step; None for a thread that nobody controls."""
        if not self.begun or get_ident() != self._identity:
            return None
        try:
            self._wire.send(ASKS, question, None, (), self.now)
            return self._wire.receive()[0]
        except Gone:
            _exit(70)

    def borrow(self, number: int, *question: Any) -> tuple[Any, list[int]]:
        """The same for a question of which the answer comes with so many file descriptors."""
        try:
            with self.known():
                self._wire.send(ASKS, question, None, (), self.now)
                return receive_lent(self._wire, number)
        except Gone:
            _exit(70)

    def _send(self, kind: str, payload: Any) -> None:
        result, self._result = self._result, None
        notes, self._notes = tuple(self._notes), []
        try:
            self._wire.send(kind, payload, result, notes, self.now)
        except Gone:
            _exit(70)

    def came_to(self, result: str | None) -> None:
        """Tell what the operation that was stopped before came to."""
        if self.begun:
            self._result = result

    def end(self, payload: Any, left: tuple[Effect, ...] = ()) -> None:
        """The actor has done all it had to, and has ``left`` what ends with its process; returns when that may end."""
        left = (*left, *[(path, "lW") for path in self.connected])
        if self.rounds is not None:
            self.rounds.tell()
        self._send("end", (*payload, left, self._site))
        try:
            self._wire.receive()
        except Gone:
            _exit(70)

    def note(self, kind: str, what: Any) -> None:
        """Have the runner told of ``what`` with the next message."""
        if self.begun and (kind, what) not in self._notes:
            self._notes.append((kind, what))

    def starts_processes(self) -> None:
        """Put down for whoever cleans up that this process is not alone in its group; before the runner is told of it,
        which may never be."""
        if self.begun and self.groups:
            fd = _open(self.groups, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
            _write(fd, f"{os.getpid()} ".encode())
            _close(fd)

    def hands(self, things: Iterable[Any], to: str) -> None:
        """The system is handed these: it would not be let into memory that is protected, and only says so."""
        guard = self.guard
        if guard.guards and any(shared_extent(guard, one) is not None for one in things):
            told = f"hands memory that processes share to {to}, which is not under control"
            self.note("unfollowed", f"{self.place()} {told}")
            guard.give_way()

    def known(self) -> Stops:
        """What happens meanwhile is part of an operation that was announced."""
        return self

    def __enter__(self) -> None:
        self.inside += 1

    def __exit__(self, *_: object) -> None:
        self.inside -= 1

    def outside(self, function: Any) -> Any:
        """``function``, which is called in the middle of what is known, and is none of it."""

        def called(*arguments: Any) -> Any:
            before, self.inside = self.inside, 0
            try:
                return function(*arguments)
            finally:
                self.inside = before

        return called

    def aside(self, function: Any) -> Any:
        """``function``, which does nothing that others could notice."""

        def called(*arguments: Any) -> Any:
            before, self.begun = self.begun, False
            try:
                return function(*arguments)
            finally:
                self.begun = before

        return called

    # ------------------------------------------------------------ files

    def opened(self, fd: int, label: str, bare: bool = False) -> None:
        """This process has a file descriptor of its own."""
        self.own.add(fd)
        self._labels[fd] = label

    def closed(self, fd: int) -> None:
        """A file descriptor is no more."""
        if self.rounds is not None:
            self.rounds.see_what_came()
        self.own.discard(fd)
        self._family.discard(fd)
        number = self.closing(fd)
        self._files.pop(fd, None)
        for held in [held for held in self.flocks if held[1] == number]:
            del self.flocks[held]

    def label(self, path: Any) -> str:
        """What a path, or a file descriptor, is called in a trace."""
        if isinstance(path, int):
            return self._labels.get(path, f"file descriptor {path}")
        return os.fsdecode(path)

    def path(self, path: Any, dir_fd: int | None = None) -> Any:
        """The absolute path as text, or device and inode for a file descriptor; see `lab.filesystem.paths`."""
        if isinstance(path, int):
            return self.inode(path)
        text = os.fsdecode(path)
        if text.startswith("/"):
            if text.startswith(_OF_SYSTEM) and self.begun:
                self._look_at_system(text)
            return text
        if dir_fd is None:
            here = _getcwd()
            if here == self.root or not IS_TOLD:
                return f"{here}/{text}"
            return f"/proc/{_getpid()}/cwd", text
        if not IS_TOLD:
            self.note("uncontrolled", f"{self.place()} names {text} from a directory of which the path is not known")
            return f"{_getcwd()}/{text}"
        return f"/proc/{_getpid()}/fd/{dir_fd}", text

    def _look_at_system(self, path: str) -> None:
        """Some of what the system tells in files concerns other processes."""
        name = path.removeprefix(_OF_SYSTEM).strip("/").partition("/")[0]
        if name in ("", "locks") or (name.isdigit() and int(name) != _getpid()):
            shown = path if not name.isdigit() else path.replace(name, "<pid>", 1)
            self.note("doubt", f"{self.place()} looks at {shown}, which tells of other processes")

    def inode(self, fd: int) -> tuple[int, int] | None:
        """Device and inode behind a file descriptor; None where there is none."""
        try:
            found = _fstat(fd)
        except (OSError, OverflowError):
            return None
        return found.st_dev, found.st_ino

    def position(self, fd: int) -> tuple[Effect, ...]:
        """How an operation touches the position of a file descriptor: one from before the fork is shared."""
        return () if fd in self.own else ((self.inode(fd), "o"),)

    def thread(self) -> int:
        """See `lab.filesystem.stops.Stops`: there is one thread under control."""
        return 0

    def writes(self, path: str, connection: object) -> None:
        """Have the runner told whether this process has written in a transaction that goes on."""
        self.note("wrote" if connection is None else "writes", path)

    def several(self, what: str, thing: object, key: str) -> None:
        """See `lab.filesystem.stops.Stops`: nobody else has what is in the memory of a process."""

    def duplicated(self, fd: int, another: int) -> None:
        """There is another file descriptor, which is shared with other processes as far as the first one is."""
        if fd in self.own:
            self.own.add(another)
        else:
            self.own.discard(another)
        if another != fd:
            self._files[fd] = self._files[another] = self.file(fd)

    def file(self, fd: int) -> int:
        """The number of the open file, of which all doubles of a file descriptor have one, and one lock."""
        if fd not in self._files:
            taken = self._files.values()
            if fd not in taken:
                return fd
            self._files[fd] = next(number for number in count(_NO_DESCRIPTOR - 1, -1) if number not in taken)
        return self._files[fd]

    def keeps(self, fd: Any) -> bool:
        """Whether the lab has it, so that there is none for the program."""
        return self.begun and fd in (self._wire.fd, self.telling)

    def make_way(self, fd: int) -> None:
        """The program is about to have one of that number."""
        if fd == self._wire.fd:
            self._wire.fd = _dup(fd)
        elif self.keeps(fd):
            self.telling = _dup(fd)
            tell_by(self.telling)

    def closing(self, fd: int) -> int:
        """The number of the open file that nobody has any more once ``fd`` is closed; -1 if it has doubles."""
        number = self.file(fd)
        return _NO_DESCRIPTOR if any(one != fd and file == number for one, file in self._files.items()) else number

    def inherits(self, fd: int) -> bool:
        """Whether the runner opened it, so that all actors have it."""
        if fd in self._family:
            self.note("escapes", f"{self.place()} locks a file that processes it has forked have open as well")
        return fd not in self.own

    def closes(self, fd: int) -> tuple[Effect, ...]:
        """Nobody but this process has its file descriptors."""
        return ()

    def moves(self, fd: int, label: str, word: str = "seeks in") -> None:
        """A position is moved or asked for, of which only who has the file descriptor takes notice."""
        if self.begun and fd not in self.own and stat.S_ISREG(_fstat(fd).st_mode):
            self.step(word, label, self.position(fd))
