"""Where a loop of instrumented code begins another round, and what it keeps from one round to the next.

A round of a loop that changes nothing ends where it began: with the same values in the variables that the loop
gives values to, and with nothing half computed.  This module says, for an instruction in the middle of a round, which
variables those are, and at which instruction, further up, nothing is half computed.
"""

from __future__ import annotations

import dis
import functools
import io
import sys
import weakref
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from types import CodeType, FrameType
from typing import Any

from lab.instrument import Site

_GENERATORS = 0x20 | 0x80 | 0x100 | 0x200  # CO_GENERATOR, CO_COROUTINE, CO_ITERABLE_COROUTINE, CO_ASYNC_GENERATOR
_OPTIMIZED = 0x1  # CO_OPTIMIZED: the code of a function, whose variables no dictionary holds
_LOOKING = frozenset(("locals", "vars", "dir", "exec", "eval", "_getframe"))  # may see what is asked of a frame
_ENDS = ("RETURN_", "RAISE_", "RERAISE", "INTERPRETER_EXIT")
_NO_CHANGE = frozenset(("NOP", "CACHE", "EXTENDED_ARG", "RESUME", "PRECALL", "NOT_TAKEN"))
_CALLING = frozenset(("CALL", "CALL_KW", "CALL_FUNCTION_EX", "LOAD_ATTR", "LOAD_SUPER_ATTR", "BEFORE_WITH"))
_SCALARS = (int, str, float, bool, bytes, complex, type(None))
NOTHING = object()
"""Stands for the value of what has none."""
_FILES: Any = (io.TextIOWrapper, io.BufferedReader, io.BufferedWriter, io.BufferedRandom)
_HAS_PROXIES = sys.version_info >= (3, 13)
_MOST_PAIRS = 2_000  # of instructions that are compared


@dataclass(frozen=True)
class Round:
    """A place in a loop: the same for all instructions from which the code goes on alike."""

    place: int  # the offset of an instruction before which nothing is half computed
    distance: int  # how many instructions ago that was
    names: frozenset[str]  # of the variables that the loop gives values to


