"""What stands on the value stack before each instruction, as far as the rewriter must know.

Two questions need an answer: where a call keeps its callee (CPython leaves a
NULL beside it, and copying a NULL would crash the interpreter), and which
operands cannot be shared containers (constants, results of comparisons).

Every slot is followed from the bottom up, through jumps and into exception
handlers: after an ``async for`` the code goes on in a handler, with the
half-built call of ``f([x async for x in y])`` still below it.  One pass in the
order of the code is enough unless a jump back brings something new.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import Any

from bytecode import Bytecode, Instr, Label
from bytecode.instr import TryBegin

NULL = "null"  # CPython's marker beside a callee that is not a method
MAYBE = "maybe"  # NULL or an object: known only at run time
SCALAR = "scalar"  # a number, None or a truth value
TEXT = "text"  # a literal string
CONSTANT = "constant"  # any other literal: immutable, but a container can be compared or extended with it
FRESH = "fresh"  # a list, set or dictionary display: nobody else knows it, and what meets it may be one too
SHARED = "shared"  # read from an attribute, a global, a cell or an item
OTHER = "other"  # anything else, locals included

WHOLE_READS = {
    "GET_ITER": "iterate",
    "GET_YIELD_FROM_ITER": "iterate",
    "FOR_ITER": "next",
    "UNPACK_SEQUENCE": "unpack",
    "UNPACK_EX": "unpack",
    "LIST_EXTEND": "spread",
    "SET_UPDATE": "spread",
    "DICT_UPDATE": "spread",
    "DICT_MERGE": "spread",
    "FORMAT_VALUE": "format",
    "FORMAT_SIMPLE": "format",
    "FORMAT_WITH_SPEC": "format",
    "CONVERT_VALUE": "format",
    "GET_LEN": "match",
    "MATCH_KEYS": "match",
}
"""Instructions that read a container as a whole, and what the operation is called."""

_GIVES_SCALAR = {
    "CHECK_EXC_MATCH",
    "COMPARE_OP",
    "CONTAINS_OP",
    "GET_LEN",
    "IS_OP",
    "LOAD_SMALL_INT",
    "MATCH_MAPPING",
    "MATCH_SEQUENCE",
    "TO_BOOL",
    "UNARY_NOT",
}
_GIVES_TEXT = {"FORMAT_VALUE", "FORMAT_SIMPLE", "FORMAT_WITH_SPEC", "CONVERT_VALUE", "BUILD_STRING"}
_GIVES_FRESH = {"BUILD_LIST", "BUILD_SET", "BUILD_MAP", "BUILD_CONST_KEY_MAP"}
_GIVES_SHARED = {
    "LOAD_ATTR",
    "LOAD_SUPER_ATTR",
    "LOAD_DEREF",
    "LOAD_CLASSDEREF",
    "LOAD_FROM_DICT_OR_DEREF",
    "LOAD_FROM_DICT_OR_GLOBALS",
    "LOAD_GLOBAL",
    "LOAD_NAME",
    "BINARY_SUBSCR",
}
_GIVES_OTHER = {
    "CHECK_EG_MATCH",
    "CLEANUP_THROW",
    "END_SEND",
    "GET_AITER",
    "GET_AWAITABLE",
    "GET_YIELD_FROM_ITER",
    "IMPORT_NAME",
    "LIST_TO_TUPLE",
    "MAKE_FUNCTION",
    "MATCH_CLASS",
    "PREP_RERAISE_STAR",
    "SEND",
    "SET_FUNCTION_ATTRIBUTE",
    "YIELD_VALUE",
}  # GET_ITER is not among them: an iterator over a constant is no more shared than the constant
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


class StackError(ValueError):
    """The code moves values in a way that is not understood; to rewrite it could crash the interpreter."""


@dataclass(frozen=True, slots=True)
class CallShape:
    """Where a call's parts stand, counted from the top of the stack (1)."""

    callee: int
    first: int  # the first argument, or the argument tuple of a spread call
    count: int
    spread: bool = False


Stack = tuple[str, ...]


def follow_stack(source: Bytecode) -> list[Stack | None]:
    """For every element of ``source`` the kinds of values on the stack before it, top last.

    None where nothing leads.  Raises `StackError` for code that is not understood.
    """
    return _Follower(list(source)).follow()


