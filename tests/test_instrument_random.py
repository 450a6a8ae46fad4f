"""Random small functions do the same when rewritten: result, exception with its lines, and log."""

from __future__ import annotations

import re
import traceback
from reprlib import Repr

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rewriting import CountingDriver, Namespace, driven

from lab.instrument import instrument

PRELUDE = """
import sys
from reprlib import repr
log = []
total = turns = 0
class Stop(Exception): pass
class Box:
    kind = "class"
    made = []
    def __init__(self):
        self.v, self.rows, self.table = 1, [3, 1, 2], {1: 2}
        Box.made.append(self)
    def method(self, *args, **named): return note(len(args) + len(named))
    def __call__(self, *args, **named): return len(args)
    @property
    def prop(self): return note(self.v)
    def __eq__(self, other): return note(True)
    __hash__ = None
    def __repr__(self): return 'box'
def note(x):
    log.append(repr(x))
    if len(log) > 200: raise Stop
    return x
def turn():
    global turns
    turns += 1
    things = [*sys._getframe(1).f_locals.values(), *Box.made[-1].rows]
    if turns > 8 or any(len(thing) > 500 for thing in things if hasattr(thing, "__len__")): raise Stop
def boom(x):
    if isinstance(x, int) and x % 2: raise ValueError(x)
    return x
class Manager:
    def __init__(self, swallow=()): self.swallow = swallow
    def __enter__(self): return note(self.swallow and 1)
    def __exit__(self, kind, error, trace):
        note(kind and kind.__name__)
        return kind is not None and issubclass(kind, self.swallow)
    async def __aenter__(self):
        await tick(0)
        return self.__enter__()
    async def __aexit__(self, *error):
        await tick(1)
        return self.__exit__(*error)
class tick:
    def __init__(self, x): self.x = x
    def __await__(self):
        note("tick")
        got = yield self.x
        return got
async def numbers(n):
    try:
        for i in range(n if isinstance(n, int) and n < 4 else 2):
            await tick(i)
            yield i
    finally:
        note("closed")
def spread(*args, **named): return len(args) + len(named)
def twice(f): return f
"""
RECORDS = Repr()
RECORDS.maxtuple = RECORDS.maxlist = RECORDS.maxlevel = RECORDS.maxstring = RECORDS.maxother = 500
START = " box = Box()\n xs, d = [1, 2], {0: 1}\n def inner(p): return b, p\n"
NAMES = ("a", "b", "c", "xs", "d", "box")
PLAIN = (
    "{n}", "{i}", "None", "[{e}, {e}]", "({e}, {e})", "{{{i}: {e}}}", "({e} + {e})", "({e} * {i})", "({e} == {e})",
    "({e} < {e} <= {e})", "({e} in {e})", "(not {e})", "({e} and {e})", "({e} or {e})", "({e} if {e} else {e})", "-{i}",
    "('%s' % ({e},))", "f'{{ {e} }}{{ {e} !r:>{i}}}'", "note({e})", "boom({e})", "spread({e}, *{s}, k={e})",
    "spread(*{s}, *{s}, **{{'p': {e}}})", "spread(**{{'q': {e}}})", "box.v", "box.prop", "box.method({e})", "box.kind",
    "box.method(*{s}, k={e})", "box({e})", "xs[{i}]", "xs[{e}]", "xs[{i}:]", "box.rows[0]", "box.table[{e}]",
    "(lambda q=None: {e})()", "(lambda *q: (q, a))({e})", "[{e} for a in {s}]", "[({e}, b) for b in {s} if {e}]",
    "{{a: {e} for a in {s}}}", "{{c for c in (1, 2) if {e}}}", "sum(1 for a in {s} if {e})", "[(lambda: a)() for a in {s}]",
    "[[{e} for c in {s}] for b in {s}]", "(a := {e})", "max({e}, {e}, key=lambda z: 0)", "len({s})", "sorted({s}, key=repr)",
    "[*{s}, {e}]", "{{**box.table, 2: {e}}}", "total", "{e}[0]", "{e}.v", "str({e}).upper()", "isinstance({e}, int)",
    "getattr(box, 'v')", "inner({e})", "twice({e})",
)  # fmt: skip
SEQUENCES = (
    "xs",
    "box.rows",
    "(1, 2)",
    "[{e}, 2]",
    "range(2)",
    "(a for a in (1, 2))",
    "d",
    "box.table.values()",
    "{e}",
)
GENERATING = ("(yield {e})", "(yield from {s})", "spread((yield 1), *{s}, k=(yield {e}))", "[(yield 2), {e}]")
AWAITING = (
    "(await tick({e}))", "spread([x async for x in numbers({e})])", "[{e} async for a in numbers(2)]",
    "spread(*[a async for a in numbers(2)], {e}, k=await tick(1))", "{{a: {e} async for a in numbers(1)}}",
    "[await tick(b) for b in {s}]", "f'{{await tick({e})}}'", "[[b for b in {s}] async for c in numbers(2)]",
)  # fmt: skip
SIMPLE = (
    "{t} = {e}", "{t} = {e}", "note({e})", "{e}", "{o} += {e}", "{o} *= {i}", "a, b = {s}", "a, *c = {s}", "del {t}",
    "assert {e}, {e}", "raise ValueError({e})", "raise", "raise KeyError from ValueError({i})", "return {e}", "pass",
    "box.v, xs[0] = {s}", "box.rows[{i}:{i}] = {s}", "import math as b", "(a, (b, c)) = 1, {s}", "a = b = {e}",
    "c: int = {e}", "boom({e})",
)  # fmt: skip
LOOPING = ("break", "continue", "if {e}: break", "if not {e}: continue")
COMPOUND = (
    "if {e}:\n{B}else:\n{B}",
    "for {f} in {s}:\n turn()\n{L}",
    "for {f} in {s}:\n turn()\n{L}else:\n{B}",
    "while turn() or {e}:\n{L}",
    "try:\n{B}except ValueError as a:\n{B}",
    "try:\n{B}except (TypeError, KeyError):\n{B}else:\n{B}finally:\n{B}",
    "try:\n{B}finally:\n{B}",
    "try:\n{B}except* (ValueError, TypeError) as b:\n{S}",
    "with Manager(): \n{B}",
    "with Manager((ValueError, TypeError)) as c, Manager():\n{B}",
    "match {e}:\n case int(a) if {e}:\n  pass\n case [a, *c]:\n  note(a)\n case {{1: b}}:\n  note(b)\n"
    " case Box(v=c) | (c, 1):\n  note(c)",
    "@twice\ndef inner(p=a, *q, r={e}):\n nonlocal b\n b = p\n{B}return (p, b)",
    "class Inner({k}):\n e = [z for z in (1, 2)], box.v, spread({n}, *xs, k={n})\n"
    " def get(self): return __class__, self.e, b\n note(sorted(e, key=repr))",  # Python 3.13.0 crashes at more
    "global total\ntotal = {e}",
)
AWAITING_COMPOUND = (
    "async for {f} in numbers({e}):\n turn()\n{L}",
    "async for {f} in numbers(2):\n turn()\n{L}else:\n{B}",
    "async with Manager((ValueError, TypeError)) as a:\n{B}",
    "async with Manager(), Manager() as c:\n{B}",
)