class Loops:
    """The loops of one code object."""

    def __init__(self, code: CodeType) -> None:
        self.usable = bool(code.co_flags & _OPTIMIZED) and not code.co_flags & _GENERATORS
        self.looks = bool(_LOOKING & {*code.co_names})  # at its own variables, if that is not pytest's doing
        self.usable = self.usable and (not self.looks or "@py_builtins" in code.co_names)
        self._instructions = [one for one in dis.get_instructions(code) if one.opname != "CACHE"]
        self._index = {one.offset: number for number, one in enumerate(self._instructions)}
        self._handlers: dict[int, tuple[int, int]] = {}  # instruction -> where an exception goes on, and how deep
        for entry in dis.Bytecode(code).exception_entries:  # type: ignore[attr-defined]
            for number, one in enumerate(self._instructions):
                if entry.start <= one.offset < entry.end:
                    self._handlers[number] = (self._index[entry.target], entry.depth + 1 + entry.lasti)
        self._depths = self._measure()
        self._leading: list[int] = [0] * len(self._instructions)  # how many instructions lead to each
        for number in self._depths:
            for following, _ in self._following(number):
                self._leading[following] += 1
        self._loops = [loop for loop in self._components() if len(loop) > 1]
        self._loop_of = {number: loop for loop in self._loops for number in loop}
        self._known: dict[int, Round | bool] = {}

    def at(self, offset: int) -> Round | bool:
        """The round that goes on at an instruction; False outside of a loop, True where it cannot be told."""
        found = self._known.get(offset)
        if found is None:
            found = self._known[offset] = self._find(self.standing(offset))
        return found

    def calls_once(self, offset: int) -> bool:
        """Whether the instruction calls Python code at most once, if it does so at all."""
        return self._instructions[self.standing(offset)].opname in _CALLING

    def standing(self, offset: int) -> int:
        """Which instruction a frame is at; during a call its offset may be that of the room behind it."""
        return bisect_right(self._instructions, offset, key=lambda one: one.offset) - 1

    # ------------------------------------------------------------ stack and loops

    def _following(self, number: int) -> Iterator[tuple[int, int]]:
        """Which instructions can come next, and how the depth of the stack changes; exceptions not counted."""
        one = self._instructions[number]
        if one.opname.startswith(_ENDS):
            return
        if _jumps(one):
            yield self._index[one.argval], dis.stack_effect(one.opcode, one.arg, jump=True)
            if one.opname.startswith("JUMP_") and "_IF_" not in one.opname:
                return
        yield number + 1, dis.stack_effect(one.opcode, one.arg, jump=False)

    def _measure(self) -> dict[int, int]:
        """How many values are on the stack before each instruction that can be reached."""
        depths = {0: 0}
        pending = [0]
        while pending:
            number = pending.pop()
            reached = [(following, depths[number] + change) for following, change in self._following(number)]
            if number in self._handlers:
                reached.append(self._handlers[number])
            for following, depth in reached:
                if following not in depths:
                    depths[following] = depth
                    pending.append(following)
                elif depths[following] != depth:
                    self.usable = False
        return depths

    def _components(self) -> list[frozenset[int]]:
        """The strongly connected parts of the code (Tarjan, SIAM Journal on Computing 1972), without recursion."""
        order: dict[int, int] = {}
        lowest: dict[int, int] = {}
        stack: list[int] = []
        on_stack: set[int] = set()
        found = []
        work: list[tuple[int, Iterator[int]]] = []

        def enter(number: int) -> None:
            order[number] = lowest[number] = len(order)
            stack.append(number)
            on_stack.add(number)
            reached = [following for following, _ in self._following(number)]
            if number in self._handlers:
                reached.append(self._handlers[number][0])
            work.append((number, iter(reached)))

        enter(0)
        while work:
            number, reached = work[-1]
            following = next(reached, None)
            if following is None:
                work.pop()
                if work:
                    lowest[work[-1][0]] = min(lowest[work[-1][0]], lowest[number])
                if lowest[number] == order[number]:
                    part = stack[stack.index(number) :]
                    del stack[-len(part) :]
                    on_stack.difference_update(part)
                    found.append(frozenset(part))
            elif following not in order:
                enter(following)
            elif following in on_stack:
                lowest[number] = min(lowest[number], order[following])
        return found

    # ------------------------------------------------------------ rounds

    def _find(self, number: int) -> Round | bool:
        """A loop whose condition stands at its end as well is entered in the middle of a round.

        So an instruction before a loop may be in it as much as its double.
        """
        if not self.usable or number not in self._depths:
            return True
        doubles = [other for other in self._loop_of if self._is_double(number, other)]
        if not doubles:
            return False
        places: list[tuple[int, int, frozenset[int]]] = []
        for double in sorted(doubles):
            loop = self._loop_of[double]
            depth = min(self._depths[one] for one in loop)
            start, own = self._start(double, depth), self._start(number, depth)
            if start is not None and own is not None and self._go_on_alike(start, own):
                places.append((start, own, loop))
        if places:
            start, own, loop = places[0]
            if all(self._is_seen(one) for one in loop):
                return Round(self._instructions[start].offset, number - own, self._names(loop))
        return number in self._loop_of

    def _is_double(self, number: int, other: int) -> bool:
        one, two = self._instructions[number], self._instructions[other]
        return one.opcode == two.opcode and one.positions == two.positions

    def _start(self, number: int, depth: int) -> int | None:
        """The last instruction up to ``number`` before which nothing was half computed; None if that is not certain."""
        while self._depths[number] > depth:
            number -= 1
            one = self._instructions[number]
            if "STORE_FAST" in one.opname or "DELETE_FAST" in one.opname or "AND_CLEAR" in one.opname:
                return None  # a variable is given its value in the middle of an expression
            if (
                self._leading[number + 1] > 1
                or number not in self._depths
                or number + 1 not in dict(self._following(number))
            ):
                return None
        return number if self._depths[number] == depth else None

    def _names(self, loop: frozenset[int]) -> frozenset[str]:
        """The variables that get a value, or lose it, in a loop."""
        names: set[str] = set()
        for number in loop:
            one = self._instructions[number]
            if "STORE_FAST" in one.opname or "DELETE_FAST" in one.opname or "AND_CLEAR" in one.opname:
                names.update(one.argval if isinstance(one.argval, tuple) else (one.argval,))
        return frozenset(names)

    def _is_seen(self, number: int) -> bool:
        """Whether the lab is told when an iterator goes on; and nothing is imported here."""
        one = self._instructions[number]
        if one.opname == "FOR_ITER":
            before = self._instructions[max(0, number - 6) : number]
            return any(type(other.argval) is Site and other.argval.kind == "next" for other in before)
        return not one.opname.startswith(("IMPORT_", "LOAD_BUILD_CLASS", "SEND", "YIELD_VALUE"))

    def _go_on_alike(self, one: int, other: int) -> bool:
        """Whether the code does the same from both instructions on, whatever happens."""
        pairs = {(one, other)}
        pending = [(one, other)]
        while pending:
            left, right = (self._proper(number) for number in pending.pop())
            if left == right:
                continue
            if len(pairs) > _MOST_PAIRS or self._meaning(left) != self._meaning(right):
                return False
            following = [*zip(self._branches(left), self._branches(right), strict=True)]
            first, second = self._handlers.get(left), self._handlers.get(right)
            if first != second:
                if first is None or second is None or first[1] != second[1]:
                    return False
                following.append((first[0], second[0]))
            for pair in following:
                if pair not in pairs:
                    pairs.add(pair)
                    pending.append(pair)
        return True

    def _proper(self, number: int) -> int:
        """The first instruction from ``number`` on that does something."""
        for _ in range(_MOST_PAIRS):
            one = self._instructions[number]
            if one.opname in _NO_CHANGE:
                number += 1
            elif one.opname.startswith("JUMP_") and "_IF_" not in one.opname:
                number = self._index[one.argval]
            else:
                break
        return number

    def _meaning(self, number: int) -> object:
        one = self._instructions[number]
        if _jumps(one):
            return _plain(one.opname).replace("IF_FALSE", "IF_TRUE").replace("IF_NONE", "IF_NOT_NONE")
        value = one.argval
        if type(value) is Site:
            return one.opname, value.kind, value.key, value.write, value.line
        if isinstance(value, int | str | bytes | float | complex | bool | None):
            return one.opname, one.arg if one.opname == "BINARY_OP" else type(value), repr(value)
        return one.opname, id(value) if one.opname == "LOAD_CONST" else (one.arg, repr(value))

    def _branches(self, number: int) -> list[int]:
        """What can come next: of a condition first where it is true, or something other than None."""
        following = [one for one, _ in self._following(number)]
        name = _plain(self._instructions[number].opname)
        return following[::-1] if name in ("POP_JUMP_IF_FALSE", "POP_JUMP_IF_NONE") else following


