"""When real threads do not go on: whether that is a hang, what it is called, and how to end it.

Nobody controls these threads, so only time can tell; but a slow actor must not be
taken for a hang.  What counts is therefore not how long a round takes but how long
nothing *new* has been seen in any of its threads: a line, or a variable's value.
How long is long enough depends on what they do.  Threads that all wait for locks
without a timeout, while nothing else moves, will never go on; sooner still is this
certain where the system tells that they sleep, and do not just wait for a processor.  A thread that runs
the same lines with the same values spins.  A thread inside a C function, or waiting with
a timeout, may come back: it gets most time, and after that nothing is known of it.
"""

from __future__ import annotations

import ast
import dis
import linecache
import os
import sys
import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any

from lab.origin import LAB, is_library, shown
from lab.program import Failure
from lab.stopwatch import now

GRACE = {"waits": 1.0, "spins": 3.0, "works": 10.0}
"""Seconds without anything new after which a thread that does this counts as stuck."""
ASLEEP = 0.3
"""Seconds in place of those for threads that wait, if all are asleep at every look, and nobody else may help."""
ENDLESS = 30.0
"""Seconds after which nobody should have to wait for a round, although it goes on: no finding, but the end."""
_LONGEST_GAP = 0.06  # seconds between two looks that count
_UNTIMED = ("acquire", "__enter__", "get", "put", "join", "wait")


@dataclass(frozen=True)
class Standstill:
    """Actors that do not go on in one round, or not to its end."""

    message: str
    failure: Failure | None  # None where the round merely takes too long


class Look:
    """Looks at the threads of one batch again and again."""

    def __init__(self, bystanders: frozenset[int], ours: set[int | None]) -> None:
        self._bystanders = bystanders  # threads that were there before: they may help, but do not count as stuck
        self._ours = ours
        self._progress = -1
        self._looked = now()
        self._watched = 0.0  # seconds
        self._begun = self._new = self._new_elsewhere = 0.0
        self._seen: set[object] = set()
        self._places: dict[int, tuple[int, int]] = {}
        self._moved: set[int] = set()
        self._awake = self._begun

    def again(self, inside: Mapping[int, str], progress: int) -> Standstill | None:
        """Look at the threads of the actors ``inside`` a round; what stands still, if anything does."""
        now = self._now()
        if progress != self._progress:
            self._progress = progress
            self._begun = self._new = self._awake = now
            self._seen.clear()
            self._moved.clear()
        frames = sys._current_frames()
        needed = 0.0
        natives = {thread.ident: thread.native_id for thread in threading.enumerate()}
        for identity, frame in frames.items():
            if identity in self._bystanders:
                if self._is_new(identity, frame):
                    self._new_elsewhere = now
                if identity != threading.get_ident() and not waits(frame):
                    self._awake = now  # it may come and help
            elif identity in inside or identity not in self._ours:  # an actor's, or a thread that an actor started
                if self._is_new(identity, frame):
                    self._new = now
                needed = max(needed, GRACE[self._what(identity, frame)])
                if not _sleeps(natives.get(identity)):
                    self._awake = now
        if needed <= GRACE["waits"] and now - self._awake >= ASLEEP:
            needed = min(needed, ASLEEP)
        if now - self._new_elsewhere < needed:
            needed = GRACE["works"]
        if not inside or (now - self._new < needed and now - self._begun < ENDLESS):
            return None
        stuck = {identity: (name, frames[identity]) for identity, name in inside.items() if identity in frames}
        places = ", ".join(f"{name} is at {where(frame)}" for name, frame in stuck.values())
        if now - self._new < needed:
            return Standstill(f"no end after {ENDLESS:.0f} s, although it goes on: {places}", None)
        outside = [where(frame) for identity, (_, frame) in stuck.items() if self._what(identity, frame) == "works"]
        if outside:
            waited = now - self._new
            return Standstill(
                f"no end after {waited:.0f} s: {places}; the call at {outside[0]} may still come back", None
            )
        failure = self._name(stuck)
        return Standstill(failure.message, failure)

    def _now(self) -> float:
        """Seconds watched: where nobody could look, as on a machine that stood still, the threads could not run."""
        before, self._looked = self._looked, now()
        self._watched += min(self._looked - before, _LONGEST_GAP)
        return self._watched

    def _is_new(self, identity: int, frame: FrameType) -> bool:
        place = (id(frame), frame.f_lasti)
        before = self._places.get(identity, place)
        self._places[identity] = place
        state = (identity, _state(frame))
        if state in self._seen:
            if place != before:
                self._moved.add(identity)
            return False
        self._seen.add(state)
        self._moved.discard(identity)
        return True

    def _what(self, identity: int, frame: FrameType) -> str:
        if identity in self._moved:
            return "spins"
        if waits(frame):
            return "waits"
        return "spins" if _jumps(frame) else "works"

    def _name(self, stuck: Mapping[int, tuple[str, FrameType]]) -> Failure:
        detail = tuple(f"{name}: {line}" for name, frame in stuck.values() for line in stack(frame))
        waiting = {identity for identity, (_, frame) in stuck.items() if self._what(identity, frame) == "waits"}
        message = ", ".join(
            f"{name} {'waits' if identity in waiting else 'is still'} at {where(frame)}"
            for identity, (name, frame) in stuck.items()
        )
        if len(waiting) < len(stuck):
            return Failure("livelock", f"nothing new happens any more: {message}", detail)
        lost = all(_waits_for_notification(frame) for _, frame in stuck.values())
        return Failure("lost wakeup" if lost else "deadlock", message, detail)


