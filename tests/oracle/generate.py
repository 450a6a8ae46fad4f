"""Makes programs from choices, whoever makes the choices: Hypothesis, or a random number generator with a seed.

A program uses one to three things, so that its actors meet.  Simple choices come
first in every list, because Hypothesis shrinks towards the first.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from hypothesis import strategies as st

from .language import (
    CONDITIONS,
    LOCKS,
    PLACES,
    SEMAPHORES,
    THINGS,
    Catch,
    Do,
    If,
    Join,
    Next,
    Program,
    Raise,
    Start,
    Statement,
    Try,
    Wait,
    With,
    statements,
)

Choose = Callable[[Sequence[Any]], Any]

SHAPES = {
    "places": ("x", "y", "total", "ready", "count", "seen"),
    "containers": ("table", "items", "stock", "pile", "x"),
    "locks": ("lock", "other", "again", "x", "total", "items"),
    "conditions": ("condition", "signal", "x", "ready", "count", "items"),
    "events": ("event", "gate", "permit", "seat", "x", "table"),
    "queues": ("slot", "mail", "x", "items"),
    "barriers": ("meeting", "x", "items"),
    "timeouts": ("lock", "slot", "event", "gate", "condition", "again", "signal", "x"),
    "children": ("x", "lock", "total", "items", "count"),
    "errors": ("pile", "lock", "stock", "again", "slot", "signal", "x"),
    "everything": tuple(THINGS),
}
"""Shape -> what its programs are about."""
_TIMED = ("timeouts", "everything")
_CAUGHT = ("errors", "everything")
_STEPS = {2: 6, 3: 3}  # number of actors -> most steps of each, so that few programs have too many interleavings


def generate(choose: Choose, shape: str) -> Program:
    """A program of the shape; ``choose`` picks one of a sequence."""
    count = choose((2, 2, 3))
    pool = _pool(choose, SHAPES[shape])
    timed = choose((*range(count), -1)) if shape in _TIMED else None  # who has timeouts; -1: everybody
    writers = [
        _Actor(
            choose,
            pool,
            _STEPS[count] if "meeting" not in pool or count == 3 else 4,
            timed=timed in (number, -1),
            errors=shape in _CAUGHT,
            depth=2 if shape == "children" else 1,
        )
        for number in range(count)
    ]
    bodies = [writer.body() for writer in writers]
    if choose((True, True, True, False)):
        bodies = _answered(bodies)
    return Program(tuple(bodies))


def from_seed(seed: int, shape: str = "everything") -> Program:
    """The program that a seed stands for."""
    return generate(random.Random(seed).choice, shape)


_ANSWERS = {"wait": Do("set", "event"), "acquire": Do("release", "gate"), "get": Do("put", "mail", value=1)}
"""What somebody may wait for -> what ends the wait."""


def _answered(bodies: list[tuple[Statement, ...]]) -> list[tuple[Statement, ...]]:
    """Give waits their answers, in an actor that does not wait itself where there is one.

    Without this most programs come to a standstill, and those say little of the count of classes.
    """
    answered = list(bodies)
    for wait, answer in _ANSWERS.items():
        for thing in THINGS:
            needed = [[one for one in statements(body, True) if _is(one, wait, thing)] for body in bodies]
            given = [one for body in bodies for one in statements(body, True) if _is(one, answer.verb, thing)]
            missing = sum(map(len, needed)) - len(given)
            missing = min(missing, 1) if wait == "wait" else missing - (thing == "permit")
            if missing > 0:
                place = min(range(len(bodies)), key=lambda number: len(needed[number]))
                answered[place] = (replace(answer, thing=thing),) * missing + answered[place]
    meeting = [sum(_is(one, "meet", "meeting") for one in statements(body, True)) for body in bodies]
    if sum(meeting) % 2:
        place = min(range(len(bodies)), key=meeting.__getitem__)
        answered[place] = (Do("meet", "meeting"), *answered[place])
    return answered


def _is(one: Statement, verb: str, thing: str) -> bool:
    return isinstance(one, Do) and one.verb == verb and one.thing == thing


@st.composite
def programs(draw: Callable[[Any], Any], shape: str = "everything") -> Program:
    """Hypothesis's programs of a shape."""
    return generate(lambda options: draw(st.sampled_from(options)), shape)


