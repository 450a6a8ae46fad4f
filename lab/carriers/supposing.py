"""What would stand against a proof but for a lock that guards all of it: operations that are not one step in truth."""

from __future__ import annotations

import sys
from types import FrameType, GeneratorType
from typing import TYPE_CHECKING, Any

from lab.carriers.inside import containers_inside, is_hash, is_nested, read_by_iterator, writes_rows
from lab.hooks import Accesses
from lab.instrument import Site
from lab.operations import CONTENTS, goes_through_parts
from lab.origin import frame_of_program, shown

if TYPE_CHECKING:
    from lab.carriers.control import Control as _Base
else:
    _Base = object

DEEP = "reads what is inside of a container's items in one step"
IN_THE_MIDDLE = "is called in the middle of an operation on what others touch"


class Supposing(_Base):
    """Put before a carrier that knows of doubts: what is in order as long as a lock guards it (`lab.guards`).

    That can be told only where everything is noted, and so it is asked again where it is not.  An operation
    that calls back goes on when the callback has returned, so nobody may take or free a lock in between.
    """

    _interrupted: FrameType | None = None  # the code whose container operation was the last step, until it calls
    _operated: Accesses = ()  # what that operation touches
    _told = 0  # how often there was a doubt

    def __init__(self, *arguments: Any) -> None:
        self._open: set[tuple[int, int]] = set()  # operations that called back: ids of their frames, and where in them
        super().__init__(*arguments)

    def _clear(self) -> None:
        super()._clear()
        self._open.clear()

    def _let_go(self) -> None:
        """Keep nothing of the program."""
        self._interrupted, self._operated = None, ()

    # ------------------------------------------------------------ hooks

    def operate(self, owner: object, word: str, site: Site, detail: str = "", also: tuple[object, ...] = ()) -> None:
        """A visible operation on a synchronization object that never blocks."""
        self._look_for_lock(site)
        super().operate(owner, word, site, detail, also)

    def block(self, kind: str, owner: object, word: str, ready: Any, site: Site, *more: Any) -> bool:
        """A visible operation that happens only once ``ready()``."""
        self._look_for_lock(site)
        return super().block(kind, owner, word, ready, site, *more)

    def _look_for_lock(self, site: Site) -> None:
        if self.quiet or self.unwinding or (self._interrupted is None and not self._open):
            return
        self._look_for_callback(frame_of_program(), site)
        frame: FrameType | None = sys._getframe(1)
        while frame is not None:
            if (id(frame), frame.f_lasti) in self._open:
                self._doubt("waits or uses a lock in the middle of an operation on what others touch", site)
                break
            frame = frame.f_back

    def _operates(self, frame: FrameType | None, owner: object, key: object, write: bool, more: Accesses) -> None:
        """A container operation of ``frame`` has been chosen to go on."""
        if type(owner) is GeneratorType:
            frame = None  # is all Python: nothing of the operation is left when its code has begun
        self._interrupted = frame
        self._operated = () if frame is None else ((owner, key, write), *more)

    def _look_for_callback(self, frame: FrameType | None, site: Site) -> None:
        """Code that C code calls in the middle of an operation makes several steps of it."""
        interrupted = self._interrupted
        if interrupted is not None and frame is not None and frame.f_back is interrupted:
            self._open.add((id(interrupted), interrupted.f_lasti))
            self._suppose(IN_THE_MIDDLE, site, self._operated)

    # ------------------------------------------------------------ what is supposed

    def _suppose(self, what: str, site: Site, accesses: Accesses) -> None:
        """Doubt ``what``, unless all of ``accesses`` are guarded."""
        if self.tasked:
            self._doubt(what, site)
            return
        self._told += 1
        sharing: Any = self.sharing
        if sharing is None:
            self.suspicious = True  # see when all is noted
            return
        for owner, key, write in accesses:
            sharing.suppose(self.current, owner, key, write, _story(what, site))

    def _suppose_inside(self, site: Site, things: tuple[object, ...], what: str = DEEP, plain: bool = False) -> None:
        """Doubt ``what``, unless all that is inside of ``things`` is guarded; of ``plain`` ones, themselves as well."""
        inside = containers_inside(things, plain)
        if inside is None:
            self._doubt(what, site)
        else:
            self._suppose(what, site, tuple([(one, CONTENTS, False) for one in inside]))

    def _suppose_state(self, owner: object, kind: Any, name: str, arguments: tuple[object, ...], site: Site) -> None:
        """A method of C code changes an object of which nothing else tells that it changes."""
        unknown = f"calls {kind.__qualname__}.{name}, of which it is not known what it changes"
        rows = writes_rows(owner, name)
        if not rows and not is_hash(kind):
            self._doubt(unknown, site)
            return
        self._suppose(unknown, site, ((owner, CONTENTS, True),))  # itself, and nothing else
        if rows:  # but for what is written, of which it reads all
            self._suppose_inside(site, arguments, plain=True)

    def _examine_iterators(self, site: Site, things: tuple[object, ...]) -> None:
        """Iterators that others made may read inside of what they go through, or go on to parts that came later."""
        for one in things:
            if goes_through_parts(one):
                self._doubt(DEEP, site)
            read = read_by_iterator(one)
            if read and any(map(is_nested, read)):
                self._suppose_inside(site, read)

    def _doubt(self, what: str, site: Site) -> None:
        self._told += 1
        self.doubts[_story(what, site)] = None


def _story(what: str, site: Site) -> str:
    return f"{site.code.co_qualname} ({shown(site.code.co_filename)}:{site.line}) {what}"