# ------------------------------------------------------------------ what a thread does


def _outward(frame: FrameType | None) -> Iterable[FrameType]:
    while frame is not None:
        if not frame.f_code.co_filename.startswith(LAB):
            yield frame
        frame = frame.f_back


def _state(frame: FrameType) -> tuple[object, ...]:
    """Where a thread is and what its variables hold, as far as that can be told without running code."""
    return tuple(
        (frame.f_code, frame.f_lineno, *(_value(value) for value in list(frame.f_locals.values())))
        for frame in _outward(frame)
    )


def _value(value: object, deep: bool = True) -> object:
    kind = type(value)
    if kind in (int, float, str, bytes, bool):
        return value
    if kind in (list, dict, set, bytearray):
        return (id(value), len(value))  # type: ignore[arg-type]
    if deep:
        try:
            variables = object.__getattribute__(value, "__dict__")
        except AttributeError:
            return id(value)
        if type(variables) is dict:
            return (id(value), *(_value(one, False) for one in list(variables.values())))
    return id(value)


def _sleeps(native: int | None) -> bool:
    """Whether the system says of a thread that it sleeps until it is woken; False where it says nothing."""
    try:
        status = Path(f"/proc/self/task/{native}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return False
    return status.rpartition(")")[2].split()[0] == "S"


def waits(frame: FrameType) -> bool:
    """Whether a thread waits for a lock, a condition, a queue or another thread's word to its loop; no timeout."""
    innermost = next(iter(_outward(frame)), None)
    if innermost is None:
        return False
    if _is_idle_loop(innermost):
        return True
    operation = dis.opname[innermost.f_code.co_code[innermost.f_lasti]]
    if operation == "BEFORE_WITH":
        return True  # a manager written in Python would have a frame of its own
    call = _expression(innermost)
    if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Attribute) or call.func.attr not in _UNTIMED:
        return False
    for outer in _outward(innermost):
        if not is_library(outer.f_code.co_filename):
            break
        if outer.f_locals.get("timeout", None) not in (None, -1):
            return False
    return not (call.args or call.keywords) or is_library(innermost.f_code.co_filename)


def _is_idle_loop(innermost: FrameType) -> bool:
    """Whether an event loop of asyncio has no timer and no file but the one through which other threads wake it."""
    turn = innermost.f_back
    if turn is None or turn.f_code.co_qualname != "BaseEventLoop._run_once" or not is_library(turn.f_code.co_filename):
        return False
    variables = turn.f_locals
    loop: Any = variables.get("self")
    if variables.get("timeout", 0) is not None or innermost.f_locals.get("self", 0) is not loop._selector:
        return False
    return innermost.f_code.co_name == "select" and len(loop._selector.get_map() or ()) == 1


def _jumps(frame: FrameType) -> bool:
    """Whether a thread is at an instruction that runs no C code: the only one of its loop that lets others go on."""
    innermost = next(iter(_outward(frame)), None)
    if innermost is None:
        return False
    operation = dis.opname[innermost.f_code.co_code[innermost.f_lasti]]
    return "JUMP" in operation or operation in ("RESUME", "NOP")


def _waits_for_notification(frame: FrameType) -> bool:
    """Whether the program itself waits on a Condition, with nobody to notify it."""
    inner = ""
    for outer in _outward(frame):
        code = outer.f_code
        if not is_library(code.co_filename):
            break
        inner = code.co_qualname
    return inner in ("Condition.wait", "Condition.wait_for")


def _expression(frame: FrameType) -> ast.expr | None:
    """The expression that a frame is at, from its source."""
    position = list(frame.f_code.co_positions())[frame.f_lasti // 2]
    first, last, start, end = position
    if first is None or last is None or start is None or end is None:
        return None
    lines = linecache.getlines(frame.f_code.co_filename, frame.f_globals)[first - 1 : last]
    raw = [line.encode() for line in lines]  # positions count bytes
    if not raw:
        return None
    raw[-1] = raw[-1][:end]
    raw[0] = raw[0][start:]
    try:
        return ast.parse(b"(" + b"".join(raw) + b")", mode="eval").body
    except (SyntaxError, ValueError):
        return None


def where(frame: FrameType) -> str:
    """The line of the program that a thread is at, with its source."""
    frames = list(_outward(frame))
    own = next((one for one in frames if not is_library(one.f_code.co_filename)), frames[0] if frames else frame)
    source = linecache.getline(own.f_code.co_filename, own.f_lineno).strip()
    return f"{os.path.basename(own.f_code.co_filename)}:{own.f_lineno}" + (f" ({source})" if source else "")


def stack(frame: FrameType) -> list[str]:
    """Where a thread is, innermost last, in the program's own lines."""
    frames = [one for one in _outward(frame) if not is_library(one.f_code.co_filename)][:6]
    return [f"{shown(one.f_code.co_filename)}:{one.f_lineno} in {one.f_code.co_qualname}" for one in reversed(frames)]
