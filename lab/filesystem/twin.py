"""What stands in the place of an operation."""

from __future__ import annotations

import importlib
import pickle
import sys
from collections.abc import Callable
from typing import Any


class Twin:
    """Called in place of an operation; unlike a function it becomes no method where it is the attribute of a class."""

    __slots__ = ("__wrapped__", "_call")

    def __init__(self, real: Any, call: Callable[..., Any]) -> None:
        self.__wrapped__ = real
        self._call = call

    def __call__(self, *arguments: Any, **named: Any) -> Any:
        return self._call(*arguments, **named)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.__wrapped__, name)

    def __repr__(self) -> str:
        return repr(self.__wrapped__)

    def __reduce__(self) -> Any:
        """By its name, as functions are: whoever reads the pickle has there what is in place by then."""
        real = self.__wrapped__
        module = real.__module__ or type(getattr(real, "__self__", None)).__module__
        if getattr(sys.modules.get(module), real.__name__, None) not in (real, self):
            raise pickle.PicklingError(f"Can't pickle {real!r}")
        return _named, (_PUBLIC.get(module, module), real.__name__)


_PUBLIC = {
    "posix": "os",
    "nt": "os",
    "_io": "io",
    "genericpath": "os.path",
    "posixpath": "os.path",
    "ntpath": "os.path",
}
"""Modules that are left as they are, or that programs know by another name."""


def _named(module: str, name: str) -> Any:
    return getattr(importlib.import_module(module), name)
