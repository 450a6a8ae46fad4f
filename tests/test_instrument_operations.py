"""What reaches the driver: each visible operation once, with the very operands, and nothing else."""

from __future__ import annotations

import contextlib
import dis
import re
import sys
import types

import pytest
from rewriting import Namespace, driven, load, rewrite, sites_in

from lab.instrument import instrument
from lab.stack import StackError


class Operand:
    """Answers to everything with itself."""

    def __init__(self, name, **values):
        self.__dict__.update(values)
        self.name = name

    def method(self, *arguments, **keywords):
        return self

    def __exit__(self, *error):
        return None

    __call__ = __enter__ = __add__ = __iadd__ = __radd__ = __mul__ = __imul__ = method
    base = object

    def __eq__(self, other):
        return True

    def __hash__(self):
        return id(self)


SLICES_ARE_ITEMS = sys.version_info < (3, 12)

# statement: what reaches the driver, as "what: kind key of object (value or arguments)"
OPERATIONS = {
    "box.value": "read: attribute value of box",
    "box.value = other": "write: attribute value of box (other)",
    "del box.value": "write: delete attribute value of box",
    "box.value += other": "read: attribute value of box; change: in place value; use: in place other; "
    "write: attribute value of box (value)",
    "box.value += 1": "read: attribute value of box; write: attribute value of box (value)",
    "shared": "read: global shared of program",
    "global shared; shared = other": "write: global shared of program (other)",
    "global shared; del shared": "write: delete global shared of program",
    "cell = other; (lambda: cell); cell": "write: cell cell of ? (other); made; read: cell cell of ?",
    "cell = 1; del cell; (lambda: cell)": "write: cell cell of ? (1); write: cell cell of ?; made",
    "row[other]": "use: item row (other)",
    "row[other] = box": "change: item row (other, box)",
    "row[1] += other": "use: item row (1); change: in place 2; use: in place other; change: item row (1, other)",
    "del row[other]": "change: delete item row (other)",
    "row[1:2]": "use: item row (?)" if SLICES_ARE_ITEMS else "use: slice row",
    "row[1:2] = box": "change: item row (?, box)" if SLICES_ARE_ITEMS else "change: slice row (1, box)",
    "del row[1:2]": "change: delete item row (?)",
    "box.rows[:][0]": "read: attribute rows of box; "
    + ("use: item ? (?)" if SLICES_ARE_ITEMS else "use: slice ?")
    + "; use: item ? (0)",
    "'abc'[1]": "",
    "other in row": "use: in row (other)",
    "other not in row": "use: in row (other)",
    "other in (1, 2)": "",
    "for _ in row: pass": "use: iterate row; use: next ?; use: next ?; use: next ?",
    "sum(x for x in row)": "made; use: iterate row; call: ? (?); call: sum (?); resume: resume ?; use: next ?; "
    "resume: resume ?; use: next ?; resume: resume ?; use: next ?",
    "for _ in (1, 2): pass": "",
    "a, b = row": "use: unpack row",
    "a, *b = row": "use: unpack row",
    "a, b = 1, box": "",
    "[*row]": "use: spread row",
    "{*row}": "use: spread row",
    "{**table}": "use: spread table",
    "[1, 2, 3, 4]": "",
    "f'{row}'": "use: format row",
    "f'{row!r}'": "use: format row",
    "f'{row!r:>5}'": "use: format row",
    "f'{other:>{box}}'": "use: format box; use: format other",
    "f'{1}{\"a\"}'": "",
    "'%s' % row": "use: format row",
    "not row": "use: truth row",
    "row and other": "use: truth row",
    "row or other": "use: truth row",
    "if row: pass": "use: truth row",
    "while row: break": "use: truth row",
    "assert row": "use: truth row",
    "1 if row else 2": "use: truth row",
    "row is other or row is None": "",
    "row == other": "use: compare row; use: compare other",
    "box == other == row": "use: compare box; use: compare other; use: compare other; use: compare row",
    "row == 1 or 'text' == row": "",
    "row += other": "change: in place row; use: in place other",
    "row + [1]": "use: operator row; use: operator ?",
    "box.value + other": "read: attribute value of box; use: operator value; use: operator other",
    "box.value * 2": "read: attribute value of box; use: operator value; use: operator 2",
    "box.value *= 2": "read: attribute value of box; change: in place value; use: in place 2; "
    "write: attribute value of box (value)",
    "box(other, row)": "call: box (other, row)",
    "box(other, k=row)": "call: box (other, row)",
    "box(*row)": "use: call row; call: box (1, 2)",
    "box(*(other, row))": "call: box (other, row)",
    "box(other, *row)": "use: spread row; call: box (other, 1, 2)",
    "box(**table)": "use: spread table; call: box (1)",
    "box.method(other)": "read: attribute method of box; call: method (other)",
    "(box.method)(*row)": "read: attribute method of box; use: call row; call: method (1, 2)",
    "with box: pass": "enter: box; call: exit (None, None, None)",
    "with box as a, other as b: pass": "enter: box; enter: other; call: exit (None, None, None); "
    "call: exit (None, None, None)",
    "@box\n    def inner(): pass": "made; call: box (?)",
    "class Kind(box.base): pass": "made; read: attribute base of box; call: ? (?, ?, ?)",
    "lambda: 1": "made",
    "match row:\n        case [1, 2]: pass": "use: match row; use: unpack row",
    "match row:\n        case [1]: pass": "use: match row",
    "match row:\n        case [1, *_]: pass": "use: match row; use: item row (0)",
    "match table:\n        case {'k': 1}: pass": "use: match table; use: match table; use: unpack ?",
    "match box:\n        case Operand(value=x): pass": "read: global Operand of program; "
    "read: match value of box; use: unpack ?",
    "match pair:\n        case Pair(_, other): pass": "read: global Pair of program; read: match value of pair; "
    "read: match name of pair; use: unpack ?",
}
SETUP = """
from operands import Operand
shared = 1
class Pair(Operand): __match_args__ = ("value", "name")
def act(box, other, row, table, pair):
    STATEMENT
"""


