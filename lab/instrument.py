"""Put a call before each visible operation of a code object.

Injected bytecode was chosen over ``sys.settrace`` and ``sys.monitoring``
callbacks: greenlets cannot switch inside those without losing further events,
they cost at every instruction, and they do not hand over the operand.  A call
in the code costs nothing at invisible operations and receives the very object.

A method call ``obj.name(...)`` is rewritten to load the bound method first, so
that the callee and its arguments stand at places known beforehand.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import CodeType
from typing import Any

from bytecode import Bytecode, Instr

from lab import hooks
from lab.names import LOCAL_MARK, is_settled, plain_name, told_apart
from lab.sites import Site as Site
from lab.stack import (
    CONSTANT,
    FRESH,
    MAYBE,
    NULL,
    SCALAR,
    SHARED,
    TEXT,
    WHOLE_READS,
    CallShape,
    Stack,
    StackError,
    call_shape,
    follow_stack,
    is_subscript,
    whole_depth,
)

_PY311 = sys.version_info < (3, 12)
_PY313 = sys.version_info >= (3, 13)


class Instrumented:
    """The rewritten code object, its sites, and what became of the code nested in it."""

    __slots__ = ("code", "nested", "original", "sites")

    def __init__(self, original: CodeType, code: CodeType, sites: list[Site], nested: list[Instrumented]) -> None:
        self.original = original
        self.code = code
        self.sites = sites
        self.nested = nested


def instrument(
    code: CodeType,
    namespace: object,
    accesses: bool = True,
    stepped: bool | None = None,
    thorough: bool = False,
    ends: bool = False,
) -> Instrumented:
    """Rewrite ``code`` and the code nested in it.

    ``namespace`` stands for the globals: the module, where there is one.  With
    ``accesses`` false only calls and ``with`` are hooked, which is what code
    needs whose locks and threads are controlled but which is not ``stepped``
    (by default, what is hooked is stepped).  ``thorough`` hooks arithmetic between
    local variables as well, which may be containers.  ``ends`` hooks where the function returns.
    Raises whatever `bytecode` raises for code that it cannot read.
    """
    return Rewriter(code, namespace, accesses, accesses if stepped is None else stepped, thorough, ends).rewrite()


_GENERATOR = 0x20  # of `inspect.CO_GENERATOR`, which is slow to import
_LITERALS = (SCALAR, TEXT, CONSTANT)
_SUBSCRIPTS: dict[str, tuple[Callable[..., None], tuple[int, ...], str, bool]] = {
    "BINARY_SUBSCR": (hooks.item, (2, 1), "item", False),
    "STORE_SUBSCR": (hooks.item_write, (2, 1, 3), "item", True),
    "DELETE_SUBSCR": (hooks.item, (2, 1), "delete item", True),
    "BINARY_SLICE": (hooks.whole, (3,), "slice", False),
    "STORE_SLICE": (hooks.item_write, (3, 2, 4), "slice", True),
    "CONTAINS_OP": (hooks.item, (1, 2), "in", False),
}
_AWAITS = ("GET_AWAITABLE", "GET_AITER", "GET_ANEXT", "GET_YIELD_FROM_ITER")
_CELL_READS = ("LOAD_DEREF", "LOAD_CLASSDEREF", "LOAD_FROM_DICT_OR_DEREF")


class Rewriter:
    """Rewrites one code object; used once."""

    def __init__(
        self, code: CodeType, namespace: object, accesses: bool, stepped: bool, thorough: bool, ends: bool = False
    ) -> None:
        self.ends = ends
        self.code = code
        self.namespace = namespace
        self.accesses = accesses
        self.stepped = stepped
        self.thorough = thorough
        self.sites: list[Site] = []
        self.nested: list[Instrumented] = []
        self.inner: dict[int, Instrumented] = {}  # by id of the original: a ``finally`` holds its code twice
        self.stack: Stack = ()
        self.out: list[Any] = []
        self.location: Any = None
        self.widest = 0  # the most values pushed above the original stack
        self.own_names: frozenset[str] = frozenset()  # that the body of a class gives

    def rewrite(self) -> Instrumented:
        code = told_apart(self.code)
        source = Bytecode.from_code(code, conserve_exception_block_stackdepth=True)
        source.argnames = list(code.co_varnames)  # all of them: `locals()` goes by their order
        self.own_names = frozenset(
            str(one.arg) for one in source if isinstance(one, Instr) and one.name == "STORE_NAME"
        )
        stacks = follow_stack(source)
        held: list[Any] = []  # KW_NAMES and PRECALL, which must stay next to their CALL
        for instr, stack in zip(list(source), stacks, strict=True):
            if not isinstance(instr, Instr):
                self.out.append(instr)
                continue
            if stack is None:  # nothing leads here
                self.out.append(instr)
                continue
            self.location = instr.location
            self.stack = stack
            if instr.name in ("KW_NAMES", "PRECALL"):
                held.append(instr)
                continue
            self.rewrite_one(instr, held)
            held.clear()
        source[:] = self.out
        rewritten = source.to_code(
            stacksize=self.code.co_stacksize + self.widest,
            check_pre_and_post=False,
            compute_exception_stack_depths=False,  # injected calls leave every depth as it was
        )
        if code is not self.code:
            rewritten = rewritten.replace(co_varnames=self.code.co_varnames, co_cellvars=self.code.co_cellvars)
        return Instrumented(self.code, rewritten, self.sites, self.nested)

    def rewrite_one(self, instr: Instr, held: list[Any]) -> None:
        name = instr.name
        shape = call_shape(instr, self.stack)
        if shape is not None:
            self._before_call(shape)
        elif name == "BEFORE_WITH":
            self._replace_top(hooks.enter, "with")
        elif name == "LOAD_SPECIAL" and getattr(instr.arg, "name", "") == "EXIT":
            self._replace_top_two(hooks.enter, "with")
        elif self.ends and name in ("RETURN_VALUE", "RETURN_CONST"):
            line = (self.location and self.location.lineno) or self.code.co_firstlineno
            self.hook(hooks.returned, (), Site(self.code, -1, "return", None, False, line, False, False))
        elif self.accesses:
            self._before_access(name, instr.arg)
        self.out.extend(held)
        if name == "RESUME" and self.accesses and self.code.co_flags & _GENERATOR:
            self.out.append(instr)
            self.hook(hooks.resumed, (), self._site("resume", None, True))
        elif name == "LOAD_CONST" and isinstance(instr.arg, CodeType):
            self._emit("LOAD_CONST", self._nested(instr.arg).code)
        elif name == "MAKE_FUNCTION":
            self.out.append(instr)
            self._open(hooks.function_made)
            self._emit("COPY", 3)
            self._close(1)
            self._emit("POP_TOP")
        elif not self._bound_method_load(name, instr.arg):
            self.out.append(instr)

    def _nested(self, code: CodeType) -> Instrumented:
        known = self.inner.get(id(code))
        if known is None:
            again = type(self)(code, self.namespace, self.accesses, self.stepped, self.thorough)
            known = self.inner[id(code)] = again.rewrite()
            self.nested.append(known)
        return known

    # ------------------------------------------------------------ emitting

    def _emit(self, name: str, *argument: Any) -> None:
        self.out.append(Instr(name, *argument, location=self.location))

    def _site(self, kind: str, key: Any = None, write: bool = False) -> Site:
        line = (self.location and self.location.lineno) or self.code.co_firstlineno
        site = Site(self.code, len(self.sites), kind, key, write, line, self.stepped, self.accesses)
        self.sites.append(site)
        return site

    def _open(self, hook: Callable[..., Any]) -> None:
        order = ("LOAD_CONST", "PUSH_NULL") if _PY313 else ("PUSH_NULL", "LOAD_CONST")
        for name in order:
            self._emit(name, *((hook,) if name == "LOAD_CONST" else ()))

    def _close(self, count: int, beyond: int = 0) -> None:
        if _PY311:
            self._emit("PRECALL", count)
        self._emit("CALL", count)
        self.widest = max(self.widest, count + beyond + 2)

    def hook(self, hook: Callable[..., Any], depths: tuple[int, ...], site: Site, *constant: object) -> None:
        """Call ``hook`` with a constant, if given, the values at ``depths`` (1 is the top) and the site."""
        self._open(hook)
        for value in constant:
            self._emit("LOAD_CONST", value)
        for pushed, depth in enumerate(depths, 2 + len(constant)):
            self._copy(depth, pushed)
        self._emit("LOAD_CONST", site)
        self._close(len(constant) + len(depths) + 1)
        self._emit("POP_TOP")

    def _copy(self, depth: int, pushed: int) -> None:
        """Push what stood at ``depth`` before ``pushed`` values were put above it."""
        if self._kind(depth) in (NULL, MAYBE):
            raise StackError(f"value {depth} is to be handed over and may be NULL")
        self._emit("COPY", depth + pushed)

    def _kind(self, depth: int) -> str:
        if depth > len(self.stack):
            raise StackError(f"value {depth} of a stack of {len(self.stack)} is to be handed over")
        return self.stack[-depth]

    def _replace_top(self, hook: Callable[..., Any], kind: str) -> None:
        self.hook(hook, (1,), self._site(kind))
        self.out.pop()  # the POP_TOP: what the hook gave stays, what was there goes
        self._emit("SWAP", 2)
        self._emit("POP_TOP")

    def _replace_top_two(self, hook: Callable[..., Any], kind: str) -> None:
        """The manager of a ``with`` from Python 3.14 on: twice on the stack, to load its two methods from."""
        self.hook(hook, (1,), self._site(kind))
        self.out.pop()
        self._emit("SWAP", 3)
        self._emit("POP_TOP")
        self._emit("POP_TOP")
        self._emit("COPY", 1)

    # ------------------------------------------------------------ operations

    def _before_access(self, name: str, argument: Any) -> None:
        if name in _SUBSCRIPTS:
            hook, depths, kind, write = _SUBSCRIPTS[name]
            if self._kind(depths[0]) not in _LITERALS:
                self.hook(hook, depths, self._site(kind, None, write))
        elif name in WHOLE_READS:
            depth = whole_depth(name, argument)
            if self._kind(depth) not in _LITERALS:
                self.hook(hooks.whole, (depth,), self._site(WHOLE_READS[name]))
            elif self.thorough and self._kind(depth) == CONSTANT and WHOLE_READS[name] == "iterate":
                line = (self.location and self.location.lineno) or self.code.co_firstlineno
                self.hook(hooks.whole, (depth,), Site(self.code, -1, "iterate", None, False, line, True, True))
        elif "JUMP" in name or name in ("UNARY_NOT", "TO_BOOL"):
            if ("TRUE" in name or "FALSE" in name or "JUMP" not in name) and self._kind(1) not in _LITERALS:
                self.hook(hooks.whole, (1,), self._site("truth"))
        elif name.endswith("_ATTR") or name == "LOAD_METHOD":
            self._attribute(name, argument)
        elif name.endswith(("_GLOBAL", "_GLOBALS")):
            self._global(name, plain_name(argument))
        elif name == "LOAD_NAME":  # in the body of a class, whose own names nobody else knows yet
            if argument not in self.own_names and argument != "__name__":
                self._global(name, argument)
        elif name in _CELL_READS or name in ("STORE_DEREF", "DELETE_DEREF"):
            self._cell(name, argument)
        elif name in _AWAITS:
            if self.thorough or not self.stepped:
                line = (self.location and self.location.lineno) or self.code.co_firstlineno
                self.hook(hooks.awaited, (1,), Site(self.code, -1, "await", None, False, line, self.stepped, True))
        elif name == "COMPARE_OP":
            self._compare(self.stack[-2:])
        elif name == "BINARY_OP":
            self._operator(argument, self.stack[-2:])
        elif name == "MATCH_CLASS":
            self.hook(_class_pattern, (3, 2, 1), self._site("match"), argument)
        elif name == "IMPORT_NAME":
            self.hook(hooks.import_first, (2, 1), self._site("import", plain_name(argument)))

    def _attribute(self, name: str, argument: Any) -> None:
        key = plain_name(argument)
        if name == "STORE_ATTR":
            self.hook(hooks.write, (1, 2), self._site("attribute", key, True))
        elif name == "DELETE_ATTR":
            self.hook(hooks.delete, (1,), self._site("delete attribute", key, True))
        else:
            hook = hooks.variables if key == "__dict__" else hooks.read
            self.hook(hook, (1,), self._site("attribute", key))

    def _global(self, name: str, key: str) -> None:
        if name == "STORE_GLOBAL":
            self.hook(hooks.write, (1,), self._site("global", key, True), self.namespace)
        elif name == "DELETE_GLOBAL":
            self.hook(hooks.delete, (), self._site("delete global", key, True), self.namespace)
        elif not is_settled(self.namespace, key):
            self.hook(hooks.read, (), self._site("global", key), self.namespace)

    def _cell(self, name: str, variable: Any) -> None:
        if variable.name in ("__class__", "__classdict__") or variable.name.startswith("."):
            return  # the compiler's own, as for zero-argument super(); set once, before anybody reads it
        write = name not in _CELL_READS
        hook = hooks.read if not write else hooks.write if name == "STORE_DEREF" else hooks.delete
        site = self._site("cell", variable.name.removesuffix(LOCAL_MARK), write)
        self._open(hook)
        self._emit("LOAD_FAST" if _PY313 else "LOAD_CLOSURE", variable)
        if name == "STORE_DEREF":
            self._copy(1, 3)
        self._emit("LOAD_CONST", site)
        self._close(3 if name == "STORE_DEREF" else 2)
        self._emit("POP_TOP")

    def _compare(self, operands: Stack) -> None:
        if SCALAR not in operands and TEXT not in operands:  # a container never equals a number or a string
            self.hook(hooks.pair, (2, 1), self._site("compare"))

    def _operator(self, argument: Any, operands: Stack) -> None:
        operator = str(getattr(argument, "name", ""))
        if is_subscript(argument):
            if operands[0] not in _LITERALS:
                self.hook(hooks.item, (2, 1), self._site("item"))
        elif SCALAR in operands or TEXT in operands:
            # numbers and strings meet no container, but for its repetition and for a format
            if operator == "REMAINDER" and operands[0] == TEXT and operands[1] not in _LITERALS:
                self.hook(hooks.whole, (1,), self._site("format"))
            elif operator == "MULTIPLY" and SHARED in operands:
                self.hook(hooks.pair, (2, 1), self._site("operator"))
            elif operands[0] == SHARED and (
                operator == "INPLACE_MULTIPLY" or (operator == "INPLACE_ADD" and operands[1] == TEXT)
            ):
                self.hook(hooks.pair, (2, 1), self._site("in place", None, True))
            elif self.thorough and operator.endswith(("MULTIPLY", "ADD")) and operands[0] not in (SCALAR, TEXT):
                self._note_only(operator.startswith("INPLACE_"))
            elif self.thorough and operator == "MULTIPLY" and operands[1] not in (SCALAR, TEXT):
                self._note_only(False)
        elif operator.startswith("INPLACE_"):
            self.hook(hooks.pair, (2, 1), self._site("in place", None, True))
        elif SHARED in operands or FRESH in operands:
            self.hook(hooks.pair, (2, 1), self._site("operator"))
        elif self.thorough:
            self._note_only(False)

    def _note_only(self, write: bool) -> None:
        """An operation on two values that is noted, but no decision: the other sites keep their numbers."""
        line = (self.location and self.location.lineno) or self.code.co_firstlineno
        self.hook(hooks.pair, (2, 1), Site(self.code, -1, "operator", None, write, line, False, True))

    # ------------------------------------------------------------ calls

    def _bound_method_load(self, name: str, argument: Any) -> bool:
        """Replace a method load by a bound-method load; true if it was one."""
        if name == "LOAD_METHOD":
            self._emit("LOAD_ATTR", argument)
        elif name in ("LOAD_ATTR", "LOAD_SUPER_ATTR") and isinstance(argument, tuple) and argument[0]:
            self._emit(name, (False, *argument[1:]))
        else:
            return False
        self._emit("PUSH_NULL")
        if not _PY313:
            self._emit("SWAP", 2)
        return True

    def _before_call(self, shape: CallShape) -> None:
        """Hand over callee and arguments; put what comes back in the callee's place."""
        named = shape.spread and shape.first > 1 and self._kind(1) not in (NULL, MAYBE)  # there are **keywords
        self._open((hooks.call_spread_named if named else hooks.call_spread) if shape.spread else hooks.call)
        self._copy(shape.callee, 2)
        if shape.spread:
            self._copy(shape.first, 3)
            if named:
                self._copy(1, 4)
        else:
            for number in range(shape.count):
                self._copy(shape.first - number, 3 + number)
            self._emit("BUILD_TUPLE", shape.count)
        self._emit("LOAD_CONST", self._site("call"))
        self._close(4 if named else 3, shape.count)
        self._emit("SWAP", shape.callee + 1)
        self._emit("POP_TOP")


def _class_pattern(count: int, subject: object, cls: object, names: tuple[str, ...], site: Site) -> None:
    """Before a class pattern with ``count`` positional patterns and some named ones."""
    positional = getattr(cls, "__match_args__", ()) if count else ()
    if isinstance(positional, tuple):
        names = positional[:count] + names
    hooks.fields(subject, names, site)
