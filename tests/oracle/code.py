"""Flattens the body of an actor into instructions that `model` steps through.

Blocks become jumps, so that an actor's whole progress is one number and its local
variables: a state of a program is then a small value that can be copied and compared.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from .language import Catch, Do, If, Join, Next, Raise, Start, Statement, Try, Wait, With, child_of, locals_of


@dataclass(frozen=True)
class Instruction:
    """One step that others could notice, or a jump between two such steps.

    ``unwind`` names what the blocks around it hold, innermost first, out to the next ``try``: an exception
    releases these on its way, each as a step of its own.  ``handler`` is the label where it is caught, or -1.
    """

    verb: str
    thing: str = ""
    into: int | None = None
    value: int | Next | None = None
    key: str | None = None
    unwind: tuple[str, ...] = ()
    handler: int = -1
    target: int = 0
    ways: tuple[tuple[object, int], ...] = ()  # what the operation gives -> the label where to go on; else the next


JUMPS = ("jump", "jump unless equal", "jump if true")


@dataclass(frozen=True)
class Code:
    """An actor or a child thread; ``child`` is the index of the code that it may start, else -1."""

    instructions: tuple[Instruction, ...]
    locals: int
    labels: tuple[int, ...]  # where each is; what is jumped to is a label
    child: int = -1


def flatten_all(actors: tuple[tuple[Statement, ...], ...]) -> tuple[Code, ...]:
    """The actors in order, then their children, then the children of these."""
    bodies = list(actors)
    codes = []
    for body in bodies:
        inner = child_of(body)
        codes.append(_flatten(body, len(bodies) if inner is not None else -1))
        if inner is not None:
            bodies.append(inner)
    return tuple(codes)


def _flatten(body: tuple[Statement, ...], child: int) -> Code:
    writer = _Writer(locals_of(body))
    writer.block(body)
    return Code(tuple(writer.out), writer.hidden, tuple(writer.labels), child)


@dataclass
class _Writer:
    hidden: int  # the number of the first of two local variables that the program text does not have
    out: list[Instruction] = field(default_factory=list)
    labels: list[int] = field(default_factory=list)
    unwind: tuple[str, ...] = ()
    handler: int = -1

    def add(self, verb: str, thing: str = "", into: int | None = None, **more: object) -> None:
        self.out.append(Instruction(verb, thing, into, unwind=self.unwind, handler=self.handler, **more))

    def label(self) -> int:
        """A place that is not known yet."""
        self.labels.append(-1)
        return len(self.labels) - 1

    def here(self, label: int) -> None:
        self.labels[label] = len(self.out)

    def held(self, thing: str, body: tuple[Statement, ...]) -> None:
        """What is done while ``thing`` is held, and its release."""
        before, self.unwind = self.unwind, (thing, *self.unwind)
        self.block(body)
        self.unwind = before
        self.add("release", thing)

    def block(self, body: tuple[Statement, ...]) -> None:
        for one in body:
            self.statement(one)

    def statement(self, one: Statement) -> None:
        match one:
            case Do("add", thing):
                self.add("read", thing, self.hidden)
                self.add("write", thing, value=Next(self.hidden))
            case Do("wait" | "wait in time", thing, into):
                # Two steps as in CPython: whoever meets an unset event first stands in line, then is woken.
                found = self.label()
                self.add("wait", thing, into, ways=((True, found),))
                self.add("woken" if one.verb == "wait" else "woken in time", thing, into)
                self.here(found)
            case Do("meet", thing, into):
                self.meet(thing, into)
            case Do("break" | "reset", thing):
                self.add("acquire", thing)
                before, self.unwind = self.unwind, (thing, *self.unwind)
                self.add("break" if one.verb == "break" else "reset to", thing)
                self.add("notify all", thing)
                self.unwind = before
                self.add("release", thing)
            case Do(verb, thing, into, value, key):
                self.add(verb, thing, into, value=value, key=key)
            case With(thing, inner, also):
                self.add("acquire", thing)
                self.held(thing, (With(also, inner),) if also else inner)
            case Try(thing, into, inner, timed):
                skip = self.label()
                self.add("acquire in time" if timed else "try acquire", thing, into)
                self.add("jump unless equal", into=into, value=1, target=skip)
                self.held(thing, inner)
                self.here(skip)
            case Catch(inner, handler):
                self.catch(inner, handler)
            case Wait():
                self.wait(one)
            case If(local, equals, inner):
                skip = self.label()
                self.add("jump unless equal", into=local, value=equals, target=skip)
                self.block(inner)
                self.here(skip)
            case Raise():
                self.add("raise")
            case Start():
                self.add("start")
            case Join():
                self.add("join")

    def catch(self, body: tuple[Statement, ...], handler: tuple[Statement, ...]) -> None:
        before = self.unwind, self.handler
        after = self.label()
        self.unwind, self.handler = (), self.label()
        caught = self.handler
        self.block(body)
        self.unwind, self.handler = before
        self.add("jump", target=after)
        self.here(caught)
        self.block(handler)
        self.here(after)

    def wait(self, one: Wait) -> None:
        again, leave = self.label(), self.label()
        self.here(again)
        self.add("read", one.place, self.hidden)
        self.add("jump if true", into=self.hidden, target=leave)
        self.stand(one.condition, one.into)
        if one.into is not None and one.loop:
            self.add("jump unless equal", into=one.into, value=True, target=leave)
        if one.loop:
            self.add("jump", target=again)
        self.here(leave)

    def stand(self, condition: str, into: int | None = None) -> None:
        """``condition.wait()``, or, if what it gives is wanted, with a timeout."""
        self.add("line up", condition)
        if into is None:
            self.add("wake up", condition)
            return
        late, on = self.label(), self.label()
        self.add("wake up in time", condition, into, ways=((True, on), (False, on)))
        self.here(late)
        self.add("wake up late", condition, into)
        self.here(on)

    def meet(self, thing: str, into: int | None) -> None:
        """`threading.Barrier.wait`."""
        coming, waiting, last, leaving, broken, over = (self.label() for _ in range(6))
        self.add("acquire", thing)
        before, self.unwind = self.unwind, (thing, *self.unwind)
        self.here(coming)
        self.add("come", thing, self.hidden + 1, ways=(("wait", waiting), ("last", last)))
        self.stand(thing)
        self.add("jump", target=coming)
        self.here(waiting)
        stand = self.label()
        self.add("look", thing, ways=(("go", leaving), ("broken", broken), ("wait", stand)))
        self.here(stand)
        self.stand(thing)
        self.add("jump", target=waiting)
        self.here(last)
        self.add("notify all", thing)
        self.here(leaving)
        self.add("leave", thing, ways=(("go", over),))
        self.add("notify all", thing)
        self.add("jump", target=over)
        self.here(broken)
        failing = self.label()
        self.add("leave", thing, ways=(("go", failing),))
        self.add("notify all", thing)
        self.here(failing)
        self.add("fail", thing)
        self.here(over)
        self.unwind = before
        self.add("release", thing)
        self.add("keep", into=into)