def told(events, names):
    """What reached the driver, in the words of `OPERATIONS`."""

    def name(thing):
        if isinstance(thing, int | None) and not isinstance(thing, bool):
            return str(thing)
        if isinstance(thing, Namespace):
            return "program"
        return names.get(id(thing)) or {"method": "method", "__exit__": "exit", "sum": "sum"}.get(
            getattr(thing, "__name__", ""), "?"
        )

    def entries():
        for word, kind, key, owner, detail in events:
            values = detail if isinstance(detail, tuple) else (detail,)
            listed = "" if type(detail) is object or detail is None else f" ({', '.join(map(name, values))})"
            if word == "made":
                yield word
            elif word in ("call", "enter"):
                yield f"{word}: {name(owner)}{listed}"
            else:
                yield (
                    f"{word}: {kind} {key} of {name(owner)}{listed}" if key else f"{word}: {kind} {name(owner)}{listed}"
                )

    return "; ".join(entries())


@pytest.mark.parametrize("statement", OPERATIONS)
def test_each_operation_reaches_the_driver_once_with_its_operands(statement, monkeypatch):
    operands = types.ModuleType("operands")
    operands.Operand = Operand
    monkeypatch.setitem(sys.modules, "operands", operands)
    variables = load(SETUP.replace("STATEMENT", statement))
    rewrite(variables)
    value = Operand("value")
    box, other, pair = Operand("box", value=value, rows=[1]), Operand("other"), variables["Pair"]("pair", value=value)
    row, table = [1, 2], {"k": 1}
    names = {id(thing): name for name, thing in locals().items() if name not in ("statement", "operands", "variables")}
    with driven() as driver, contextlib.suppress(Exception):
        variables["act"](box, other, row, table, pair)
    assert told(driver.events, names) == OPERATIONS[statement]


UNTOUCHED = """
def arithmetic(a, b, c):
    d = a + b * 2 - 1
    d += 1
    d **= 2
    return -d if a is not b else ~c

def loop(n):
    total = 0
    while True:
        total += 1
        if total > 10 or n is None:
            return total % 3

def handlers(a, b):
    a, b = b, a
    try:
        return a / 2 << 1
    except:
        raise
    finally:
        b = "x" * 2

async def coroutine(a):
    return await a

def displays(a, b):
    c = f"{1}{'x'!r}", a == 1, "b" != b, 1 < a <= 9, a in (1, 2)
    return c, [1, 2, 3], {"k": 1}, {1, 2, 3, 4}, (a, b)
"""


