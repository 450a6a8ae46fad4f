"""Notices in the process of an actor that it has gone round a loop, and stands as it stood before.

The code of the actor is instrumented in its own process, library code as well, so that it tells what it changes; what
is called and not instrumented counts as a change, unless it is known to be none.  A round counts where, at the same
operation in the same loop of the same call of a function, nothing was changed in memory since that was not changed back
(`lab.child.loops.changes`), the variables that the loop gives values to have the same values, and the files that are
open stand where they stood.  What was changed outside of memory is for the runner to say.  The operation has to be the
first one since nothing was half computed, so that all that stands in functions further inside follows from that.
"""

from __future__ import annotations

import os
import stat
import sys
import weakref
from collections.abc import Callable, Iterable
from types import CodeType, FrameType, FunctionType, MethodType
from typing import Any

from lab.child.everything import Everything, name_in
from lab.child.loops.changes import Changes
from lab.child.loops.harmless import FILES, LOOKING, getter_of, is_free, is_harmless, manages
from lab.child.loops.unchanged import standing
from lab.child.stops import Stops
from lab.filesystem.stops import Effect
from lab.filesystem.twin import Twin
from lab.hooks import ABSENT, Accesses, Bystander
from lab.instrument import Site
from lab.loops import Round, are_same, loops_of, values_of
from lab.operations import contents, fills_itself, taken
from lab.origin import LAB, is_library
from lab.virtual.harmless import runs_library

_fstat, _lseek = os.fstat, os.lseek
_Profile = Callable[[FrameType, str, Any], None]
_AT_ONCE = frozenset(("unpack", "spread"))
_MOVING = _AT_ONCE | {"next", "iterate"}
_UNMOVED = frozenset((tuple, list, str, bytes, bytearray, range, dict, set, frozenset))
"""What stays as it is when all of it is read at once; an iterator does not."""


