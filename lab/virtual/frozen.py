"""Functions of `os` and `os.path` that are built into the interpreter, where no hook can be put before what they call.

So a copy of each is called in its place, of which the hooks take it for what it is: code of the standard library.
"""

from __future__ import annotations

import genericpath
import os
from collections.abc import Callable
from types import FunctionType
from typing import TYPE_CHECKING, Any

from lab.kinds import is_a

if TYPE_CHECKING:
    from lab.carriers.control import Control
    from lab.instrument import Site

# fmt: off
_NAMES = (
    (genericpath, ("getsize", "getmtime", "getatime", "getctime", "samefile", "sameopenfile")),
    (os.path, ("abspath", "realpath", "relpath", "ismount", "expanduser", "_joinrealpath", "_realpath")),
    (os, ("makedirs", "removedirs", "renames", "walk", "_walk", "fwalk", "_fwalk", "fdopen")),
)
# fmt: on
"""Module -> its functions that come to an operation of the system; not every interpreter has all of them."""


def _twin(real: FunctionType) -> Callable[..., Any]:
    code = real.__code__
    folder = os.path.dirname(os.__file__)
    file = os.path.join(folder, f"{code.co_filename.removeprefix('<frozen ').removesuffix('>')}.py")
    copy = FunctionType(
        code.replace(co_filename=file), real.__globals__, real.__name__, real.__defaults__, real.__closure__
    )
    copy.__kwdefaults__ = real.__kwdefaults__
    copy.__qualname__ = real.__qualname__

    def call(control: Control, _site: Site, /, *arguments: Any, **named: Any) -> Any:
        control.discovery.cover(copy)
        return copy(*arguments, **named)

    return call


FUNCTIONS: dict[Any, Callable[..., Any]] = {
    real: _twin(real)
    for module, names in _NAMES
    for name in names
    if is_a(real := getattr(module, name, None), FunctionType) and real.__code__.co_filename.startswith("<frozen")
}