def indented(text):
    return "".join(f" {line}\n" for line in text.split("\n") if line.strip())


class Writer:
    """Fills templates with the pieces that Hypothesis draws."""

    def __init__(self, draw, kind):
        self.draw = draw
        self.expressions = PLAIN + {"def": (), "generator": GENERATING * 2, "async": AWAITING * 2}[kind]
        self.compound = COMPOUND + (AWAITING_COMPOUND * 2 if kind == "async" else ())
        self.budget = 60

    def choose(self, options):
        return options[self.draw(st.integers(0, len(options) - 1))]

    def fill(self, template, depth, loop=False):
        own = self.expressions
        if " for " in template or "lambda" in template or "def " in template:
            self.expressions = PLAIN  # no yield or await in there
        out = [
            {"{{": "{", "}}": "}"}.get(part) or (self.piece(part[1], depth, loop) if part[0] == "{" else part)
            for part in re.findall(r"\{\{|\}\}|\{\w\}|[^{}]+", template)
        ]
        self.expressions = own
        return "".join(out)

    def piece(self, code, depth, loop):
        if code == "e":
            return self.expression(depth)
        if code == "s":
            return self.fill(self.choose(SEQUENCES), depth + 1)
        if code in "nio":
            return self.choose(
                {"n": NAMES, "i": ("0", "1", "2", "3"), "o": ("a", "xs[0]", "box.v", "box.rows", "total", "b")}[code]
            )
        if code == "t":
            return self.choose(("a", "b", "c", "xs", "box.v", "box.table[1]", "xs[1:2]", "d[0]"))
        if code == "f":
            return self.choose(("a", "b", "(a, b)", "box.v", "xs[0]"))
        if code == "k":
            return self.choose(("Box", "", "metaclass=type", "*[Box]", "Exception, **{}"))
        return self.block(depth + 1, loop=code == "L" or (loop and code == "B"), leaving=code != "S")

    def expression(self, depth):
        self.budget -= 1
        if depth > 5 or self.budget < 0:
            return self.choose(NAMES)
        return self.fill(self.choose(self.expressions), depth + 1)

    def block(self, depth, loop=False, leaving=True):
        lines = [self.statement(depth, loop, leaving) for _ in range(self.draw(st.integers(1, 3)))]
        return "".join(map(indented, lines))

    def statement(self, depth, loop, leaving):
        if depth < 5 and self.budget > 0 and self.draw(st.integers(0, 2)) == 0:
            template = self.choose(self.compound)
            return self.fill(template, depth, loop and "def " not in template)
        template = self.choose(SIMPLE + (LOOPING if loop else ()))
        if not leaving and template.startswith("return"):
            template = "pass"
        return self.fill(template, depth)