@pytest.mark.parametrize("name", re.findall(r"def (\w+)", UNTOUCHED))
def test_locals_and_arithmetic_with_constants_are_left_alone(name):
    code = load(UNTOUCHED)[name].__code__
    result = instrument(code, Namespace({}))
    assert result.sites == []
    assert shown(result.code) == shown(code)
    assert result.code.co_stacksize == code.co_stacksize


def test_a_generator_tells_that_it_goes_on():
    code = load("def generator(a):\n    yield a\n    a = yield\n    return 1, a\n")["generator"].__code__
    assert [site.kind for site in instrument(code, Namespace({})).sites] == ["resume"] * 3


def shown(code):
    return [(instr.opname, instr.argval, instr.positions) for instr in dis.get_instructions(code)]


def test_each_operation_costs_one_short_call():
    code = load("def act(box):\n    return box.value")["act"].__code__
    result = instrument(code, Namespace({}))
    names = [instr.opname for instr in dis.get_instructions(result.code)]
    injected = len(names) - len(list(dis.get_instructions(code)))
    assert injected == (7 if sys.version_info < (3, 12) else 6)  # callee, NULL, operand, site, (PRECALL,) CALL, POP_TOP


def test_without_accesses_only_calls_and_with_are_hooked():
    code = load("def act(box):\n    with box.guard:\n        shared.value[0] += box.f(1)\n")["act"].__code__
    result = instrument(code, Namespace({}), accesses=False)
    assert [(site.kind, site.stepped) for site in result.sites] == [("with", False), ("call", False), ("call", False)]


def test_settled_globals_are_left_alone_and_no_module_attribute_is_computed():
    """A module's own ``__getattr__`` must not run, and names of the stand-in's class are not globals."""
    code = load("def act():\n    return len, sys, lazy, __class__, later")["act"].__code__
    module = types.ModuleType("module")
    module.sys = sys
    module.__getattr__ = lambda name: pytest.fail(f"{name} was asked for")
    keys = [site.key for site in instrument(code, module).sites]
    assert keys == ["lazy", "__class__", "later"]


def test_nested_code_is_rewritten_once_though_finally_holds_it_twice():
    source = "def act(box):\n    try:\n        box.one\n    finally:\n        f = lambda: box.two\n    return f\n"
    result = instrument(load(source)["act"].__code__, Namespace({}))
    assert len(result.nested) == 1
    assert len(result.nested[0].sites) == len(sites_in(result.nested[0].code)) == 2


def test_compiler_made_cells_are_not_reported():
    source = """
def act():
    class Kind:
        def method(self):
            return __class__, super().__init__
    return Kind
"""
    result = instrument(load(source)["act"].__code__, Namespace({}))
    kinds = [site.kind for part in (result, *result.nested, *result.nested[0].nested) for site in part.sites]
    assert "cell" not in kinds


def test_sites_know_their_place():
    source = "def act(box):\n    a = box.one\n\n    return box.f(a)\n"
    code = load(source)["act"].__code__
    result = instrument(code, Namespace({}))
    assert [(site.number, site.line, site.kind, site.key) for site in result.sites] == [
        (0, 2, "attribute", "one"),
        (1, 4, "attribute", "f"),
        (2, 4, "call", None),
    ]
    assert {site.code for site in result.sites} == {code}
    assert repr(result.sites[0]) == "<Site act:2 attribute one>"


def test_operand_that_may_be_null_is_never_handed_over():
    """Code nobody compiles: it must be refused, for to copy NULL ends the interpreter."""
    from bytecode import Bytecode, Instr

    code = Bytecode([Instr("RESUME", 0), Instr("PUSH_NULL"), Instr("GET_ITER"), Instr("RETURN_VALUE")])
    made = code.to_code(stacksize=4, check_pre_and_post=False, compute_exception_stack_depths=False)
    with pytest.raises(StackError, match="value 1 is to be handed over and may be NULL"):
        instrument(made, Namespace({}))
