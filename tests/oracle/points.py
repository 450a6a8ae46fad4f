"""What a program comes to where threads are switched at some instructions only: every such interleaving.

A CPython with the global interpreter lock lets another thread go on where C code blocks, and at instructions that
poll (``Python/ceval.c``): at the beginning of a function, at a jump back, and after a call of C code.  The programs
that this is for have no functions but their actors and no loops, and use places, dicts, lists and locks:

- after a call, which is ``items.append(1)``, ``len(items)``, ``lock.acquire(False)``, or the end of a ``with``, there is
  a switch point;
- where a value is read, written, looked up or compared there is none, nor, up to 3.13, where a ``with`` takes a lock
  that is free (from 3.14 on that is a call);
- who comes to a lock that is held waits, and others go on; once it has got the lock they may do so again.
"""

from __future__ import annotations

import sys

from .language import LOCKS, PLACES, Do, If, Program, Try, With, statements, things_of
from .model import Event, Machine

_CALLS = frozenset(
    ("look up", "length", "append", "pop", "copy", "release", "try acquire")
    + (("acquire",) if sys.version_info >= (3, 14) else ())
)
_KINDS = (*PLACES, *LOCKS, "dict", "list")


def is_for(program: Program) -> bool:
    """Whether it is known of each statement where the switch points are."""
    known = all(
        isinstance(one, With | If)
        or (isinstance(one, Try) and not one.timed)
        or (isinstance(one, Do) and one.verb != "acquire")  # by a call, which `model` does not tell from a ``with``
        for body in program.actors
        for one in statements(body, children=True)
    )
    return known and all(thing.kind in _KINDS for thing in things_of(program))


class _Polling(Machine):
    """A machine that notes whether the actor of the last step has passed a switch point since it took it."""

    __slots__ = ("polled",)

    def step(self, number: int) -> tuple[_Polling, Event]:
        after = _Polling(self.codes, self.memory.copy(), self.actors.copy(), self.taken.copy())
        after.polled = False
        event = after._take(number)
        after.taken[number] += 1
        after._settle(number)
        return after, event

    def _do(self, number: int, one: object) -> None:
        self.polled = self.polled or one.verb in _CALLS
        super()._do(number, one)


def outcomes_at_points(program: Program) -> frozenset:
    """What can come of it."""
    found = set()
    seen = set()
    begun = _Polling.of(program)
    pending = [(begun, None, frozenset())]  # who has to go on, if anybody, and who waits for a lock
    while pending:
        machine, running, waiting = pending.pop()
        key = machine.key(), running, waiting
        if key in seen:
            continue
        seen.add(key)
        enabled = machine.enabled()
        if not enabled:
            found.add(machine.result())
        elif running is not None and running not in enabled:
            pending.append((machine, None, waiting | {running}))
        else:
            for number in enabled if running is None else [running]:
                after, _ = machine.step(number)
                free = after.polled or number in waiting or after.has_ended(number)
                pending.append((after, None if free else number, waiting - {number}))
            if running is None:  # somebody comes to a lock that is held, and waits from then on
                blocked = [one for one in range(len(machine.actors)) if not machine.has_ended(one)]
                pending += [(machine, None, waiting | {one}) for one in blocked if one not in (*enabled, *waiting)]
    return frozenset(found)
