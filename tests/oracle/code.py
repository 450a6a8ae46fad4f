"""Flattens the body of an actor into instructions that `model` steps through.

Blocks become jumps, so that an actor's whole progress is one number and its local
variables: a state of a program is then a small value that can be copied and compared.
"""

from __future__ import annotations

from dataclasses import dataclass

from .language import Do, If, Join, Next, Raise, Start, Statement, Try, Wait, With, child_of, locals_of


@dataclass(frozen=True)
class Instruction:
    """One step that others could notice, or a jump between two such steps.

    ``unwind`` names what the blocks around it hold, innermost first: an exception
    releases these on its way out, each as a step of its own.
    """

    verb: str
    thing: str = ""
    into: int | None = None
    value: int | Next | None = None
    key: str | None = None
    unwind: tuple[str, ...] = ()
    target: int = 0


JUMPS = ("jump", "jump unless equal", "jump if true", "raise")


@dataclass(frozen=True)
class Code:
    """An actor or a child thread; ``child`` is the index of the code that it may start, else -1."""

    instructions: tuple[Instruction, ...]
    locals: int
    child: int = -1


def flatten_all(actors: tuple[tuple[Statement, ...], ...]) -> tuple[Code, ...]:
    """The actors in order, then their children."""
    codes, children = [], []
    for body in actors:
        inner = child_of(body)
        child = len(actors) + len(children) if inner is not None else -1
        codes.append(_flatten(body, child))
        if inner is not None:
            children.append(_flatten(inner, -1))
    return tuple(codes + children)


def _flatten(body: tuple[Statement, ...], child: int) -> Code:
    count = locals_of(body)
    out: list[Instruction | None] = []
    _block(body, (), count, out)
    return Code(tuple(out), count, child)


def _block(body: tuple[Statement, ...], unwind: tuple[str, ...], hidden: int, out: list) -> None:
    """``hidden`` is the number of a local variable that the program text does not have."""
    for one in body:
        match one:
            case Do("add", thing):
                out.append(Instruction("read", thing, hidden, unwind=unwind))
                out.append(Instruction("write", thing, value=Next(hidden), unwind=unwind))
            case Do("wait", thing, into):
                # Two steps as in CPython: whoever meets an unset event first stands in line, then is woken.
                out.append(Instruction("wait", thing, into, unwind=unwind))
                out.append(Instruction("woken", thing, unwind=unwind))
            case Do(verb, thing, into, value, key):
                out.append(Instruction(verb, thing, into, value, key, unwind))
            case With(thing, inner):
                out.append(Instruction("acquire", thing, unwind=unwind))
                _block(inner, (thing, *unwind), hidden, out)
                out.append(Instruction("release", thing, unwind=unwind))
            case Try(thing, into, inner):
                out.append(Instruction("try acquire", thing, into, unwind=unwind))
                skip = _later(out)
                _block(inner, (thing, *unwind), hidden, out)
                out.append(Instruction("release", thing, unwind=unwind))
                out[skip] = Instruction("jump unless equal", into=into, value=1, target=len(out))
            case Wait(condition, place, loop):
                again = len(out)
                out.append(Instruction("read", place, hidden, unwind=unwind))
                leave = _later(out)
                out.append(Instruction("line up", condition, unwind=unwind))
                out.append(Instruction("wake up", condition, unwind=unwind))
                if loop:
                    out.append(Instruction("jump", target=again))
                out[leave] = Instruction("jump if true", into=hidden, target=len(out))
            case If(local, equals, inner):
                skip = _later(out)
                _block(inner, unwind, hidden, out)
                out[skip] = Instruction("jump unless equal", into=local, value=equals, target=len(out))
            case Raise():
                out.append(Instruction("raise", unwind=unwind))
            case Start():
                out.append(Instruction("start", unwind=unwind))
            case Join():
                out.append(Instruction("join", unwind=unwind))


def _later(out: list) -> int:
    """Leave room for a jump whose target is not known yet."""
    out.append(None)
    return len(out) - 1