def _pool(choose: Choose, names: Sequence[str]) -> list[str]:
    """What the program is about; with a condition always something to wait for."""
    pool = [names[0]] if choose((True, False)) else []
    pool += [choose(names) for _ in range(choose((1, 2)))]
    if not set(pool).isdisjoint(("condition", "signal")):
        pool.append(choose([name for name in names if THINGS[name].kind in PLACES]))
    return list(dict.fromkeys(pool))


_VERBS = {
    "dict": ("contains", "set item", "look up", "length", "truth", "set item", "contains", "delete", "item"),
    "list": ("append", "length", "append", "truth", "copy", "append", "pop"),
    "event": ("set", "wait", "is set", "clear"),
    "queue": ("put", "get", "try get", "empty", "try get", "put", "get", "get now")
    + ("put now", "full", "size", "done", "all done"),
    "barrier": ("meet", "meet", "meet", "meet", "break", "reset"),
}
_PLACE = ("read", "write", "add", "write")
_SEMAPHORE = ("release", "acquire", "try acquire")
_IN_TIME = frozenset(("acquire", "wait", "get", "put"))
_GIVING = frozenset(
    ("read", "contains", "look up", "length", "truth", "item", "copy", "pop", "wait", "is set", "get", "try get")
    + ("empty", "get now", "try acquire", "full", "size", "meet")
    + tuple(f"{verb} in time" for verb in _IN_TIME)
)
_KEYED = frozenset(("contains", "set item", "look up", "delete", "item"))
_VALUED = frozenset(("write", "set item", "append", "put", "put now", "put in time"))
_COSTS = {"add": 2, "wait": 2, "wait in time": 2, "meet": 4, "break": 3, "reset": 3}  # steps; all others are one
_RARELY = (False, False, False, True)


