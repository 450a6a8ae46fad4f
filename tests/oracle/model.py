"""Runs a program operation by operation.

What counts as one operation, and so as one step:

- reading or writing an attribute, a global or a closure cell; ``+= 1`` is one of each;
- each operation on a dict or list, whole: ``d[k]``, ``len(d)``, ``not d``, ``d.append(v)``;
- each operation on a lock, semaphore or queue; one that has to wait happens when it can;
- ``Event.wait`` when the event is set; else lining up, and later being woken, which holds
  even if the event has been cleared again by then;
- ``Condition.wait`` twice: lining up, which gives the lock away, and waking up, which takes
  it back.  A condition and its lock are two objects, both touched by that;
- a time that is up, like what it puts an end to; it may be up at any moment.  Who waits on a
  condition whose lock is held then takes that in a further step, when it can;
- starting a thread and joining it.

What is none: to take a reentrant lock again or to release it while it stays taken; to be refused what only who
has it may do.  ``Barrier.wait`` consists of the steps of its condition, as what it does between them it does while
it has the lock.

An execution ends when every actor has ended, with the first exception that leaves one,
or when no actor can go on.
"""

from __future__ import annotations

from contextlib import suppress
from typing import NamedTuple

from .code import JUMPS, Code, Instruction, flatten_all
from .effects import DO, FIRST, READS, READY, SEEN, UNDER_LOCK, Memory, Wrong, is_unnoticed, touched
from .language import THINGS, Next, Program, things_of

EXCEPTION = "exception"
DEADLOCK = "deadlock"  # and a lost wakeup: no actor can go on


class Event(NamedTuple):
    """One step: the actor, how many it took before, and what it touched."""

    actor: int
    number: int
    things: tuple[str, ...]
    write: bool
    child: int = 0  # the actor that it starts or joins; the first actor is nobody's child


class Progress(NamedTuple):
    """How far an actor has come."""

    place: int
    variables: tuple
    unwinding: tuple[str, ...] = ()  # what an exception has yet to release before it is caught or leaves the actor
    handler: int = -1  # the label where it is caught, or -1


