"""Where the running interpreter may switch from one OS thread to another: measured, not looked up.

A CPython with the global interpreter lock gives it away at two kinds of places: where C code blocks, and
at the instructions after which the interpreter asks whether anything is to be done besides running the
program ("polls the eval breaker", ``Python/ceval.c``): run a signal's handler, a pending call, or let another
thread go on.  Which instructions these are differs from version to version.  So a pending call is asked for
(``Py_AddPendingCall``) before each instruction of a small program; where it comes, the interpreter has polled.

An instruction has several forms, as it is specialised while it is run.  It counts as a switch point if any form
polls: a thread may come to it for the first time.
"""

from __future__ import annotations

import ctypes
import dis
import functools
import json
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from types import CodeType, FunctionType
from typing import Any

from bytecode import Bytecode, Instr

RESUMES_AFTER_DELEGATION = "RESUME of a delegating generator"
_RUNS = 3  # to be sure; the general form of an instruction runs first, and polls where any form does
_NEVER_ALONE = ("END_FOR", "END_SEND", "POP_ITER")  # nothing may stand before them, or right after
_SECONDS = 30.0  # for a child process to measure


@dataclass(frozen=True)
class SwitchPoints:
    """The instructions of this interpreter that poll, and all of which it is known whether they do."""

    polling: frozenset[str]
    measured: frozenset[str]
    problem: str = ""  # why nothing could be measured


def instruction(name: str, argument: Any) -> str:
    """The name under which an instruction is measured: a ``RESUME`` after ``yield from`` or ``await`` has its own."""
    delegated = name == "RESUME" and isinstance(argument, int) and argument & 3 >= 2
    return RESUMES_AFTER_DELEGATION if delegated else name


@functools.cache
def switch_points() -> SwitchPoints:
    """What was measured on this interpreter, once in a process.

    Pending calls come to the main thread only; another thread has a child process measure.
    """
    try:
        if threading.current_thread() is threading.main_thread():
            return _measure()
        found = json.loads(
            subprocess.run(
                [sys.executable, "-c", _CHILD, *sys.path],
                capture_output=True,
                text=True,
                check=True,
                timeout=_SECONDS,
            ).stdout
        )
        return SwitchPoints(frozenset(found[0]), frozenset(found[1]))
    except Exception as error:  # an interpreter of another make, or one without ctypes' functions
        return SwitchPoints(frozenset(), frozenset(), f"where it switches could not be measured ({type(error).__name__})")


_CHILD = (
    "import json, sys; sys.path[:] = sys.argv[1:]\n"
    "from lab.switch_points import switch_points\n"
    "found = switch_points(); print(json.dumps([sorted(found.polling), sorted(found.measured)]))"
)


def _measure() -> SwitchPoints:
    add = ctypes.pythonapi["Py_AddPendingCall"]  # a function object of its own: its types are set here
    kind = ctypes.PYFUNCTYPE(ctypes.c_int, ctypes.c_void_p)
    add.argtypes = [kind, ctypes.c_void_p, ctypes.py_object]
    codes: dict[CodeType, dict[int, str]] = {}
    names: list[str] = []
    polling: set[str] = set()
    measured: set[str] = set()

    def called(number: int | None) -> int:
        frame = sys._getframe(1)
        offsets = codes.get(frame.f_code)
        if offsets is not None and number is not None:
            measured.add(names[number])
            polling.add(offsets[frame.f_lasti])
        return 0

    pending = kind(called)

    def arming(name: str) -> object:
        """An object whose attribute ``arm`` asks for a pending call, in C code that does not poll itself."""
        names.append(name)
        ask = functools.partial(add, pending, len(names) - 1)
        return type("Arming", (), {"arm": property(ask)})()

    programs = [_armed(function, arming, codes, measured) for function in _PROGRAMS]
    for _ in range(_RUNS):
        for program in programs:
            program()
    len("")  # nothing may be left pending
    if "RESUME" not in polling:
        raise NotImplementedError("pending calls do not come")
    return SwitchPoints(frozenset(polling), frozenset(measured))


def _armed(
    function: Any, arming: Callable[[str], object], codes: dict[CodeType, dict[int, str]], measured: set[str]
) -> Callable[[], object]:
    """``function`` with a pending call asked for before each instruction of its code and the code within."""
    armed = _armed_code(function.__code__, arming, codes, measured)
    return FunctionType(armed, function.__globals__)


