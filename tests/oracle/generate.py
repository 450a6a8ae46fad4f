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
    PLACES,
    THINGS,
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
    "locks": ("lock", "other", "x", "total", "items"),
    "conditions": ("condition", "x", "ready", "count", "items"),
    "events": ("event", "gate", "permit", "x", "table"),
    "queues": ("slot", "mail", "x", "items"),
    "everything": tuple(THINGS),
}
"""Shape -> what its programs are about."""
_STEPS = {2: 6, 3: 3}  # number of actors -> most steps of each, so that few programs have too many interleavings


def generate(choose: Choose, shape: str) -> Program:
    """A program of the shape; ``choose`` picks one of a sequence."""
    count = choose((2, 2, 3))
    pool = _pool(choose, SHAPES[shape])
    bodies = [_Actor(choose, pool, _STEPS[count]).body() for _ in range(count)]
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
    if "condition" in pool:
        pool.append(choose([name for name in names if THINGS[name].kind in PLACES]))
    return list(dict.fromkeys(pool))


_VERBS = {
    "dict": ("contains", "set item", "look up", "length", "truth", "set item", "contains", "delete", "item"),
    "list": ("append", "length", "append", "truth", "copy", "append", "pop"),
    "event": ("set", "wait", "is set", "clear"),
    "queue": ("put", "get", "try get", "empty", "try get", "put", "get", "get now"),
}
_PLACE = ("read", "write", "add", "write")
_SEMAPHORE = ("release", "acquire", "try acquire")
_GIVING = frozenset(
    ("read", "contains", "look up", "length", "truth", "item", "copy", "pop", "wait", "is set", "get", "try get")
    + ("empty", "get now", "try acquire")
)
_KEYED = frozenset(("contains", "set item", "look up", "delete", "item"))
_VALUED = frozenset(("write", "set item", "append", "put"))


@dataclass
class _Actor:
    """Writes the body of one actor."""

    choose: Choose
    pool: list[str]
    steps: int  # how many it may still take
    numbers: list[int] = field(default_factory=list)  # local variables that hold a number
    variables: int = 0
    held: tuple[str, ...] = ()

    def body(self) -> tuple[Statement, ...]:
        """The whole of an actor; some have a child thread."""
        if self.steps < 4 or self.choose((False, False, False, True)) is False:
            return tuple(self.block())
        self.steps -= 3
        child = _Actor(self.choose, self.pool, 1)
        started = Start(tuple(child.block()))
        return (started, *self.block(), Join()) if self.choose((True, True, False)) else (started, *self.block())

    def block(self) -> Iterator[Statement]:
        """At least one statement, and more while there are steps left."""
        while self.steps > 0:
            yield from self.some(self.choose(self.pool))
            if self.choose((True, True, True, False)) is False:
                return

    def some(self, name: str) -> Iterator[Statement]:
        """One or a few statements about a thing."""
        kind = THINGS[name].kind
        if kind == "condition":
            yield self.about_condition(name)
        elif kind == "lock":
            yield self.about_lock(name)
        elif kind == "semaphore" and self.steps > 2 and self.choose((False, True)):
            yield self.within(name)
        else:
            verbs = _PLACE if kind in PLACES else _SEMAPHORE if kind == "semaphore" else _VERBS[kind]
            verb = self.choose(verbs)
            yield self.operation(verb, name)
            if verb in _GIVING and self.numbers and self.steps and self.choose((False, False, True)):
                yield self.conditional()

    def operation(self, verb: str, name: str) -> Do:
        """One operation; what it gives goes into a new local variable."""
        self.steps -= 2 if verb in ("add", "wait") else 1
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

    def about_lock(self, name: str) -> Statement:
        rarely = (False, False, False, True)
        if self.choose(rarely) != (name in self.held):  # to take it twice is a deadlock, and one of those is enough
            into = self.local()
            self.steps -= 2
            return Try(name, into, self.inner(name))
        return self.within(name)

    def about_condition(self, name: str) -> Statement:
        if name in self.held:  # a reentrant lock: what is taken twice nobody else can tell
            return self.notification(name)
        if self.choose((False, True)):
            place = self.choose([one for one in self.pool if THINGS[one].kind in PLACES])
            self.steps -= 5
            waits = Wait(name, place, loop=self.choose((True, True, False)))
            return With(name, (waits, *self.inner(name)))
        self.steps -= 3
        return With(name, (*self.inner(name), self.notification(name)))

    def notification(self, name: str) -> Do:
        self.steps -= 1
        return Do(self.choose(("notify", "notify all")), name)

    def within(self, name: str) -> With:
        self.steps -= 2
        return With(name, self.inner(name))

    def inner(self, name: str) -> tuple[Statement, ...]:
        """What is done while ``name`` is held; it may be nothing."""
        before, self.held = self.held, (*self.held, name)
        body: list[Statement] = []
        while self.steps > 0 and len(body) < 2 and self.choose((True, True, False)):
            body += self.some(self.choose(self.pool))
        self.held = before
        return tuple(body)