class Rounds(Bystander):
    """The driver of the hooks in the process of an actor."""

    def __init__(self, stops: Stops, bottom: CodeType) -> None:
        self._stops = stops
        self._bottom = bottom
        self._discovery = Everything()
        self._instrumented = self._discovery.instrumented
        self._changes = Changes()
        self._report: _Profile | None = None
        self._busy = False  # the lab itself goes on
        self._number = 0  # of the next stop
        self._calls = 0
        self._started: dict[int, int] = {}  # id of a frame -> which call that is
        self._met: dict[int, dict[tuple[int, int], tuple[int, tuple[int, int], object, list[object]]]] = {}
        """Call -> place in a loop of it -> the last stop there, and how things stood."""
        self._moved: set[int] = set()  # ids of frames that came by a hook since the last stop
        self._stood: dict[int, int] = {}  # call -> the instruction that it was at, at the last stop
        self._free: CodeType | None = None  # what is about to be called, and changes nothing
        self._inside: FrameType | None = None  # a function that is known to change nothing
        self._files: dict[int, tuple[weakref.ref[Any], int]] = {}  # by id, and how often its methods were called
        self._semaphores: dict[int, Any] = {}
        self._going_on: tuple[Any, ...] = ()  # the operation that goes on, and what it might change, as it was before

    def begin(
        self, body: Any, called: _Profile | None, first: Callable[[FrameType, str], None] | None = None
    ) -> _Profile:
        """In the process, before the actor runs: a profile function, which tells ``first`` and ``called`` as well."""
        self._begin()
        self._discovery.cover(body)
        self._end()
        report = self._report = self._reporting(called, first)
        return report

    def is_forked(self, function: Any) -> None:
        """In a process that an actor has forked, to run a function if that is not None: stops are counted anew."""
        self._number = 0
        self._met.clear()
        self._moved.clear()
        self._stood.clear()
        if function is not None:
            self.cover((function,))

    # ------------------------------------------------------------ at a stop

    def goes_on(self, word: str, effects: tuple[Effect, ...]) -> None:
        """The operation that the process has stopped at is about to be done."""
        before = standing(word, effects, self._stops.own)
        self._going_on = (before, word, effects) if before is not None else ()

    def see_what_came(self) -> None:
        """The operation has been done: tell if it came to nothing, while that can be seen."""
        going_on, self._going_on = self._going_on, ()
        if going_on and standing(going_on[1], going_on[2], self._stops.own) == going_on[0]:
            self._stops.note("nothing", "")

    def arrive(self) -> int:
        """The number of the stop at which the process stood as it does now; -1 if there was none."""
        self._busy = True
        self._stops.inside += 1
        try:
            return self._arrive()
        finally:
            self._end()

    def _arrive(self) -> int:
        self.tell()
        self.see_what_came()
        number, self._number = self._number, self._number + 1
        moved, self._moved = self._moved, set()
        stood, self._stood = self._stood, {}
        found = -1
        if sys.getprofile() is not self._report:
            return found  # nobody tells any more what runs
        frame: FrameType | None = sys._getframe(1)
        while frame is not None and frame.f_code is not self._bottom:
            call = self._started.get(id(frame))
            if call is not None:
                loops = loops_of(frame.f_code)
                here = self._stood[call] = loops.standing(frame.f_lasti)
                at = loops.at(frame.f_lasti) if loops.usable else False
                if (
                    isinstance(at, Round)
                    and id(frame) in moved
                    and not here - at.distance <= stood.get(call, -1) < here
                ):
                    found = max(found, self._compare(call, at, number, values_of(frame, at, loops.looks)))
            frame = frame.f_back
        return found

    def tell(self) -> None:
        """Let the runner know which functions were instrumented, as it can have that ready for the next processes."""
        if self._discovery.met:
            self._stops.note("code", "\n".join(self._discovery.met))
            self._discovery.met.clear()

    def cover(self, functions: Iterable[Any]) -> None:
        """Have these instrumented as well."""
        if self._begin():
            try:
                for function in functions:
                    self._discovery.cover(function)
            finally:
                self._end()

    def cover_accessors(self, kind: Any, key: str) -> None:
        """Have that instrumented which gives an attribute, or sets it."""
        member = next((vars(base)[key] for base in kind.__mro__ if key in vars(base)), None)
        if type(member) is property:
            self.cover(one for one in (member.fget, member.fset) if type(one) is FunctionType)

    def name_of_unknown(self, code: CodeType, variables: dict[str, Any]) -> str:
        """The name, for `named`, of a function that tells nothing and could; empty if it cannot or does."""
        if id(code) in self._instrumented or not self._discovery.could_tell(code, variables):
            return ""
        return name_in(variables, code)

    def _compare(self, call: int, at: Round, number: int, values: list[object]) -> int:
        known = self._met.setdefault(call, {})
        place, outside = (at.place, at.distance), self._outside()
        before = known.get(place)
        known[place] = number, self._changes.mark(), outside, values
        if before is None or before[2] != outside or not are_same(before[3], values):
            return -1
        return before[0] if self._changes.are_back_at(before[1]) else -1

    def _outside(self) -> object:
        """What the process has for itself that is not in the memory of Python."""
        stops = self._stops
        opened = [(fd, stops.file(fd), stops.label(fd), _position(fd)) for fd in sorted(stops.own)]
        files = []
        for number, (reference, calls) in [*self._files.items()]:
            file = reference()
            if file is None or file.closed:
                del self._files[number]
            else:
                place = _place_in(file, stops.own)
                files.append((number, place if place is not None else -calls))
        locks = [(number, one.real._count()) for number, one in self._semaphores.items()]
        return opened, files, locks, [*stops.flocks.items()], len(stops.locked), stops.waited

    # ------------------------------------------------------------ what the interpreter reports

    def _reporting(self, called: _Profile | None, first: Callable[[FrameType, str], None] | None) -> _Profile:
        def report(frame: FrameType, event: str, argument: Any) -> None:
            if first is not None:
                first(frame, event)
            if event == "call" or event == "return":
                self._reported(frame, event)
            elif called is not None:
                called(frame, event, argument)

        return report

    def _reported(self, frame: FrameType, event: str) -> None:
        if event == "call":
            code = frame.f_code
            if id(code) in self._instrumented:
                self._calls += 1
                self._started[id(frame)] = self._calls
            elif not self._busy:
                self._unknown(frame, code)
        elif event == "return":
            call = self._started.pop(id(frame), None)
            if call is not None:
                self._met.pop(call, None)
            elif frame is self._inside:
                self._inside = None

    def _unknown(self, frame: FrameType, code: CodeType) -> None:
        """Code starts that is not instrumented."""
        if code.co_filename.startswith(LAB):
            return  # an operation that has been judged, or a hook
        free, self._free = self._free, None
        library, caller = is_library(code.co_filename), frame.f_back
        if self._inside is None and (
            code is free or is_free(frame) or (library and caller and caller.f_code.co_filename.startswith(LAB))
        ):
            self._inside = frame
        elif self._inside is None or not library:
            self._changes.happened()

    # ------------------------------------------------------------ what the code tells

    def touch(
        self, owner: object, key: object, write: bool, site: Site, value: object = ABSENT, more: Accesses = ()
    ) -> None:
        """Before an access."""
        if self._begin():
            try:
                if any(writes for _, _, writes in more) or self._runs_unknown(owner, key):
                    self._changes.happened()
                elif write and value is not ABSENT:
                    function = self._changes.writes(owner, key, value)
                    if function is not None:
                        self._discovery.cover(function)
                elif write:  # it is deleted, and would come again in another place
                    self._changes.happened()
            finally:
                self._end()

    def whole(
        self, container: object, write: bool, site: Site, detail: object = ABSENT, also: tuple[object, ...] = ()
    ) -> None:
        """Before an operation on a container."""
        if self._begin():
            try:
                accesses = contents(container, fills_itself(container))
                for other in also:
                    accesses += taken(other, False)
                moves = site.kind in _MOVING and not (site.kind in _AT_ONCE and type(container) in _UNMOVED)
                if moves or any(writes for _, _, writes in accesses):
                    self._changes.happened()
                elif write and not also:
                    self._changes.fills(container, *(detail if type(detail) is tuple else ()))
                elif write:
                    self._changes.happened()
            finally:
                self._end()

    def call(self, function: Any, arguments: tuple[Any, ...], site: Site) -> Any:
        """Before a call."""
        if self._begin():
            try:
                self._judge(_operation(function), arguments)
            finally:
                self._end()
        return function

    def _judge(self, function: Any, arguments: tuple[Any, ...]) -> None:
        inner = function.__func__ if type(function) is MethodType else function
        code = inner.__code__ if type(inner) is FunctionType else None
        self._free = None
        if is_harmless(function, arguments):
            self._free = code
            if code is None or code.co_filename.startswith(LAB):
                self._meet(getattr(function, "__self__", None), str(getattr(function, "__name__", "")))
        elif not self._changes.calls(function, arguments):
            if code is None or code.co_filename.startswith(LAB):
                self._changes.happened()
            self._discovery.cover(function)

    def resumed(self, frame: FrameType, site: Site) -> None:
        """A generator goes on."""
        self._changes.happened()

    def awaited(self, thing: object, site: Site) -> None:
        """Before an ``await``."""
        self._changes.happened()

    def enter(self, manager: Any, site: Site) -> Any:
        """Before a ``with``."""
        if self._begin():
            try:
                kind = type(manager)
                if manages(manager):
                    self._meet(manager, "__enter__")
                elif all(type(getattr(kind, name, None)) is FunctionType for name in ("__enter__", "__exit__")):
                    self._discovery.cover_manager(kind)
                else:
                    self._changes.happened()
            finally:
                self._end()
        return manager

    def _runs_unknown(self, owner: object, key: object) -> bool:
        if type(key) is not str:
            return False
        getter = getter_of(type(owner), key)
        if getter is not None:
            self._discovery.cover(getter)
            return False  # its own code tells, or its start
        kind: Any = type(owner)
        return runs_library(kind, key)

    def _meet(self, owner: Any, name: str) -> None:
        """Remember what has a state of its own that is neither in Python's memory nor outside."""
        if type(owner) in FILES:
            if name not in LOOKING:
                self._files[id(owner)] = weakref.ref(owner), self._files.get(id(owner), (owner, 0))[1] + 1
        elif type(owner).__module__ == "lab.child.semaphores":
            self._semaphores[owner.number] = owner

    def _begin(self) -> bool:
        """Before what the lab itself does at a hook; false where it has come to that in the middle of such."""
        if self._busy:
            return False
        self._busy = True
        self._stops.inside += 1
        frame: FrameType | None = sys._getframe(2)
        while frame is not None and frame.f_code.co_filename.startswith(LAB):
            frame = frame.f_back
        self._moved.add(id(frame))
        return True

    def _end(self) -> None:
        self._stops.inside -= 1
        self._busy = False


def _operation(function: Any) -> Any:
    """What stands behind a call, where something of the lab's is called in its place."""
    if type(function) is FunctionType and function.__code__.co_filename.startswith(LAB):
        return getattr(function, "__wrapped__", function)
    return function.__wrapped__ if type(function) is Twin else function


def _position(fd: int) -> object:
    """Which file is open, and at which position."""
    try:
        status = _fstat(fd)
        position = _lseek(fd, 0, os.SEEK_CUR) if stat.S_ISREG(status.st_mode) else 0
    except OSError:
        return None
    return status.st_dev, status.st_ino, position


def _place_in(file: Any, own: set[int]) -> object:
    """How far a file has been read, buffers included; None where that cannot be told."""
    try:
        if file.fileno() in own and file.readable() and not file.writable():
            return file.tell()
    except (OSError, ValueError):
        pass
    return None
