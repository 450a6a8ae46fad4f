"""Rewritten code does what it did, and a driver can put itself in the place of what is called, entered or touched."""

from __future__ import annotations

import contextlib
import functools
import re
import sys
import traceback
import types

import pytest
from rewriting import PROGRAMS, CountingDriver, driven, load, load_file, load_rewritten, rewrite

CASES = [
    (path.stem, name)
    for path in sorted(PROGRAMS.glob("*.py"))
    for name in re.findall(r"^def (case_\w+)", path.read_text(encoding="utf-8"), re.MULTILINE)
]


@functools.cache
def programs(name):
    return load_file(name, rewritten=False), load_file(name, rewritten=True)


@pytest.mark.parametrize(("program", "case"), CASES, ids=[f"{program}-{case[5:]}" for program, case in CASES])
def test_rewritten_program_does_the_same(program, case):
    original, rewritten = programs(program)
    expected = original[case]()
    assert rewritten[case]() == expected
    driver = CountingDriver()
    with driven(driver):
        got = rewritten[case]()
    assert got == expected
    assert driver.count


@pytest.mark.skipif(sys.version_info < (3, 12), reason="type parameters are new in Python 3.12")
def test_type_parameters():
    source = """
def case():
    def plain[T](x: T) -> T: return x
    def defaults[T: int, *Ts, **P](x: T = 3, *a: *Ts, y: T = 4): return x, a, y, __name__
    class Kind[T](Base[int], flag=1):
        def method[S](self, x: S, y: T = None): return super().method(x), y
    type Alias[T] = dict[T, Kind]
    return (plain(1), defaults(), defaults(5, 6, y=7), Kind().method(2), str(Alias.__value__)[:4],
            [p.__name__ for p in defaults.__type_params__], Kind.__type_params__[0].__name__, Kind.flag)
class Base[T]:
    def __init_subclass__(cls, flag=0): cls.flag = flag
    def method(self, x): return "base", x
"""
    expected = load(source)["case"]()
    with driven():
        assert load_rewritten(source)["case"]() == expected


# ---------------------------------------------------------------- places in the source

FAILING = """
def act(depth, box):
    if depth:
        return [
            act(depth - 1, box)
            for _ in range(1)
        ]
    try:
        with box as opened:
            box.table["a"][
                opened.key
            ] += (box.one +
                  box.two)
    except KeyError as error:
        raise ValueError(f"{box.missing}"
                         f"{error}") from error
    finally:
        (lambda: box.one)()

def generator(box):
    yield (yield
           from act(1, box))

def asserting(box):
    assert box.one == 2, (
        box.two)

def decorated(box):
    @box.one
    @box.two(
        3)
    def inner(): pass

def called(box):
    return box.one(
        box.two, *box.table,
        k=box.missing)

class Box:
    one, two, key, table = 1, "2", "k", {"a": {}}
    def __enter__(self): return self
    def __exit__(self, *error): pass
"""


def positions(variables, name, *arguments):
    result = variables[name]
    with pytest.raises(Exception) as caught:  # noqa: PT011 -- which one it is, is compared
        list(result(*arguments, variables["Box"]())) if name == "generator" else result(*arguments, variables["Box"]())
    described = traceback.TracebackException.from_exception(caught.value)
    return [line for line in described.format() if line.startswith("    ") or "failing.py" in line or "Error" in line]


@pytest.mark.parametrize("name", ["act", "generator", "asserting", "decorated", "called"])
def test_tracebacks_show_the_same_lines_and_columns(name, tmp_path):
    path = tmp_path / "failing.py"
    path.write_text(FAILING, encoding="utf-8")
    arguments = (2,) if name == "act" else ()
    original = load(FAILING, filename=str(path))
    rewritten = load(FAILING, filename=str(path))
    rewrite(rewritten)
    expected = positions(original, name, *arguments)
    assert "failing.py" in "".join(expected)
    assert positions(rewritten, name, *arguments) == expected