class _Follower:
    """Follows the stack through one code object; used once."""

    def __init__(self, elements: list[Any]) -> None:
        self.elements = elements
        self.at_label: dict[int, Stack] = {}
        self.passed: set[int] = set()
        self.again = False

    def follow(self) -> list[Stack | None]:
        stacks = self._pass()
        while self.again:
            stacks = self._pass()
        return stacks

    def _pass(self) -> list[Stack | None]:
        self.again = False
        self.passed.clear()
        stacks: list[Stack | None] = []
        stack: list[str] | None = []
        for element in self.elements:
            if isinstance(element, Label):
                if stack is not None:
                    self._meet(element, stack)
                known = self.at_label.get(id(element))
                stack = None if known is None else list(known)
                self.passed.add(id(element))
            elif isinstance(element, TryBegin) and stack is not None:
                self._meet(element.target, _handled(element, stack))
            stacks.append(None if stack is None else tuple(stack))
            if stack is not None and isinstance(element, Instr):
                if isinstance(element.arg, Label) and element.name != "END_ASYNC_FOR":
                    jumped = list(stack)
                    _shift(jumped, element.stack_effect(jump=True))
                    self._meet(element.arg, jumped)
                _apply(element, stack)
                if element.name in _NO_FALL_THROUGH:
                    stack = None
        return stacks

    def _meet(self, label: Any, stack: list[str]) -> None:
        known = self.at_label.get(id(label))
        met = tuple(stack) if known is None else _joined(known, stack)
        if met != known:
            self.at_label[id(label)] = met
            if id(label) in self.passed:
                self.again = True


def _handled(region: TryBegin, stack: list[str]) -> list[str]:
    """The stack with which an exception in ``region`` reaches its handler."""
    depth = int(region.stack_depth)
    if depth > len(stack):
        raise StackError(f"a handler keeps {depth} values of {len(stack)}")
    return stack[:depth] + [OTHER] * (2 if region.push_lasti else 1)


def _joined(one: Stack, other: list[str]) -> Stack:
    if len(one) != len(other):
        raise StackError(f"two ways meet with {len(one)} and {len(other)} values")
    return tuple(left if left == right else _either(left, right) for left, right in zip(one, other, strict=True))


def _either(left: str, right: str) -> str:
    pair = (left, right)
    if NULL in pair or MAYBE in pair:
        return MAYBE
    return SHARED if SHARED in pair else OTHER


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


def _at(stack: Stack | list[str], depth: int) -> str:
    if not 0 < depth <= len(stack):
        raise StackError(f"value {depth} of a stack of {len(stack)} is used")
    return stack[-depth]


def _apply(instr: Instr, stack: list[str]) -> None:
    """Change ``stack`` as ``instr`` does where it does not jump."""
    name: str = instr.name
    argument: Any = instr.arg
    if name in ("CALL", "CALL_KW"):
        _shift(stack, -(argument + 2 + (name == "CALL_KW")))
        stack.append(OTHER)
    elif name in ("PRECALL", "KW_NAMES"):
        pass  # CALL takes it all
    elif name == "PUSH_NULL":
        stack.append(NULL)
    elif name == "SWAP":
        stack[-1], stack[-argument] = _at(stack, argument), stack[-1]
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
    elif name == "RETURN_GENERATOR":
        stack.append(OTHER)  # what the generator is first sent; `dis` counts it on some versions only
    elif name in ("UNPACK_SEQUENCE", "UNPACK_EX"):
        effect = instr.stack_effect(jump=False)
        _shift(stack, -1)
        _shift(stack, effect + 1)
    else:
        _shift(stack, instr.stack_effect(jump=False))
        kind = _result(name, argument)
        if kind:
            stack[-1:] = [kind]


def _result(name: str, argument: Any) -> str:
    """The kind of the one value that an instruction leaves on top; empty if what lies there keeps its kind."""
    if name == "LOAD_CONST":
        return _literal(argument)
    if name in _GIVES_SCALAR:
        return SCALAR
    if name in _GIVES_SHARED:
        return SHARED
    if name in _GIVES_TEXT:
        return TEXT
    if name in _GIVES_FRESH:
        return FRESH
    if name == "BINARY_OP":
        return SHARED if is_subscript(argument) else OTHER
    if name in _GIVES_OTHER or name.startswith(("BUILD_", "UNARY_", "BINARY_", "CALL_")):
        return OTHER
    return ""


def _literal(value: object) -> str:
    if isinstance(value, int | float | complex | None):
        return SCALAR
    return TEXT if isinstance(value, str) else CONSTANT


def is_subscript(operator: Any) -> bool:
    """Whether a BINARY_OP is ``a[b]``, as it is from Python 3.14 on."""
    return getattr(operator, "name", "") == "SUBSCR"


def _is_method_load(name: str, argument: Any) -> bool:
    if name == "LOAD_METHOD":
        return True
    return name in ("LOAD_ATTR", "LOAD_SUPER_ATTR") and isinstance(argument, tuple) and bool(argument[0])


def _shift(stack: list[str], effect: int) -> None:
    if effect >= 0:
        stack.extend([OTHER] * effect)
    elif -effect > len(stack):
        raise StackError(f"{-effect} values are taken from a stack of {len(stack)}")
    else:
        del stack[effect:]


def whole_depth(name: str, argument: Any) -> int:
    """Where the container stands that an instruction of `WHOLE_READS` reads, counted from the top (1)."""
    if name == "FORMAT_VALUE":
        return 2 if argument & 4 else 1  # a format specification lies above the value
    if name == "FOR_ITER" and sys.version_info >= (3, 15):
        return 2  # below the index of a virtual iterator
    return 2 if name in ("FORMAT_WITH_SPEC", "MATCH_KEYS") else 1
