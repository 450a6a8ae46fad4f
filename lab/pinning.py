"""How another process can get hold of the program of a witness: by importing its parts."""

from __future__ import annotations

import ast
import os
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from lab.program import Program


def parts_of(program: Program, trace: Sequence[str], steps: int) -> dict[str, Any]:
    """What `lab.explore` was called with, as JSON.

    A function is "module:name" where it can be imported, and else what stands in the way, in angle
    brackets; outcomes are their repr where that can be read back, else empty.
    """
    return {
        "setup": reference(program.setup),
        "actors": [[name, reference(actor)] for name, actor in program.actors],
        **{
            name: reference(function)
            for name in ("check", "outcome", "teardown")
            if (function := getattr(program, name)) is not None
        },
        **{
            name: literal(outcomes)
            for name in ("allowed", "forbidden")
            if (outcomes := getattr(program, name)) is not None and outcomes != ()
        },
        "trace": list(trace),
        "steps": steps,
    }


def reference(function: Any) -> str:
    """ "module:name", or "<why it cannot be imported>"."""
    module, name = getattr(function, "__module__", None), getattr(function, "__qualname__", None)
    if not isinstance(module, str) or not isinstance(name, str):
        return f"<{type(function).__name__} object>"
    if name.endswith("<lambda>"):
        return f"<lambda{_line(function)}>"
    if "<locals>" in name:
        return f"<{name.rpartition('.')[2]}, defined inside of {name.split('.')[0]}(){_line(function)}>"
    found: Any = sys.modules.get(module)
    for part in name.split("."):
        found = getattr(found, part, None)
    if module == "__main__" or found is not function:
        return f"<{name} of {module}>"
    return f"{module}:{name}"


def _line(function: Any) -> str:
    code = getattr(function, "__code__", None)
    return f" at {os.path.basename(code.co_filename)}:{code.co_firstlineno}" if code is not None else ""


def literal(outcomes: Any) -> str:
    """The outcomes as Python text, empty where they are no plain values."""
    plain = dict(outcomes) if isinstance(outcomes, Mapping) else outcomes
    try:
        text = repr(sorted(plain)) if isinstance(plain, set | frozenset) else repr(plain)
    except TypeError:
        text = repr(list(plain))
    try:
        ast.literal_eval(text)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return ""
    return text