@dataclass
class _Actor:
    """Writes the body of one actor."""

    choose: Choose
    pool: list[str]
    steps: int  # how many it may still take
    numbers: list[int] = field(default_factory=list)  # local variables that hold a number
    variables: int = 0
    held: tuple[str, ...] = ()
    timed: bool = False  # what can be given up is, at some moment
    errors: bool = False  # exceptions are thrown and caught
    depth: int = 1  # how many threads may be started by one another

    def body(self) -> tuple[Statement, ...]:
        """The whole of an actor; some have a child thread, which may have one itself."""
        often = (True, False) if self.depth > 1 else _RARELY
        if self.steps < 4 or not self.depth or not self.choose(often):
            return tuple(self.block())
        self.steps -= 3
        deep = self.depth > 1 and self.steps > 1 and self.choose((False, True))
        child = _Actor(self.choose, self.pool, 4 if deep else 1, errors=self.errors, depth=self.depth - 1)
        before = tuple(self.some(self.choose(self.pool))) if self.steps > 1 and self.choose(_RARELY) else ()
        started = (*before, Start(child.body()))
        joined = (Join(),) if self.choose((True, True, False)) else ()
        return (*started, *self.block(), *joined)

    def block(self) -> Iterator[Statement]:
        """At least one statement, and more while there are steps left."""
        while self.steps > 0:
            yield from self.some(self.choose(self.pool))
            if self.choose((True, True, True, False)) is False:
                return

    def some(self, name: str) -> Iterator[Statement]:
        """One or a few statements about a thing."""
        if self.errors and self.choose((False, True)):
            self.errors = False
            handler = tuple(self.some(self.choose(self.pool))) if self.choose((True, False)) else ()
            risky = tuple(self.some(name))
            if self.choose((True, False)):
                risky += tuple(self.risky())
            self.errors = True
            yield Catch(risky, handler or (self.raised() if self.choose(_RARELY) else ()))
            return
        kind = THINGS[name].kind
        if kind in CONDITIONS:
            yield self.about_condition(name)
        elif kind in LOCKS:
            yield from self.about_lock(name)
        elif kind in SEMAPHORES and self.steps > 2 and self.choose((False, True)):
            yield self.within(name)
        else:
            verbs = _PLACE if kind in PLACES else _SEMAPHORE if kind in SEMAPHORES else _VERBS[kind]
            verb = self.choose(verbs)
            yield self.operation(f"{verb} in time" if self.timed and verb in _IN_TIME else verb, name)
            if verb in _GIVING and self.numbers and self.steps and self.choose((False, False, True)):
                yield self.conditional()

    def raised(self) -> tuple[Raise]:
        return (Raise(),)

    def risky(self) -> Iterator[Statement]:
        """Something that is likely to raise, and perhaps something after it."""
        risks = {"lock": "release", "reentrant": "release", "plain condition": "notify", "condition": "notify"}
        risks |= {"list": "pop", "dict": "delete", "queue": "get now", "bounded semaphore": "release"}
        name = self.choose(self.pool)
        verb = risks.get(THINGS[name].kind)
        yield Raise() if verb is None else self.operation(verb, name)

    def operation(self, verb: str, name: str) -> Do:
        """One operation; what it gives goes into a new local variable."""
        self.steps -= _COSTS.get(verb, 1)
        value = None
        if verb in _VALUED:
            value = Next(self.numbers[-1]) if self.numbers and self.choose((True, False)) else self.choose((1, 2))
        into = None
        if verb in _GIVING:
            into = self.local(number=verb != "copy")
        return Do(verb, name, into, value, self.choose(("a", "a", "b")) if verb in _KEYED else None)

    def local(self, number: bool = True) -> int:
        """A new local variable."""
        if number:
            self.numbers.append(self.variables)
        self.variables += 1
        return self.variables - 1

    def conditional(self) -> If:
        """Something that depends on what was seen last."""
        local, equals = self.numbers[-1], self.choose((0, 1, 2))
        if self.choose((False, False, False, True)):
            return If(local, equals, (Raise(),))
        return If(local, equals, tuple(self.some(self.choose(self.pool))))

    def about_lock(self, name: str) -> Iterator[Statement]:
        again = name in self.held and THINGS[name].kind == "lock"  # that is a deadlock, and one of those is enough
        if self.choose(_RARELY) != again or (self.timed and self.choose((True, False))):
            into = self.local()
            self.steps -= 2
            yield Try(name, into, self.inner(name), self.timed)
        elif self.choose(_RARELY):
            self.steps -= 2
            yield from (Do("acquire", name), *self.inner(name), Do("release", name))
        else:
            yield self.within(name)

    def about_condition(self, name: str) -> Statement:
        if name in self.held and self.choose((True, True, THINGS[name].kind == "plain condition")):
            return self.notification(name)
        if self.choose((False, True)):
            place = self.choose([one for one in self.pool if THINGS[one].kind in PLACES])
            self.steps -= 5
            into = self.local() if self.timed else None
            waits = Wait(name, place, self.choose((True, True, False)), into)
            return With(name, (waits, *self.inner(name)))
        self.steps -= 3
        return With(name, (*self.inner(name), self.notification(name)))

    def notification(self, name: str) -> Do:
        self.steps -= 1
        return Do(self.choose(("notify", "notify all")), name)

    def within(self, name: str) -> With:
        self.steps -= 2
        others = [
            one for one in self.pool if THINGS[one].kind in (*LOCKS, *SEMAPHORES) and one not in (name, *self.held)
        ]
        also = self.choose(others) if others and self.steps > 1 and self.choose(_RARELY) else None
        if also:
            self.steps -= 2
            self.held, before = (*self.held, also), self.held
            inner = self.inner(name)
            self.held = before
            return With(name, inner, also)
        return With(name, self.inner(name))

    def inner(self, name: str) -> tuple[Statement, ...]:
        """What is done while ``name`` is held; it may be nothing."""
        before, self.held = self.held, (*self.held, name)
        body: list[Statement] = []
        while self.steps > 0 and len(body) < 2 and self.choose((True, True, False)):
            body += self.some(self.choose(self.pool))
        self.held = before
        return tuple(body)
