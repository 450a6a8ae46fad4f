"""Calls that the lab makes itself of what the program handed over: an actor, a raw thread's function.

The program's own calls have a hook before them.  Without one here, C code (``[list.pop, list.pop]`` as actors) would
be called as if it touched nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from types import FunctionType, MethodType
from typing import TYPE_CHECKING, Any

from lab.functions import class_member
from lab.kinds import is_a
from lab.sites import Site

if TYPE_CHECKING:
    from lab.carriers.control import Control


def as_actor(control: Control, name: str, body: Callable[..., Any]) -> Callable[..., Any]:
    """``body``, or what calls it behind a hook if it is C code."""
    if is_python(body):
        return body
    code = _nowhere.__code__.replace(co_filename=f"<actor {name}>", co_name=name, co_qualname=name)
    site = Site(code, 0, "call", None, False, 1, True, True)

    def called(*arguments: Any) -> Any:
        return control.call(body, arguments, site)(*arguments)

    return called


def is_python(body: Any) -> bool:
    """Whether a call of ``body`` begins with Python code, which has hooks of its own."""
    if type(body) is MethodType:
        return is_python(body.__func__)
    return type(body) is FunctionType or is_a(class_member(type(body), "__call__"), FunctionType)


def _nowhere() -> None:
    """Stands for the line that calls an actor: there is none in the program."""
