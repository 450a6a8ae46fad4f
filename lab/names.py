"""Names in code objects, as the rewriter has to see them."""

from __future__ import annotations

import builtins
from types import CodeType, ModuleType
from typing import Any

from lab.hooks import ABSENT
from lab.kinds import is_a

LOCAL_MARK = " (local)"
"""Behind the name of a local variable that would be taken for a free one."""


def told_apart(code: CodeType) -> CodeType:
    """``code`` with no local variable named like a free one.

    A comprehension run in its function (PEP 709) can have such a variable, and
    `bytecode` would take one for the other.
    """
    both = set(code.co_freevars).intersection(code.co_varnames + code.co_cellvars)
    if not both:
        return code
    return code.replace(
        co_varnames=tuple(name + LOCAL_MARK if name in both else name for name in code.co_varnames),
        co_cellvars=tuple(name + LOCAL_MARK if name in both else name for name in code.co_cellvars),
    )


def plain_name(argument: Any) -> str:
    """The name in an instruction's argument, which may stand behind flags."""
    return str(argument[-1]) if is_a(argument, tuple) else str(argument)


def is_settled(namespace: object, name: str) -> bool:
    """True for a builtin or an imported module: names that programs do not rebind while they run."""
    value = vars(namespace).get(name, ABSENT)
    if value is ABSENT:
        return name in vars(builtins)
    return is_a(value, ModuleType)