def _armed_code(
    code: CodeType, arming: Callable[[str], object], codes: dict[CodeType, dict[int, str]], measured: set[str]
) -> CodeType:
    source = Bytecode.from_code(code, conserve_exception_block_stackdepth=True)
    out: list[Any] = []
    before = ""
    for instr in source:
        if isinstance(instr, Instr):
            if isinstance(instr.arg, CodeType):
                inner = _armed_code(instr.arg, arming, codes, measured)
                instr = Instr(instr.name, inner, location=instr.location)
            if instr.name in _NEVER_ALONE:
                measured.add(instr.name)  # if it polled, a call asked for before would come there
            elif before not in ("KW_NAMES", "PRECALL", *_NEVER_ALONE):
                out += _arm(arming(instruction(instr.name, instr.arg)))
            before = instr.name
        out.append(instr)
    source[:] = out
    armed = source.to_code(
        stacksize=code.co_stacksize + 2, check_pre_and_post=False, compute_exception_stack_depths=False
    )
    codes[armed] = {one.offset: instruction(one.opname, one.arg) for one in dis.get_instructions(armed)}
    return armed


def _arm(arming: object) -> Iterator[Instr]:
    yield Instr("LOAD_CONST", arming)
    yield Instr("LOAD_ATTR", "arm" if sys.version_info < (3, 12) else (False, "arm"))
    yield Instr("POP_TOP")


# ------------------------------------------------------------------ what is run to measure


class _Plain:
    item = 1

    def __enter__(self) -> _Plain:
        return self

    def __exit__(self, *_: object) -> None:
        pass


_lock = threading.Lock()
_state = 0


def _function(*arguments: Any, **named: Any) -> Any:
    return arguments or named


def _accesses() -> None:
    global _state  # noqa: PLW0603 - measured, too
    thing: Any = _Plain()
    thing.item = 1
    thing.item += 1
    len("")
    del thing.item
    _state = thing.item
    _state += 1
    one = two = _state
    one, two = two, one
    len("")
    known = {"a": 1}
    known["b"] = known["a"]
    del known["a"]
    len("")
    found = "a" in known and "b" not in known
    found = known is None or known is not None
    len("")
    items: Any = [1, 2, 3]
    first, *rest = items
    first, second, third = items
    len("")
    part = items[0:2]
    items[0:2] = part
    len("")
    text = f"{first!r:>4} {rest} {second}"
    first = -third + second * 2
    len("")
    flag = not found
    flag = first < second
    if flag:
        first = ~first
    len("")
    spread = [*items, 4], {*items}, {**known}, (*items,)
    del text, spread
    len("")


def _calls() -> None:
    thing: Any = _Plain()
    _function(1)
    _function(key=1)
    _function(*[1], **{"key": 2})
    dict(a=1)
    dict(*[], **{"key": 2})
    len("")
    isinstance(thing, _Plain)
    [].append(1)
    {}.get("a", 1)
    str(1)
    type(thing)
    thing.__enter__()
    with _lock:
        pass
    with thing:
        pass
    import sys as _

    from sys import path as _

    len("")


def _loops() -> None:
    total = 3
    for number in range(3):
        total += number
    while total:
        total -= 1
    while True:
        total += 1
        if total > 2:
            break
    turns = iter((None, None, 1, 1, 1, None, 0, 0, 1))  # every conditional jump is taken and not taken
    while next(turns) is None:
        len("")
    while next(turns) is not None:
        len("")
    while not next(turns):
        len("")
    [one for one in (1, 2)]
    {one: one for one in (1, 2)}
    {one for one in (1, 2)}
    for _ in {}:
        pass


def _generators() -> None:
    def inner() -> Iterator[int]:
        yield 1
        yield 2

    def outer() -> Iterator[int]:
        yield from inner()

    for _ in inner():
        pass
    for _ in outer():
        pass
    sum(one for one in inner())


def _closures() -> None:
    cell = 1

    def inner() -> int:
        nonlocal cell
        cell += 1
        return cell

    inner()
    cell += 1
    (lambda: cell)()

    class _Local(_Plain):
        value = cell

        def __enter__(self) -> _Plain:
            return super().__enter__()

    _Local().__enter__()


def _errors() -> None:
    try:
        {}["a"]
    except KeyError as error:
        known = error
        del known
    len("")
    try:
        len("")
    finally:
        len("")
    try:
        raise ValueError
    except (KeyError, ValueError):
        len("")
    try:
        with _lock:
            raise ValueError
    except ValueError:
        len("")
    try:
        assert {}
    except AssertionError:
        len("")
    try:
        try:
            raise ValueError
        finally:
            len("")
    except ValueError:
        len("")


def _patterns() -> None:
    subject: Any = [1, {"a": 2}]
    match subject:
        case [int(), {"a": second}]:
            len(str(second))
    match 3:
        case 4 | 5:
            pass
        case _:
            pass


_PROGRAMS = (_accesses, _calls, _loops, _generators, _closures, _errors, _patterns)