def _plain(name: str) -> str:
    return name.replace("FORWARD_", "").replace("BACKWARD_", "")


def _jumps(one: Any) -> bool:
    return one.opcode in dis.hasjrel or one.opcode in dis.hasjabs


def may_wait(code: CodeType) -> bool:
    """Whether it has a loop that does not merely go through something."""
    instructions = {one.offset: one.opname for one in dis.get_instructions(code)}
    return any(
        "JUMP_BACKWARD" in one.opname and instructions.get(one.argval) not in ("FOR_ITER", "SEND")
        for one in dis.get_instructions(code)
    )


@functools.lru_cache(maxsize=1024)
def _loops_of(key: _Same) -> Loops:
    return Loops(key.code)


class _Same:
    """A code object, compared by identity."""

    __slots__ = ("code",)

    def __init__(self, code: CodeType) -> None:
        self.code = code

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Same) and self.code is other.code

    def __hash__(self) -> int:
        return id(self.code)


def loops_of(code: CodeType) -> Loops:
    """The loops of a code object, remembered for a while."""
    return _loops_of(_Same(code))


# ------------------------------------------------------------ values


def values_of(frame: FrameType, found: Round, looks: bool) -> list[object]:
    """The values of what a loop keeps, for `are_same` to compare; ``looks`` tells that its code looks at variables."""
    if not found.names:
        return []
    variables = frame.f_locals
    values = [kept(variables.get(name, NOTHING)) for name in sorted(found.names)]
    if not _HAS_PROXIES and not looks:
        variables.clear()  # it would keep the values alive
    return values


def kept(value: Any) -> object:
    """Something to compare a value by later, without keeping it alive."""
    if type(value) in _SCALARS or value is NOTHING:
        return value
    if type(value) is tuple:
        return tuple([kept(one) for one in value])
    if type(value) in _FILES and value.closed:
        return type(value).__name__, repr(value.name), value.mode
    try:
        return weakref.ref(value)
    except TypeError:
        return object()  # equal to nothing


def are_same(one: list[object], other: list[object]) -> bool:
    """Whether two lists of `values_of`, or of what `kept` gives, are of the same values."""
    return len(one) == len(other) and all(map(_same, one, other))


def _same(one: object, other: object) -> bool:
    if type(one) is not type(other):
        return False
    if isinstance(one, weakref.ref) and isinstance(other, weakref.ref):
        return one() is not None and one() is other()
    if isinstance(one, tuple) and isinstance(other, tuple):
        return len(one) == len(other) and all(map(_same, one, other))
    if isinstance(one, float | complex):
        return repr(one) == repr(other)
    return one is other if one is NOTHING or type(one) is object else one == other
