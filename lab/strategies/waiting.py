"""Notices an actor that waits in a loop for what others do."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from types import FrameType
from typing import Any

from lab.carriers.actor import Actor, Event, next_in_turn
from lab.carriers.execution import Execution
from lab.loops import Round, are_same, loops_of, values_of
from lab.origin import LAB, is_library
from lab.strategies.dpor import SourceSets

_TWINS = os.path.join(LAB, "virtual") + os.sep


class AwaitingSets(SourceSets):
    """Source-DPOR in which who has gone round a loop for nothing has no part in the rest of the schedule.

    A round that changes nothing, and after which the actor stands where it stood with
    the same values, can be left out: whatever is reached by going round is reached
    without.  That the actor looks later is another schedule.  Kokologiannakis, Ren and
    Vafeiadis, "Dynamic Partial Order Reductions for Spinloops", FMCAD 2021.  Where this
    differs: rounds are noticed as they happen, not in the code beforehand; and when
    everybody else has ended, who waits goes on, as it may do so for ever.
    """

    def __init__(self) -> None:
        self.found = False  # somebody waited, in some execution
        super().__init__()

    def begin(self, execution: Execution) -> bool:
        self._met: dict[int, dict[object, tuple[object, list[object]]]] = {}  # actor -> where it was, and how it stood
        self._rounds: dict[int, int] = {}  # who has gone round a loop for nothing -> at which event
        self._checked = 0
        return super().begin(execution)

    def choose(self, enabled: list[Actor], current: Actor | None) -> Actor:
        execution: Any = self._execution
        if not self.redundant:
            position = len(execution.events)
            if self._rounds:
                self._check(execution.events, position)
            if current is not None and current.index not in self._rounds and self._comes_round(current, enabled):
                self.found = True
                self._rounds[current.index] = position
            going_on = [actor for actor in enabled if actor.index not in self._rounds] if self._rounds else enabled
            if going_on and not self.redundant:
                return super().choose(going_on, current)
            self._until = min(self._until, position)
            self.redundant = True
        return super().choose(enabled, current)

    def end(self, execution: Execution) -> None:
        events = execution.events or []
        if self._rounds and not self.redundant:
            self._check(events, len(events))
        super().end(execution)

    def _check(self, events: Sequence[Event], position: int) -> None:
        """Who goes on after all, because nobody else could, repeats what is covered elsewhere."""
        for at in range(self._checked, position):
            if at >= self._rounds.get(events[at][0].index, position):
                self.redundant = True
                self._until = min(self._until, at)
                break
        self._checked = position

    def _fair(self, enabled: list[Actor], current: Actor | None) -> Actor:
        if self.redundant and current is not None:
            return next_in_turn(enabled, current) or current
        return super()._fair(enabled, current)

    def _comes_round(self, actor: Actor, enabled: list[Actor]) -> bool:
        """Whether the actor, which has come to a decision, is where it was, and has changed nothing since."""
        if actor not in enabled:
            return False
        control: Any = self._execution
        if control.counting is None:
            return bool(control.rounds.came_round(actor))  # the actors are processes, and tell themselves
        position = _position(control.counting.c_calls)
        if position is None:
            return False
        place, values = position
        state = control.unchanged_since(actor)
        known = self._met.setdefault(actor.index, {})
        before = known.get(place)
        known[place] = state, values
        return before is not None and before[0] == state and are_same(before[1], values)


def _position(c_calls: set[int]) -> tuple[object, list[object]] | None:
    """Where the running actor is, and the values of what its loops keep; None where a loop cannot be told."""
    frame: FrameType | None = sys._getframe(2)
    place: list[object] = []
    values: list[object] = []
    looping = False
    seen: set[int] = set()
    while frame is not None and frame.f_code.co_filename.startswith(LAB):
        if frame.f_code.co_filename.startswith(_TWINS):
            place += [id(frame.f_code), frame.f_lasti]  # which decision of an operation that has several
        frame = frame.f_back
    innermost = True
    while frame is not None and not frame.f_code.co_filename.startswith(LAB):
        code = frame.f_code
        loops = loops_of(code)
        if not innermost and (id(frame) in c_calls or not loops.calls_once(frame.f_lasti)):
            return None  # it may be called again and again from one place
        innermost = False
        if id(code) in seen or not loops.usable:
            return None
        seen.add(id(code))
        found = loops.at(frame.f_lasti)
        library = is_library(code.co_filename)
        if found is True or (library and (found or not looping)):
            return None  # nobody tells what it changes
        if isinstance(found, Round):
            looping = True
            place += [id(code), found.place, found.distance]
            values += values_of(frame, found, loops.looks)
        else:
            place += [id(code), frame.f_lasti]
        frame = frame.f_back
    while frame is not None:
        if not frame.f_code.co_filename.startswith(LAB) and not is_library(frame.f_code.co_filename):
            return None  # library code of the lab's calls back
        frame = frame.f_back
    return (tuple(place), values) if looping else None
