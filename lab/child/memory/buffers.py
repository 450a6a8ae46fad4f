"""Tells of what the code of an actor does with memory that processes share.

Such memory is reached by no call: what reads a byte of a `memoryview` is an instruction.  So the code of the actor is
instrumented in its own process (`lab.child.loops.rounds`), and at each hook it is asked whether an operand has its
bytes in a shared segment.  What is touched there is told by its range in the segment, so that one segment mapped at two
addresses is one and the same.  What gets there without a hook is stopped by `lab.child.memory.guard`.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from types import CodeType, FrameType, FunctionType, MethodType, ModuleType
from typing import Any

from lab.child.loops.rounds import Rounds
from lab.child.memory.calling import name_of_bytes
from lab.child.memory.handing import GOES_THROUGH, READS_AND_WRITES, called
from lab.child.memory.touches import OF_C, PRIVATE, Touch, attribute, has_bits, touched
from lab.child.stops import Stops
from lab.hooks import ABSENT, Accesses, Bystander
from lab.instrument import Site
from lab.kinds import is_a
from lab.naming import short
from lab.origin import LAB

_write = os.write  # as it was before anything was put in its place
_HEAP_TYPE = 1 << 9  # of the flags of a type: it was not made by C code alone
_PARTED = frozenset(("in", "unpack", "spread"))
"""Instructions that read one element after the other."""
_IN_PLACE = frozenset(("in place", "operator"))
"""Those that read what they write."""
_NOT_BY_INSTRUCTIONS = frozenset(
    ("__init__", "__new__", "__del__", "__reduce__", "__reduce_ex__", "__getstate__", "__setstate__")
    + ("__init_subclass__", "__class_getitem__", "__set_name__", "__dir__", "__sizeof__", "__copy__", "__deepcopy__")
)
STARTED = "started "
"""The beginning of a line that names a function."""
_Profile = Callable[[FrameType, str, Any], None]


class Buffers(Bystander):
    """The driver of the hooks in the process of an actor that has such memory; ``rounds`` is told of all as well."""

    def __init__(self, stops: Stops, rounds: Rounds, waits: bool) -> None:
        self._stops, self._guard, self._rounds = stops, stops.guard, rounds
        self._waits = waits
        self._busy = False
        self._attributes: set[tuple[type, str]] = set()  # that have been met
        self._kinds: set[type] = set()  # of which the special methods are instrumented
        self._started: set[int] = set()  # ids of code that was told of
        self._fd = -1

    def tell_by(self, fd: int) -> None:
        """Where it is to be told which functions started uninstrumented: whoever is killed tells nothing any more."""
        self._fd = fd

    def begin(self, body: Any, called: _Profile | None) -> _Profile:
        """In the process, before the actor runs: a profile function, which has ``called`` told as well."""
        return self._rounds.begin(body, called, self._closing)

    def _closing(self, frame: FrameType, event: str) -> None:
        """What is open for an operation is so no more when something else begins, or the call is over."""
        guard = self._guard
        if event == "call" and self._fd >= 0 and id(frame.f_code) not in self._started:
            self._starts(frame)
        if not guard.is_open or frame.f_code.co_filename.startswith(LAB):
            return
        if event != "c_call" or not guard.for_a_call:
            guard.close()

    def _starts(self, frame: FrameType) -> None:
        code = frame.f_code
        self._started.add(id(code))
        name = self._rounds.name_of_unknown(code, frame.f_globals)
        if name:
            _write(self._fd, f"{STARTED}{name}\n".encode())

    def _cover(self, things: Iterable[Any]) -> None:
        """Have the special methods of these objects instrumented, which instructions call."""
        for thing in things:
            kind = type(thing)
            if kind not in self._kinds:
                self._kinds.add(kind)
                if kind.__flags__ & _HEAP_TYPE:
                    self._rounds.cover(
                        member
                        for base in kind.__mro__
                        for name, member in [*vars(base).items()]
                        if type(member) is FunctionType and name.startswith("__") and name not in _NOT_BY_INSTRUCTIONS
                    )

    # ------------------------------------------------------------ what the code tells

    def touch(
        self, owner: object, key: object, write: bool, site: Site, value: object = ABSENT, more: Accesses = ()
    ) -> None:
        """Before an access."""
        self._guard.close()
        if self._waits:
            self._rounds.touch(owner, key, write, site, value, more)
        kind = type(owner)
        if type(key) is not str or kind is ModuleType or self._busy:
            return
        if (kind, key) not in self._attributes:
            self._attributes.add((kind, key))
            self._cover((owner,))
            self._rounds.cover_accessors(kind, key)
        if is_a(owner, OF_C):
            name = key
            several = READS_AND_WRITES if write and has_bits(owner, name) else ""
            self._see(lambda: attribute(self._guard, owner, name, write, value), several=several)

    def whole(
        self, container: object, write: bool, site: Site, detail: object = ABSENT, also: tuple[object, ...] = ()
    ) -> None:
        """Before an operation on a container."""
        self._guard.close()
        if self._waits:
            self._rounds.whole(container, write, site, detail, also)
        if self._busy or (type(container) in PRIVATE and _are_private(also) and _are_private(detail)):
            return
        self._cover((container, *also))
        several = GOES_THROUGH if site.kind in _PARTED else READS_AND_WRITES if write and site.kind in _IN_PLACE else ""
        self._see(lambda: touched(self._guard, container, write, site.kind, detail, also), several=several)

    def call(self, function: Any, arguments: tuple[Any, ...], site: Site) -> Any:
        """Before a call."""
        self._guard.close()
        if self._busy:
            return function
        found = called(self._guard, function, arguments)
        if found is None or not found.is_known:
            function = self._rounds.call(function, arguments, site)
            self._rounds.tell()
            self._rounds.cover(one for one in arguments if type(one) in (FunctionType, MethodType))
        if found is not None and found.parted:
            return self._by_element(function, found.parted)
        if found is not None:
            self._see(lambda: found.touches, for_a_call=True, several=found.several)
            if not found.is_known:
                what = getattr(function, "__qualname__", None) or type(function).__qualname__
                self._stops.note(
                    "unfollowed",
                    f"{self._stops.place()} hands memory that processes share to {what}, which is not under control",
                )
                self._guard.give_way()
        return function

    def _by_element(self, function: Any, parted: Sequence[Any]) -> Any:
        """What is called in place of C code that reads one element after the other, which is that many steps."""
        if getattr(function, "__self__", None) is parted[0]:
            return lambda: [*self._each(parted[0])]

        def call(*arguments: Any, **named: Any) -> Any:
            given = [self._each(one) if any(one is other for other in parted) else one for one in arguments]
            return function(*given, **named)

        return call

    def _each(self, thing: Any) -> Iterator[Any]:
        for position in range(len(thing)):
            self._see(lambda at=position: touched(self._guard, thing, False, "item", (at,), ()))  # type: ignore[misc]
            yield thing[position]

    def resumed(self, frame: FrameType, site: Site) -> None:
        """A generator goes on."""
        self._guard.close()
        if self._waits:
            self._rounds.resumed(frame, site)

    def awaited(self, thing: object, site: Site) -> None:
        """Before an ``await``."""
        self._guard.close()
        if self._waits:
            self._rounds.awaited(thing, site)

    def enter(self, manager: Any, site: Site) -> Any:
        """Before a ``with``."""
        self._guard.close()
        return self._rounds.enter(manager, site)

    # ------------------------------------------------------------ a step

    def _see(self, find: Callable[[], list[Touch]], for_a_call: bool = False, several: str = "") -> None:
        """Stop before what is found to be touched; ``several`` tells how that is more than one operation."""
        if self._busy:
            return
        self._busy = True
        try:
            touches = find()
            if touches:
                if several:
                    self._stops.note("doubt", f"{self._stops.place()} {several}")
                self._step(touches, for_a_call)
        finally:
            self._busy = False

    def _step(self, touches: list[Touch], for_a_call: bool) -> None:
        stops, guard = self._stops, self._guard
        first = touches[-1]
        found = [guard.effect(one.address, one.size, one.write) for one in touches]
        effects = tuple([one for one in found if one is not None])
        if effects:
            word = "writes" if first.write else "reads"
            detail = (short(first.value) or "") if first.write and first.value is not ABSENT else ""
            stops.step(word, name_of_bytes(stops, first), effects, detail)
        for one in touches:
            guard.open(one.address, one.size, one.write, for_a_call)
        if effects and not first.write and first.read is not None:
            try:  # no code of the library may run here: it would be taken for what comes next
                result = first.read()
            except NotImplementedError:  # a format that nothing but C code knows
                return
            stops.came_to(short(result))


def _are_private(things: object) -> bool:
    return type(things) is not tuple or all(type(one) in PRIVATE for one in things)


def driver_of(stops: Stops, bottom: CodeType, waits: bool, hooked: bool, fd: int) -> tuple[Rounds | None, Any]:
    """What follows the code of a process, if anything does, and the driver of its hooks.

    ``fd`` is where it is to be told which functions started uninstrumented.
    """
    if not waits and not hooked:
        return None, Bystander()  # an exploration inside of an actor is refused
    rounds = Rounds(stops, bottom)
    if not hooked:
        return rounds, rounds
    buffers = Buffers(stops, rounds, waits)
    buffers.tell_by(fd)
    return rounds, buffers
