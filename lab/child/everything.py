"""Which code of an actor's process is instrumented there, and what of it the runner has ready beforehand."""

from __future__ import annotations

import gc
import sys
from collections.abc import Container, Iterable
from contextlib import suppress
from types import CodeType, FunctionType, ModuleType
from typing import Any

from lab.child.loops.harmless import without_traces
from lab.discovery import Discovery
from lab.functions import functions_of
from lab.loops import loops_of
from lab.origin import LAB, is_standard
from lab.starts import LEFT_ALONE

_STEPPED = frozenset(("multiprocessing", "shutil"))


class Everything(Discovery):
    """Instruments what is installed as it does the program's own code, and little of the standard library."""

    def __init__(self) -> None:
        super().__init__(libraries=True)
        self.met: dict[str, None] = {}  # which functions were instrumented, for `prepare_named`
        self._prepared: set[str] = set()

    def _policy(self, code: CodeType, variables: dict[str, Any]) -> bool | None:
        if code.co_filename.startswith(LEFT_ALONE) or without_traces(code, variables):
            return None
        name = str(variables.get("__name__", "")).partition(".")[0]
        return True if name in _STEPPED or not is_standard(code.co_filename) else None

    def _swap(self, function: FunctionType, code: CodeType, ends: bool = False) -> None:
        profile = sys.getprofile()
        sys.setprofile(None)  # who is told of each call in the rewriting makes it many times as slow
        try:
            super()._swap(function, code, ends)
        finally:
            sys.setprofile(profile)
        if function.__code__ is not code:
            self.met[name_in(function.__globals__, code)] = None

    def could_tell(self, code: CodeType, variables: dict[str, Any]) -> bool:
        """Whether the code would be instrumented."""
        return not code.co_filename.startswith(LAB) and self._policy(code, variables) is not None

    def prepare_named(self, names: Iterable[str]) -> None:
        """The same as `prepare`, of what processes have met: they have the functions of the runner."""
        wanted = set(names) - self._prepared
        self._prepared |= wanted
        if wanted:
            self.prepare(named(wanted))

    def prepare(self, functions: Iterable[Any]) -> None:
        """In the runner: do once what would else be done in each process that runs one of the functions."""
        for one in functions:
            for function in functions_of(one):
                code, namespace = function.__code__, self._namespace(function.__globals__)
                if self._policy(code, function.__globals__) and isinstance(namespace, ModuleType):
                    with suppress(Exception):  # of the reader of bytecode, which the process meets as well
                        loops_of(self.cache.get(code, namespace, True, True, True).code)

    @property
    def instrumented(self) -> Container[int]:
        """The ids of code that tells what it does."""
        return self._original_of


def named(names: set[str]) -> list[FunctionType]:
    """The functions that processes have told of, which the runner has as well."""
    ends = {name.partition(":")[2] for name in names}
    functions = [one for one in gc.get_objects() if type(one) is FunctionType]
    return [
        one for one in functions if _place_of(one.__code__) in ends and name_in(one.__globals__, one.__code__) in names
    ]


def name_in(variables: dict[str, Any], code: CodeType) -> str:
    """By what `named` finds a function of that code, with these globals."""
    name = str(variables.get("__name__", ""))  # a process that was not forked has the main module by another name
    return f"{'__main__' if name == '__mp_main__' else name}:{_place_of(code)}"


def _place_of(code: CodeType) -> str:
    return f"{code.co_qualname}:{code.co_firstlineno}"