def program(draw):
    """The source of one program, with a function ``act``."""
    kind = draw(st.sampled_from(("def", "generator", "async")))
    writer = Writer(draw, kind)
    parts = [writer.block(1) for _ in range(3)]
    body = " try:\n" + indented(parts[0]) + " except Exception as a:\n  note(repr(a))\n" + "".join(parts[1:])
    first = " yield 0\n" if kind == "generator" else ""
    if "global total" in body:
        body = " global total\n" + body.replace("global total", "pass")
    keyword = "async def" if kind == "async" else "def"
    head = f"{keyword} act(a, b, c=2, *xs, d=None, **box):\n{START}"
    return f"{head}{first}{body} return a, b, c\n"


def outcome(*parts):
    """What one run of the program did, as far as it can be seen."""
    variables = {"__name__": "program"}
    for code in parts:
        exec(code, variables)
    log, steps = variables["log"], []
    told = shape(variables, steps)
    return re.sub(r"(?i)0x[0-9a-f]+", "0x", RECORDS.repr((told, log, steps)))


def shape(variables, steps):
    try:
        result = variables["act"](1, 2)
        if not hasattr(result, "send"):
            return "gave", result
        for turn in range(30):
            if turn == 7:
                steps.append(result.throw(ValueError("thrown")))
            elif turn == 11:
                result.close()
                break
            else:
                steps.append(result.send(turn if turn else None))
        return "left", None
    except RecursionError:  # hooks call, so it comes a frame earlier
        variables["log"].clear()
        steps.clear()
        return "too deep"
    except BaseException as error:
        lines = [(entry.lineno, entry.name, entry.colno) for entry in traceback.extract_tb(error.__traceback__)[1:]]
        return error, lines, error.__cause__, error.__context__


def rewritten(code):
    return instrument(code, Namespace({})).code


AROUND = compile(PRELUDE, "<around>", "exec", dont_inherit=True)
AROUND_REWRITTEN = rewritten(AROUND)


def compare(source):
    try:
        code = compile(source, "<act>", "exec", dont_inherit=True)
    except SyntaxError:
        return
    expected = outcome(AROUND, code)
    code = rewritten(code)
    assert outcome(AROUND_REWRITTEN, code) == expected, source
    with driven(CountingDriver()):
        assert outcome(AROUND_REWRITTEN, code) == expected, source


@pytest.mark.filterwarnings("ignore")  # of the programs: coroutines nobody awaits, odd comparisons
@settings(max_examples=100, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
@given(st.composite(program)())
def test_random_function_does_the_same(source):
    compare(source)
