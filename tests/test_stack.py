"""What stands on the stack before each instruction: above all, where a NULL is."""

from __future__ import annotations

import sys

import pytest
from bytecode import Bytecode, Instr, Label
from bytecode.instr import TryBegin, TryEnd
from rewriting import codes_in, codes_of_module, load

from lab.stack import (
    CONSTANT,
    FRESH,
    MAYBE,
    NULL,
    OTHER,
    SCALAR,
    SHARED,
    TEXT,
    CallShape,
    StackError,
    call_shape,
    follow_stack,
)

NULL_ABOVE = sys.version_info >= (3, 13)
OLD_JUMPS = sys.version_info < (3, 12)
KEYWORDS_ON_STACK = sys.version_info >= (3, 13)  # as CALL_KW; before, KW_NAMES names the last arguments


def read(code):
    return Bytecode.from_code(code, conserve_exception_block_stackdepth=True)


def before(source, *names):
    """The instructions of these names in the function ``act``, each with the stack before it."""
    code = load(source)["act"].__code__
    content = read(code)
    stacks = follow_stack(content)
    return [
        (instr, stack)
        for instr, stack in zip(content, stacks, strict=True)
        if isinstance(instr, Instr) and instr.name in names
    ]


AFTER = "    a.x = a.y = a.z = b\n    return a\n"  # so that the compiler does not write the end of ``act`` twice


def shapes(statement, head="def act(a, b, c):"):
    found = before(f"{head}\n    {statement}\n{AFTER}", "CALL", "CALL_KW", "CALL_FUNCTION_EX")
    return [call_shape(instr, stack) for instr, stack in found]


def plain(count, named=False):
    """A call of a function; the callee stands on the far side of the NULL from Python 3.13 on."""
    above = count + (1 if named and KEYWORDS_ON_STACK else 0)
    return CallShape(above + (2 if NULL_ABOVE else 1), above, count)


def with_self(count):
    """A call whose first argument stands where other calls have their NULL."""
    return CallShape(count + 1, count, count)


def spread(keywords):
    return CallShape(keywords + (3 if NULL_ABOVE else 2), keywords + 1, 0, spread=True)


@pytest.mark.skipif(sys.version_info >= (3, 14), reason="the shapes of ``with`` and of spread calls are others")
@pytest.mark.parametrize(
    ("statement", "expected"),
    {
        "a()": [plain(0)],
        "a(b, c)": [plain(2)],
        "a(b, k=c)": [plain(2, named=True)],
        "a.b(c)": [plain(1)],
        "len(a)": [plain(1)],
        "len(a, k=b)": [plain(2, named=True)],
        "a(b(c), k=len(b))": [plain(1), plain(1), plain(2, named=True)],
        "a(*b)": [spread(0)],
        "a(*b, **c)": [spread(1)],
        "a(b, *c, k=1)": [spread(1)],
        "a.b(*c)": [spread(0)],
        "a(1 if b else c)": [plain(1)],
        "a(b and c, b or c)": [plain(2)],
        "a(b)(c)(*b)": [plain(1), plain(1), spread(0)],
        "assert a, b": [with_self(1)],
        "with a: pass": [with_self(3)],
        "sum(x for x in a)": [with_self(1), plain(1)],
        "@a\n    @b(1)\n    def inner(): pass": [plain(1), with_self(1), with_self(1)],
        "class Kind(a, k=b): pass": [plain(4, named=True)],
        "class Kind(*a): pass": [spread(0)],
        "return [a(x) for x in b]" if sys.version_info >= (3, 12) else "a(b)": [plain(1)],
    }.items(),
)
def test_shape_of_calls(statement, expected):
    assert shapes(statement) == expected


@pytest.mark.skipif(sys.version_info < (3, 12), reason="comprehensions are functions of their own up to Python 3.11")
def test_call_around_an_asynchronous_comprehension():
    """After the loop the code goes on in an exception handler, and the call's NULL is still there."""
    found = shapes("a([x async for x in b], c(*[y async for y in b]), k=1)", head="async def act(a, b, c):")
    assert found == [spread(0), plain(3, named=True)]


def test_call_around_awaits_and_yields():
    assert shapes("a(await b, await c)", head="async def act(a, b, c):") == [plain(2)]
    assert shapes("a((yield), (yield from b))") == [plain(2)]


@pytest.mark.skipif(NULL_ABOVE, reason="the older order")
def test_callee_that_may_be_null_has_no_shape():
    assert call_shape(Instr("CALL", 0), (MAYBE, OTHER)) is None


