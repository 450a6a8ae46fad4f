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

from lab.exercises import PROGRAMS

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
        problem = f"where this interpreter switches could not be measured ({type(error).__name__})"
        return SwitchPoints(frozenset(), frozenset(), problem)


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

    programs = [_armed(function, arming, codes, measured) for function in PROGRAMS]
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