class Machine:
    """A program in the middle of an execution; `step` gives the next one and leaves this one as it is."""

    __slots__ = ("actors", "codes", "failed", "memory", "taken")

    def __init__(
        self, codes: tuple[Code, ...], memory: Memory, actors: list[Progress | None], taken: list[int]
    ) -> None:
        self.codes = codes
        self.memory = memory
        self.actors = actors  # None for a child thread that has not been started
        self.taken = taken  # how many steps each has taken
        self.failed = False

    @classmethod
    def of(cls, program: Program) -> Machine:
        """The program before its first step."""
        codes = flatten_all(program.actors)
        actors = [_begin(code) if number < len(program.actors) else None for number, code in enumerate(codes)]
        things = things_of(program)
        memory = {thing.name: FIRST.get(thing.kind, lambda start: start)(thing.start) for thing in things}
        machine = cls(codes, memory, actors, [0] * len(codes))
        for number in range(len(program.actors)):
            machine._settle(number)
        return machine

    def key(self) -> object:
        """Equal for two machines that go on alike."""
        return tuple(self.memory.values()), tuple(self.actors), self.failed

    def enabled(self) -> list[int]:
        """Who can take a step."""
        return [] if self.failed else [number for number in range(len(self.actors)) if self._can_go_on(number)]

    def _can_go_on(self, number: int) -> bool:
        actor, code = self.actors[number], self.codes[number]
        if actor is None:
            return False
        if actor.unwinding:
            return True  # it only releases
        if actor.place >= len(code.instructions):
            return False
        one = code.instructions[actor.place]
        if one.verb == "join":
            return self.has_ended(code.child)
        ready = READY.get(one.verb)
        return ready is None or ready(self.memory[one.thing], number)

    def has_ended(self, number: int) -> bool:
        """Whether the actor has nothing left to do, or never began."""
        actor = self.actors[number]
        return actor is None or actor.place >= len(self.codes[number].instructions)

    def result(self) -> object:
        """What an execution that can go no further came to."""
        if self.failed:
            return EXCEPTION
        if not all(map(self.has_ended, range(len(self.codes)))):
            return DEADLOCK
        saw = tuple(
            None if actor is None else actor.variables[: code.locals]
            for actor, code in zip(self.actors, self.codes, strict=True)
        )
        names = sorted(self.memory, key=lambda name: THINGS[name].kind == "cell")  # those last, as in the source
        values = [self.memory[name] for name in names]
        return saw, tuple(SEEN[type(value)](value) if type(value) in SEEN else value for value in values)

    def step(self, number: int) -> tuple[Machine, Event]:
        """The machine after the next step of an actor, and that step."""
        after = Machine(self.codes, self.memory.copy(), self.actors.copy(), self.taken.copy())
        event = after._take(number)
        after.taken[number] += 1
        after._settle(number)
        return after, event

    def _take(self, number: int) -> Event:
        actor, code, count = self.actors[number], self.codes[number], self.taken[number]
        if actor.unwinding:
            thing = actor.unwinding[0]
            event = Event(number, count, touched("release", thing, self.memory[thing]), True)
            self._release(number)
            return event
        one = code.instructions[actor.place]
        if one.verb in ("start", "join"):
            if one.verb == "start":
                self.actors[code.child] = _begin(self.codes[code.child])
                self._settle(code.child)
            self.actors[number] = actor._replace(place=actor.place + 1)
            return Event(number, count, (f"child {code.child}",), True, code.child)
        event = Event(number, count, touched(one.verb, one.thing, self.memory[one.thing]), one.verb not in READS)
        self._do(number, one)
        return event

    def _do(self, number: int, one: Instruction) -> None:
        actor = self.actors[number]
        try:
            given = DO[one.verb](self.memory, one.thing, _value(one.value, actor.variables), one.key, number)
        except Wrong:
            self._raise(number, one)
        else:
            variables = actor.variables if given is None else _with(actor.variables, one.into, given)
            self.actors[number] = actor._replace(place=self._way(number, one, given), variables=variables)

    def _way(self, number: int, one: Instruction, given: object) -> int:
        label = next((label for what, label in one.ways if what == given), None)
        return self.actors[number].place + 1 if label is None else self.codes[number].labels[label]

    def _release(self, number: int) -> None:
        """What an exception has to release on its way out; to be refused raises another one, on the same way."""
        actor = self.actors[number]
        thing, *rest = actor.unwinding
        with suppress(Wrong):
            DO["release"](self.memory, thing, None, None, number)
        self._go_up(number, tuple(rest), actor.handler)

    def _raise(self, number: int, instruction: Instruction) -> None:
        self._go_up(number, instruction.unwind, instruction.handler)

    def _go_up(self, number: int, unwinding: tuple[str, ...], handler: int) -> None:
        actor = self.actors[number]
        if not unwinding and handler >= 0:
            self.actors[number] = Progress(self.codes[number].labels[handler], actor.variables)
            return
        self.actors[number] = actor._replace(unwinding=unwinding, handler=handler)
        self.failed = not unwinding

    def _settle(self, number: int) -> None:
        """Go on to where the actor does something that others could notice."""
        instructions = self.codes[number].instructions
        while not self.failed:
            actor = self.actors[number]
            if actor.unwinding:
                if not is_unnoticed("release", self.memory[actor.unwinding[0]], number):
                    return
                self._release(number)
                continue
            if actor.place >= len(instructions):
                return
            one = instructions[actor.place]
            if one.verb == "raise":
                self._raise(number, one)
            elif one.verb == "keep":
                variables = _with(actor.variables, one.into, actor.variables[-1])
                self.actors[number] = actor._replace(place=actor.place + 1, variables=variables)
            elif one.verb in JUMPS:
                self.actors[number] = actor._replace(place=self._jump(number, one))
            elif one.verb in UNDER_LOCK:
                self._do_under_lock(number, one)
            elif is_unnoticed(one.verb, self.memory.get(one.thing), number):
                self._do(number, one)
            else:
                return

    def _do_under_lock(self, number: int, one: Instruction) -> None:
        actor = self.actors[number]
        try:
            way = UNDER_LOCK[one.verb](self.memory, one.thing, None, None, number)
        except Wrong:
            self._raise(number, one)
            return
        come = self.memory[one.thing].come - 1
        variables = _with(actor.variables, one.into, come)
        self.actors[number] = actor._replace(place=self._way(number, one, way), variables=variables)

    def _jump(self, number: int, one: Instruction) -> int:
        target = self.codes[number].labels[one.target]
        if one.verb == "jump":
            return target
        actor = self.actors[number]
        value = actor.variables[one.into]
        leaves = value != one.value if one.verb == "jump unless equal" else bool(value)
        return target if leaves else actor.place + 1


def _begin(code: Code) -> Progress:
    return Progress(0, (0,) * (code.locals + 2))


def _with(variables: tuple, into: int | None, given: object) -> tuple:
    return variables if into is None else (*variables[:into], given, *variables[into + 1 :])


def _value(value: int | Next | None, variables: tuple) -> int | None:
    return variables[value.local] + 1 if isinstance(value, Next) else value