@pytest.mark.parametrize(
    ("expression", "kind"),
    {
        "1": SCALAR,
        "None": SCALAR,
        "a == b": SCALAR,
        "a in b": SCALAR,
        "not a": SCALAR,
        "'x'": TEXT,
        "f'{a}x'": TEXT,
        "b'x'": CONSTANT,
        "(1, 2)": CONSTANT,
        "...": CONSTANT,
        "[a]": FRESH,
        "{a: b}": FRESH,
        "{*a}": FRESH,
        "a.b": SHARED,
        "a[b]": SHARED,
        "name": SHARED,
        "a": OTHER,
        "a(b)": OTHER,
        "a.b(c)": OTHER,
        "a + b": OTHER,
        "-a": OTHER,
        "lambda: 0": OTHER,
        "(a, b)": OTHER,
        "1 if a else 2": SCALAR,
        "1 if a else b.c": SHARED,
        "b.c if a else 1": SHARED,
        "1 if a else b": OTHER,
        "1 if a else 'x'": OTHER,
        "None or b.c": SHARED,
        "a == b or b.c": SHARED,
        "(a == b) and b[0]": SHARED,
    }.items(),
)
def test_kind_of_a_value(expression, kind):
    stores = before(f"def act(a, b, c):\n    a.stored = {expression}\n{AFTER}", "STORE_ATTR")
    assert [stack for instr, stack in stores if instr.arg == "stored"] == [(kind, OTHER)]


def test_loop_that_brings_something_new_is_followed_again():
    """The slot holds a number when the loop begins, and an attribute from the second turn on."""
    start, code = Label(), Bytecode()
    code += [Instr("LOAD_CONST", 0), start, Instr("POP_TOP")]
    code += [Instr("LOAD_GLOBAL", (False, "shared")), Instr("LOAD_CONST", True)]
    code += [Instr("POP_JUMP_BACKWARD_IF_TRUE" if OLD_JUMPS else "POP_JUMP_IF_TRUE", start), Instr("RETURN_VALUE")]
    stacks = follow_stack(code)
    assert stacks[2] == (SHARED,)


def test_code_to_which_nothing_leads_has_no_stack():
    code = Bytecode([Instr("LOAD_CONST", 1), Instr("RETURN_VALUE"), Instr("POP_TOP"), Label(), Instr("POP_TOP")])
    assert follow_stack(code) == [(), (SCALAR,), None, None, None]


def test_handler_keeps_what_lies_below_its_region():
    handler = Label()
    begin = TryBegin(handler, True, 1)
    code = Bytecode([Instr("LOAD_CONST", "kept"), begin, Instr("LOAD_CONST", 1), Instr("POP_TOP"), TryEnd(begin)])
    code += [Instr("RETURN_VALUE"), handler, Instr("RERAISE", 1)]
    assert follow_stack(code)[-1] == (TEXT, OTHER, OTHER)


@pytest.mark.parametrize(
    ("instructions", "message"),
    [
        ([Instr("POP_TOP")], "1 values are taken from a stack of 0"),
        ([Instr("COPY", 2)], "value 2 of a stack of 0 is used"),
        ([Instr("LOAD_CONST", 1), Instr("SWAP", 2)], "value 2 of a stack of 1 is used"),
        ([Instr("PUSH_NULL"), Instr("CALL", 0)], "2 values are taken from a stack of 1"),
    ],
)
def test_code_that_takes_too_much_is_refused(instructions, message):
    with pytest.raises(StackError, match=f"^{message}$"):
        follow_stack(Bytecode(instructions))


def test_ways_that_meet_with_different_depths_are_refused():
    label = Label()
    forward = "POP_JUMP_FORWARD_IF_TRUE" if OLD_JUMPS else "POP_JUMP_IF_TRUE"
    code = Bytecode([Instr("LOAD_CONST", 1), Instr(forward, label), Instr("LOAD_CONST", 2), label, Instr("POP_TOP")])
    with pytest.raises(StackError, match=r"^two ways meet with 0 and 1 values$"):
        follow_stack(code)


def test_handler_deeper_than_the_stack_is_refused():
    handler = Label()
    begin = TryBegin(handler, False, 2)
    with pytest.raises(StackError, match=r"^a handler keeps 2 values of 0$"):
        follow_stack(Bytecode([begin, Instr("NOP"), TryEnd(begin), handler, Instr("RERAISE", 0)]))


@pytest.mark.parametrize(
    "name", ["asyncio.base_events", "inspect", "test.test_coroutines", "test.test_patma", "test.test_with"]
)
def test_standard_library_code_is_followed_to_the_compilers_depths(name):
    """No slot too many or too few: the deepest stack is the one that the compiler asked for, and no deeper."""
    try:
        codes = list(codes_of_module(name))
    except ModuleNotFoundError:
        pytest.skip("this Python comes without its own tests")
    for code in codes:
        content = read(code)
        stacks = follow_stack(content)
        assert max(len(stack) for stack in stacks if stack is not None) <= code.co_stacksize
        for element, stack in zip(content, stacks, strict=True):
            if isinstance(element, Instr) and element.name == "RETURN_VALUE" and stack is not None:
                assert len(stack) == 1
                assert stack[0] not in (NULL, MAYBE)


def test_nulls_stand_where_calls_expect_them():
    code = compile("def act(a):\n    return a(len(a), a.b(), *a)\n", "<test>", "exec")
    for part in codes_in(code):
        content = read(part)
        for instr, stack in zip(content, follow_stack(content), strict=True):
            if isinstance(instr, Instr) and instr.name == "CALL":
                assert stack is not None
                assert stack[-2 - instr.arg :].count(NULL) == 1
