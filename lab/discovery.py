"""Find the code that a run executes, swap in its instrumented form, and put everything back.

Code reaches the lab in two ways: a hooked call hands over its callee before it
runs, and the interpreter reports the start of every other function (a property,
a dunder method, a callback from C).  A function reported this way has already
started uninstrumented, so the execution is done again.
"""

from __future__ import annotations

import inspect
import sys
import weakref
from collections.abc import Callable
from threading import get_ident
from types import CodeType, FrameType, FunctionType, ModuleType
from typing import Any

from lab import hooks
from lab.functions import class_member, functions_named, functions_of, functions_with
from lab.instrument import Instrumented, instrument
from lab.kinds import is_a
from lab.origin import is_library, is_unguarded, shown
from lab.starts import LEFT_ALONE, Starts


class CodeCache:
    """Instrumented code by original code; rewriting costs about 2 ms a function.

    Code is compared by value, so that a function made anew in every execution (by
    ``exec``, say) has the same sites each time.
    """

    def __init__(self, make: Callable[..., Instrumented] = instrument) -> None:
        self.make = make
        self._known: dict[tuple[CodeType, str, object, bool, bool, bool, bool], Instrumented] = {}

    def get(
        self, code: CodeType, namespace: object, accesses: bool, stepped: bool, thorough: bool, ends: bool = False
    ) -> Instrumented:
        key = (code, code.co_filename, namespace, accesses, stepped, thorough, ends)
        found = self._known.get(key)
        if found is None:
            more = {"ends": True} if ends else {}
            found = self._known[key] = self.make(code, namespace, accesses, stepped, thorough, **more)
        return found


CACHE = CodeCache()
_PATIENCE = 10  # executions in a row in which no function of a code object could be found
_MODELLED: tuple[str, ...] = ("threading", "queue", "concurrent", "_weakrefset")
"""Libraries of what is controlled: what their code shares, it guards itself."""


def is_modelled(thing: Any) -> bool:
    """Whether a function or class belongs to a library that is controlled, but whose accesses are not watched."""
    return is_modelled_name(getattr(thing, "__module__", None))


def is_modelled_name(module: object) -> bool:
    """The same for the name of a module."""
    return str(module).partition(".")[0] in _MODELLED


class _Namespace:
    """Stands for the globals of code that belongs to no imported module."""

    def __init__(self, variables: dict[str, Any]) -> None:
        self.__dict__ = variables


