"""Instrumented code that also tells where a build with the global interpreter lock may switch threads.

Beside the calls before visible operations there is one at each switch point, so the path that an execution
really takes tells which it passes: branches, exceptions, loops, properties and callbacks need no analysis.
Only a witness that is being graded is run this way.
"""

from __future__ import annotations

import sys
from dis import get_instructions
from functools import lru_cache
from threading import get_ident
from types import CodeType, FunctionType
from typing import Any, Protocol

from bytecode import Instr

from lab.discovery import CodeCache, Discovery
from lab.hooks import DRIVERS, uncontrolled
from lab.instrument import Instrumented, Rewriter, Site
from lab.stack import call_shape
from lab.switch_points import instruction, switch_points

_driver = DRIVERS.get


class PointDriver(Protocol):
    """A driver that wants to know of switch points."""

    def polled(self, surely: bool, why: str) -> None:
        """The running actor has passed a switch point; not ``surely``: something that may be one, named by ``why``."""

    def called(self, frame: int, polls: bool) -> None:
        """The call has returned that was handed over last in the frame of that id; ``polls`` after C code."""

    def operands(self, values: tuple[object, ...]) -> None:
        """An instruction is about to work with ``values``, and may run code of their types."""


def _told(identity: int) -> PointDriver | None:
    """The driver of an OS thread if it wants to know; calls no library, whose functions may be instrumented."""
    driver: Any = _driver(identity)
    return driver if hasattr(driver, "polled") else None


def polled(surely: bool, why: str, _: Site) -> None:
    driver = _told(get_ident())
    if driver is not None:
        driver.polled(surely, why)


def jumped(name: str, value: object, _: Site) -> None:
    """Before a conditional jump that polls if it is taken."""
    driver = _told(get_ident())
    if driver is None:
        return
    if name.endswith("NONE"):
        taken = (value is None) != name.endswith("NOT_NONE")
    elif type(value) in (bool, int, str, list, dict, tuple, set, type(None)):
        taken = bool(value) == name.endswith("TRUE")
    else:  # to ask once more could run code
        driver.polled(False, "whether the loop went on is not known")
        return
    if taken:
        driver.polled(True, "")


def called(polls: bool, _: Site) -> None:
    driver = _told(get_ident())
    if driver is not None:
        driver.called(id(sys._getframe(1)), polls)


def operands(*values: object) -> None:
    driver = _told(get_ident())
    if driver is not None:
        driver.operands(values[:-1])


_OPERANDS = {
    **dict.fromkeys(("BINARY_OP", "COMPARE_OP", "CONTAINS_OP", "BINARY_SUBSCR", "DELETE_SUBSCR"), (1, 2)),
    **dict.fromkeys(("UNARY_NEGATIVE", "UNARY_INVERT", "UNARY_POSITIVE", "UNARY_NOT", "TO_BOOL"), (1,)),
    **dict.fromkeys(("GET_ITER", "FOR_ITER", "UNPACK_SEQUENCE", "UNPACK_EX", "LOAD_ATTR", "LOAD_METHOD"), (1,)),
    **dict.fromkeys(("STORE_ATTR", "DELETE_ATTR", "FORMAT_VALUE", "FORMAT_SIMPLE"), (1,)),
    **dict.fromkeys(("LIST_EXTEND", "SET_UPDATE", "DICT_UPDATE", "DICT_MERGE", "BEFORE_WITH"), (1,)),
    "STORE_SUBSCR": (1, 2),
    "BINARY_SLICE": (3,),
    "STORE_SLICE": (3,),
}
"""Instructions that run code of their operands' types, and where these stand."""


class PointRewriter(Rewriter):
    """Adds the calls at switch points; the other sites keep their numbers."""

    def rewrite_one(self, instr: Instr, held: list[Any]) -> None:
        """As `Rewriter`, and tell of the instruction where it is a switch point."""
        name: str = instr.name
        points = switch_points()
        if name in _OPERANDS:
            self.hook(operands, _OPERANDS[name], self._point())
        super().rewrite_one(instr, held)
        told = instruction(name, instr.arg)
        if told.startswith("CALL") and not told.startswith("CALL_INTRINSIC"):
            if call_shape(instr, self.stack) is None:
                self.hook(polled, (), self._point(), False, "what was called is not known")
            else:
                self.hook(called, (), self._point(), told in points.polling)
        elif name == "BEFORE_WITH":
            self.hook(called, (), self._point(), False)
        elif told in ("IMPORT_NAME", "WITH_EXCEPT_START"):
            self.hook(polled, (), self._point(), False, "an import or the end of a with may run anything")
        elif told not in points.polling:
            if told not in points.measured and "JUMP" not in told and told not in _LEFT_ALONE:
                self._before_last(instr, polled, (), False, f"{told} was not measured")
        elif "JUMP" in told and told not in ("JUMP_BACKWARD", "JUMP"):
            self._before_last(instr, jumped, (1,), told)
        elif told == "RESUME":
            self.hook(polled, (), self._point(), True, "")
        else:
            self._before_last(instr, polled, (), True, "")

    def _before_last(self, instr: Instr, hook: Any, depths: tuple[int, ...], *constant: object) -> None:
        """Put the call right before the instruction, behind those that belong to its visible operation."""
        if self.out[-1] is instr:
            self.out.pop()
            self.hook(hook, depths, self._point(), *constant)
            self.out.append(instr)

    def _point(self) -> Site:
        line = (self.location and self.location.lineno) or self.code.co_firstlineno
        return Site(self.code, -1, "switch point", None, False, line, False, True)


_LEFT_ALONE = ("PRECALL", "KW_NAMES", "CACHE", "EXTENDED_ARG", "SEND", "END_FOR", "END_SEND", "POP_ITER")


def point_out(
    code: CodeType, namespace: object, accesses: bool, stepped: bool, thorough: bool, ends: bool = False
) -> Instrumented:
    """As `lab.instrument.instrument`, with switch points."""
    return PointRewriter(code, namespace, accesses, stepped, thorough, ends).rewrite()


class PointDiscovery(Discovery):
    """A `Discovery` that swaps in code with switch points."""

    cache = CodeCache(point_out)


def polls_within(function: FunctionType) -> bool:
    """Whether a Python function has a switch point besides its beginning."""
    return _polls_within(function.__code__)


@lru_cache(maxsize=1024)
def _polls_within(code: CodeType) -> bool:
    with uncontrolled():
        points = switch_points().polling
        names = [instruction(one.opname, one.arg) for one in get_instructions(code) if one.opname != "RESUME"]
        return not points.isdisjoint(names)
