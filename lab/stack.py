"""What stands on the value stack before each instruction, as far as the rewriter must know.

Two questions need an answer: where a call keeps its callee (CPython leaves a
NULL beside it, and copying a NULL would crash the interpreter), and which
operands cannot be shared containers (constants, results of comparisons).
Expressions never jump into the middle of a call, so one pass in source order
sees every stack that can occur.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import Any

from bytecode import Bytecode, Instr, Label
from bytecode.instr import TryBegin

NULL = "null"  # CPython's marker beside a callee that is not a method
MAYBE = "maybe"  # NULL or an object: known only at run time
SCALAR = "scalar"  # a literal number or string, or a truth value
SHARED = "shared"  # read from an attribute, a global, a cell or an item
OTHER = "other"  # anything else, locals included

_SCALAR_TYPES = (int, float, complex, str, bytes, bool, type(None))
_GIVES_SCALAR = {"COMPARE_OP", "IS_OP", "CONTAINS_OP", "UNARY_NOT", "TO_BOOL", "CHECK_EXC_MATCH"}
_GIVES_SHARED = {"LOAD_ATTR", "LOAD_DEREF", "LOAD_GLOBAL", "BINARY_SUBSCR"}
_NO_FALL_THROUGH = {
    "RETURN_VALUE",
    "RETURN_CONST",
    "RAISE_VARARGS",
    "RERAISE",
    "JUMP_FORWARD",
    "JUMP_BACKWARD",
    "JUMP_BACKWARD_NO_INTERRUPT",
    "JUMP_NO_INTERRUPT",
    "JUMP",
}
_NULL_BELOW = sys.version_info < (3, 13)  # [NULL, callee] up to 3.12, [callee, NULL] since


@dataclass(frozen=True, slots=True)
class CallShape:
    """Where a call's parts stand, counted from the top of the stack (1)."""

    callee: int
    first: int  # the first argument, or the argument tuple of a spread call
    count: int
    spread: bool = False


def follow_stack(source: Bytecode) -> list[tuple[str, ...]]:
    """For every element of ``source`` the kinds of values on the stack before it, top last."""
    stacks: list[tuple[str, ...]] = []
    at_label: dict[int, list[str]] = {}
    stack: list[str] = []
    for element in source:
        if isinstance(element, Label):
            stack = list(at_label.get(id(element), stack))
        elif isinstance(element, TryBegin):
            at_label.setdefault(id(element.target), [])
        stacks.append(tuple(stack))
        if isinstance(element, Instr):
            jumped = _apply(element, stack)
            if jumped is not None:
                at_label.setdefault(id(element.arg), jumped)
    return stacks


def call_shape(instr: Instr, stack: tuple[str, ...]) -> CallShape | None:
    """The shape of ``instr`` if it is a call whose callee can be handed over, else None."""
    name, argument = instr.name, instr.arg
    if name == "CALL_FUNCTION_EX":
        keywords = 1 if not isinstance(argument, int) else argument & 1
        if sys.version_info >= (3, 14):
            keywords = 1  # the slot is always there, NULL when unused
        callee = keywords + (2 if _NULL_BELOW else 3)
        return CallShape(callee, keywords + 1, 0, spread=True)
    if name not in ("CALL", "CALL_KW"):
        return None
    assert isinstance(argument, int)
    above = argument + (1 if name == "CALL_KW" else 0)
    low, high = _at(stack, above + 2), _at(stack, above + 1)
    if MAYBE in (low, high):
        return None
    if _NULL_BELOW:
        if low == NULL:
            return CallShape(above + 1, above, argument)
        return CallShape(above + 2, above + 1, argument + 1)
    if high == NULL:
        return CallShape(above + 2, above, argument)
    return CallShape(above + 2, above + 1, argument + 1)


def _at(stack: tuple[str, ...] | list[str], depth: int) -> str:
    return stack[-depth] if depth <= len(stack) else OTHER


def _apply(instr: Instr, stack: list[str]) -> list[str] | None:
    """Change ``stack`` as ``instr`` does; the stack at its jump target, if it jumps."""
    name: str = instr.name
    argument: Any = instr.arg
    jumped: list[str] | None = None
    if isinstance(argument, Label):
        jumped = list(stack)
        _shift(jumped, instr.stack_effect(jump=True))
    if name in ("CALL", "CALL_KW"):
        _shift(stack, -(argument + 2 + (name == "CALL_KW")))
        stack.append(OTHER)
    elif name in ("PRECALL", "KW_NAMES"):
        pass
    elif name == "PUSH_NULL":
        stack.append(NULL)
    elif name == "SWAP":
        while len(stack) < argument:
            stack.insert(0, OTHER)
        stack[-1], stack[-argument] = stack[-argument], stack[-1]
    elif name == "COPY":
        stack.append(_at(stack, argument))
    elif name == "LOAD_GLOBAL" and argument[0]:
        stack.extend((NULL, SHARED) if _NULL_BELOW else (SHARED, NULL))
    elif _is_method_load(name, argument):
        # the rewriter turns it into a bound method and a NULL
        _shift(stack, -3 if name == "LOAD_SUPER_ATTR" else -1)
        stack.extend((NULL, OTHER) if _NULL_BELOW else (OTHER, NULL))
    elif name == "LOAD_SPECIAL":
        stack[-1:] = [OTHER, MAYBE]
    else:
        _shift(stack, instr.stack_effect(jump=False))
        if name == "LOAD_CONST" and isinstance(argument, _SCALAR_TYPES):
            stack[-1:] = [SCALAR]
        elif name in _GIVES_SCALAR and stack:
            stack[-1] = SCALAR
        elif name in _GIVES_SHARED and stack:
            stack[-1] = SHARED
        elif name == "CALL_FUNCTION_EX":
            stack[-1:] = [OTHER]
    if name in _NO_FALL_THROUGH:
        stack.clear()
    return jumped


def _is_method_load(name: str, argument: Any) -> bool:
    if name == "LOAD_METHOD":
        return True
    return name in ("LOAD_ATTR", "LOAD_SUPER_ATTR") and isinstance(argument, tuple) and bool(argument[0])


def _shift(stack: list[str], effect: int) -> None:
    if effect >= 0:
        stack.extend([OTHER] * effect)
    else:
        del stack[effect:]