class Discovery(Starts):
    """The functions whose code is swapped during one exploration.

    With ``libraries`` the accesses of library code are reported too, though it is not
    stepped, and so is arithmetic.  Use as a context manager: on leaving, every function has its own code again.
    """

    cache = CACHE

    def __init__(self, trace: tuple[str, ...] = (), libraries: bool = False) -> None:
        super().__init__()
        self._trace, self._libraries = trace, libraries
        self.modelled, self.left_alone = _MODELLED, frozenset[str]()  # the second: modules with nothing to control
        self._swapped: dict[int, tuple[weakref.ref[FunctionType], CodeType, CodeType]] = {}
        self._made: set[weakref.ref[FunctionType]] = set()
        self._original_of: dict[int, CodeType] = {}  # id of instrumented code -> what it was
        self._ending: dict[int, weakref.ref[CodeType]] = {}  # code objects that tell of their end, or cannot
        self._settled: dict[int, weakref.ref[CodeType]] = {}  # code objects that need nothing more, by id
        self._replaced: dict[int, weakref.ref[CodeType]] = {}  # code objects whose functions have another now
        self._searched: dict[int, weakref.ref[CodeType]] = {}
        self._in_vain: dict[int, int] = {}  # id of replaced code -> how often nobody was found who still had it
        self._temporary = CodeCache(self.cache.make)  # for code that belongs to no module; ends with the exploration
        self.found: dict[int, tuple[CodeType, dict[str, Any]]] = {}
        self._namespaces: dict[int, _Namespace] = {}  # by the id of the globals, which they keep alive
        self.uncontrolled: dict[str, None] = {}

    def __enter__(self) -> Discovery:
        self.take_tool()
        return self

    def __exit__(self, *_: object) -> None:
        self.free_tool()
        for swapped, original, instrumented in list(self._swapped.values()):
            function = swapped()
            if function is not None and function.__code__ is instrumented:
                function.__code__ = original
        for reference in list(self._made):
            made = reference()
            if made is not None and id(made.__code__) in self._original_of:
                made.__code__ = self._original_of[id(made.__code__)]

    # ------------------------------------------------------------ from calls

    def cover(self, callee: object) -> None:
        """Instrument what a call of ``callee`` will run, as far as that can be told from it."""
        for function in functions_of(callee):
            code = function.__code__
            if id(code) not in self._settled:
                self._swap(function, code)

    def cover_manager(self, kind: type) -> None:
        """Instrument what a ``with`` runs: were its start only noticed, a thread that it starts would be a real one."""
        for name in ("__enter__", "__exit__"):
            member = class_member(kind, name)
            if is_a(member, FunctionType):
                self.cover(member)

    def cover_end(self, function: FunctionType) -> None:
        """Instrument ``function`` so that its driver is told when it returns."""
        code = function.__code__
        if id(code) not in self._ending:
            original = self._original_of.get(id(code), code)
            self._swap(function, original, ends=True)
            _hold(self._ending, function.__code__)

    def functions(self) -> set[tuple[str, str]]:
        """The functions whose code has been instrumented so far: file and qualified name."""
        return {(code.co_filename, code.co_qualname) for code in self._original_of.values()}

    def function_made(self, function: Any) -> None:
        """Remember a function made by instrumented code, to restore it too."""
        self._made.add(weakref.ref(function, self._made.discard))

    def handed_over(self, function: Any, operation: Any) -> None:
        """C code got hold of a controlled operation and may call it out of control."""
        given = getattr(operation, "__qualname__", repr(operation))
        self.uncontrolled[f"{given} was handed to {function.__qualname__}, which may call it"] = None

    def outside(self, code: CodeType, line: int) -> None:
        """Somebody outside the program was waited for."""
        self.escaped(code, "waits for files of others", line)

    def _swap(self, function: FunctionType, code: CodeType, ends: bool = False) -> None:
        stepped = self._policy(code, function.__globals__)
        if stepped is None:
            self._settle(code)
            return
        name = str(function.__globals__.get("__name__", ""))
        accesses = stepped or (self._libraries and name.partition(".")[0] not in self.modelled)
        try:
            with hooks.uncontrolled(), self.unwatched():  # the rewriting is no part of the program's execution
                namespace = self._namespace(function.__globals__)
                cache = self.cache if isinstance(namespace, ModuleType) else self._temporary
                result = cache.get(code, namespace, accesses, stepped, self._libraries and stepped, ends)
        except Exception as error:  # the reader of bytecode may meet code it does not know
            self._settle(code)
            if stepped or self._libraries:
                self.escaped(code, f"could not be instrumented ({type(error).__name__}: {error})")
            return
        self._register(result)
        _hold(self._replaced, code)
        function.__code__ = result.code
        key = id(function)
        swapped = weakref.ref(function, lambda _: self._swapped.pop(key, None))
        self._swapped[key] = (swapped, code, result.code)

    def _register(self, result: Instrumented) -> None:
        self._settle(result.code)
        self._original_of[id(result.code)] = result.original
        for inner in result.nested:
            _hold(self._replaced, inner.original)
            self._register(inner)

    def _settle(self, code: CodeType) -> None:
        _hold(self._settled, code)

    def _policy(self, code: CodeType, variables: dict[str, Any]) -> bool | None:
        """True: step inside. False: control its locks and threads only. None: leave alone."""
        filename = code.co_filename
        if is_unguarded(code):
            return True
        name = str(variables.get("__name__", ""))
        if name in self.left_alone or filename.startswith(LEFT_ALONE) or name.partition(".")[0] == "lab":
            return None
        if any(name == traced or name.startswith(traced + ".") for traced in self._trace):
            return True
        if filename.startswith("<"):  # made by exec, as the methods of a dataclass are: its module tells
            filename = getattr(sys.modules.get(name), "__file__", None) or filename
        return not is_library(filename)

    def _namespace(self, variables: dict[str, Any]) -> object:
        module = sys.modules.get(str(variables.get("__name__")))
        if module is not None and getattr(module, "__dict__", None) is variables:
            return module
        return self._namespaces.setdefault(id(variables), _Namespace(variables))

    # ------------------------------------------------------------ from the interpreter

    def take_found(self) -> bool:
        """Instrument the functions that started uninstrumented; true if there were any."""
        if not self.keep_tool():
            self.uncontrolled["the program took the sys.monitoring tool away by which the lab learns what runs"] = None
        if not self.found:
            return False
        found, self.found = list(self.found.values()), {}
        progress = False
        to_search: list[tuple[CodeType, bool]] = []
        for code, variables in found:
            replaced = id(code) in self._replaced
            functions = [] if replaced else [f for f in functions_named(code, variables) if f.__code__ is code]
            if functions and id(code) not in self._searched:
                _hold(self._searched, code)
                for function in functions:
                    self._swap(function, code)
                progress = True
            else:
                to_search.append((code, replaced))
        functions_of = functions_with([code for code, _ in to_search])
        for code, replaced in to_search:
            functions = functions_of.get(id(code), [])
            for function in functions:
                self._swap(function, code)
            if functions:
                progress = True
            elif replaced:
                progress |= self._searched_in_vain(code)
            else:
                self._settle(code)
                self.escaped(code, "runs outside any function, so it could not be instrumented")
        self.again()
        return progress

    def _searched_in_vain(self, code: CodeType) -> bool:
        """No function has a code object that was replaced in others; false if that has been so for long.

        Closures share their code, so some may be met later than others.  Where there are none, whatever
        made a new one did so uninstrumented, and has itself been found by now.
        """
        self._in_vain[id(code)] = self._in_vain.get(id(code), 0) + 1
        if self._in_vain[id(code)] < _PATIENCE:
            return True
        self._settle(code)
        self.escaped(code, "is made by code out of control, so it could not be instrumented")
        return False

    def is_settled(self, code: CodeType) -> bool:
        """See `Starts.is_settled`."""
        return id(code) in self._settled

    def note(self, code: CodeType, frame: FrameType) -> None:
        """See `Starts.note`; what is known is none of it, nor what is no part of an execution."""
        if id(code) in self._settled or id(code) in self.found or get_ident() not in hooks.DRIVERS:
            return
        stepped = self._policy(code, frame.f_globals)
        if stepped is None or not code.co_flags & inspect.CO_NEWLOCALS:
            self._settle(code)
            if stepped:
                self.escaped(code, "is no function, so it could not be instrumented")
            return
        self.found[id(code)] = (code, frame.f_globals)

    def escaped(self, code: CodeType, why: str, line: int | None = None) -> None:
        """Put down what was not controlled."""
        where = f"{shown(code.co_filename)}:{line or code.co_firstlineno}"
        self.uncontrolled[f"{code.co_qualname} ({where}) {why}"] = None


def _hold(codes: dict[int, weakref.ref[CodeType]], code: CodeType) -> None:
    """Enter a code object by id, for as long as it lives and the id is its own."""
    key = id(code)
    codes[key] = weakref.ref(code, lambda _: codes.pop(key, None))