def test_line_tracing_sees_the_same_lines():
    source = (
        FAILING
        + "\ndef lines(box):\n    x = 1\n    for y in (x,\n              2):\n        x += box.one\n    return x\n"
    )

    def lines(variables):
        seen = []
        code = variables["lines"].__code__

        def tracer(frame, event, argument):
            if frame.f_code is not code:
                return None
            seen.append((event, frame.f_lineno))
            return tracer

        before = sys.gettrace()
        sys.settrace(tracer)
        try:
            variables["lines"](variables["Box"]())
        finally:
            sys.settrace(before)
        return seen

    assert lines(load_rewritten(source)) == lines(load(source))


# ---------------------------------------------------------------- drivers that interfere


@pytest.mark.parametrize("exit_value", [0, 1])
def test_driver_may_replace_what_is_called_and_entered(exit_value):
    source = """
def act(log, one, manager):
    with manager(1) as given, manager(2):
        log.append((given, one(1, k=2), one(*[3], **{'k': 4}), one.method(5)))
        @one
        def inner(): pass
        log.append(inner)
        raise KeyError
    return log
"""

    class Twin:
        def __init__(self, name):
            self.name = name

        def __call__(self, *arguments, **keywords):
            return self.name, len(arguments), keywords

        def __enter__(self):
            return self.name

        def __exit__(self, *error):
            return exit_value

    class Replacing(CountingDriver):
        def call(self, function, arguments, site):
            return Twin("called") if getattr(function, "__name__", "").startswith("one") else function

        def enter(self, manager, site):
            return Twin("entered")

    class One:
        __name__ = "one"

        def one_method(self):
            raise AssertionError

        method = one_method

    act = load_rewritten(source)["act"]
    log = []
    with driven(Replacing()):
        if exit_value:
            act(log, One(), contextlib.nullcontext)
        else:
            with pytest.raises(KeyError):
                act(log, One(), contextlib.nullcontext)
    called = [("called", 1, {"k": 2}), ("called", 1, {"k": 4}), ("called", 1, {})]
    assert log == [("entered", *called), ("called", 1, {})]


class Interruption(BaseException):
    """What a driver throws to unwind an actor."""


def test_what_a_hook_raises_is_raised_in_the_place_of_the_operation():
    """Thrown at each hook in turn, an exception runs the handlers and leaves no manager open."""
    source = """
def act(log, box, manager):
    try:
        for x in box.rows:
            with manager(log) as opened, manager(log):
                try:
                    log.append([x + y for y in box.rows if x in box.rows])
                    box.total += f(opened, *box.rows, k=box.total)
                    assert box.total, f"{box.total}"
                    box.table[x] = (lambda: box.rows[x - 1])()
                finally:
                    log.append("inner")
    except* KeyError:
        log.append("group")
    finally:
        log.append("outer")
def f(*arguments, **keywords): return len(arguments)
"""

    class Interrupting(CountingDriver):
        depth = 0

        def __init__(self, at):
            super().__init__()
            self.at = at

        def touch(self, *arguments):
            super().touch(*arguments)
            self.count_down()

        def whole(self, *arguments):
            super().whole(*arguments)
            self.count_down()

        def call(self, function, arguments, site):
            super().call(function, arguments, site)
            if getattr(function, "__name__", "") != "__exit__":
                self.count_down()
            return function

        def count_down(self):
            if self.count == self.at:
                self.at = -1
                raise Interruption

    class Manager:
        def __init__(self, log):
            self.log = log

        def __enter__(self):
            self.log.append("enter")
            return self

        def __exit__(self, *error):
            self.log.append("exit")

    act = load_rewritten(source)["act"]
    full = CountingDriver()
    with driven(full):
        act([], types.SimpleNamespace(rows=[1, 2], total=0, table={}), Manager)
    assert full.count > 60
    for at in range(1, full.count + 1):
        log = []
        driver = Interrupting(at)
        box = types.SimpleNamespace(rows=[1, 2], total=0, table={})
        with driven(driver), contextlib.suppress(Interruption):
            act(log, box, Manager)
        if driver.at == -1:
            left = [line for line in log if isinstance(line, str)]
            assert left.count("enter") == left.count("exit")
