"""Whether an execution that was cut short goes round without end, or is merely longer than its bound.

Nobody can tell that of every program.  Certain is: who reads the same things at the same places again and again, with
the same values in its variables, and writes nothing, will do so for ever, as long as nobody else goes on.
(Rounds of steps at shared objects are found in `rounds.py`, by what they read and write.)
"""

from __future__ import annotations

import dis
import sys
from contextlib import suppress
from functools import lru_cache
from types import CodeType, FrameType
from typing import Any

from lab.carriers.actor import Actor
from lab.exploration import Exploration
from lab.instrument import Site
from lab.origin import LAB
from lab.recorder import SharingMap
from lab.strategies.replay import Choices

_LOOKED_AT = 8_000  # accesses at most: the last ones
_LEARNT = 400  # accesses of an actor among these, with which its later ones are compared
_ENOUGH = 100  # of these
_PLAIN = (bool, int, float, complex, str, bytes, type(None))


def circles(exploration: Exploration, choices: list[int]) -> bool:
    """Whether the execution of these choices, which had no end, only goes round; it is run once more."""
    control = exploration.control
    sharing = _Circle(control.quiet_steps + control.steps)
    with suppress(Exception):  # of the program, or the time is up
        exploration.execute(Choices(choices).choose, sharing=sharing)
        return control.halted == "endless" and sharing.nothing_new
    return False


class _Circle(SharingMap):
    """Compares the accesses of the last stretch with those before."""

    def __init__(self, length: int) -> None:
        super().__init__()
        self._to_come = length
        self._looked_at = min(_LOOKED_AT, length * 3 // 4)
        self._seen: dict[int, set[object]] = {}  # by actor
        self._taken: dict[int, int] = {}
        self._differs = False

    @property
    def nothing_new(self) -> bool:
        enough = min(self._taken.values(), default=0) >= _LEARNT + _ENOUGH
        return enough and not self._differs

    def note(self, actor: Actor, owner: object, key: object, write: bool, site: Site) -> None:
        """One access; of the last ones what everybody's variables hold is looked at."""
        self._to_come -= 1
        if self._to_come > self._looked_at or self._differs:
            return
        if write:
            self._differs = True
            return
        state = (actor.index, id(owner), key, *_state(sys._getframe(1)))
        if None in state:  # somebody is inside of a loop over an iterator, which has a state of its own
            self._differs = True
            return
        taken = self._taken[actor.index] = self._taken.get(actor.index, 0) + 1
        seen = self._seen.setdefault(actor.index, set())
        if taken <= _LEARNT:
            seen.add(state)
        else:
            self._differs = state not in seen


def _state(frame: FrameType | None) -> list[object]:
    state: list[object] = []
    while frame is not None:
        code = frame.f_code
        if not code.co_filename.startswith(LAB):
            if any(first <= frame.f_lasti < last for first, last in _loops(code)):
                return [None]
            values = tuple(_value(value) for value in list(frame.f_locals.values()))
            state.append((id(code), frame.f_lasti, values))
        frame = frame.f_back
    return state


def _value(value: Any) -> object:
    return (type(value), value) if type(value) in _PLAIN else id(value)


@lru_cache(maxsize=256)
def _loops(code: CodeType) -> list[tuple[int, int]]:
    """Where the loops over iterators begin and end."""
    return [(one.offset, one.argval) for one in dis.get_instructions(code) if one.opname in ("FOR_ITER", "SEND")]
