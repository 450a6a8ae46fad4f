"""Notices what a proof cannot cover: what the hooks do not see, or see too late."""

from __future__ import annotations

import functools
import itertools
import operator
from collections import OrderedDict, defaultdict, deque
from itertools import islice
from types import (
    BuiltinFunctionType,
    FrameType,
    FunctionType,
    GeneratorType,
    MethodDescriptorType,
    MethodType,
    ModuleType,
    SimpleNamespace,
    WrapperDescriptorType,
)
from typing import TYPE_CHECKING, Any

from lab.alive import Alive
from lab.carriers.addresses import call_shows_address, shows_address
from lab.carriers.hidden import hidden_access, hidden_call, hidden_memory, is_noted, variables_of
from lab.carriers.order import call_goes_by_hash, goes_by_hash
from lab.hooks import ABSENT, Accesses
from lab.instrument import Site
from lab.kinds import attribute, is_a, name_of_type
from lab.operations import CACHED, CONTENTS, SYNC, is_container, reads_arguments
from lab.origin import frame_of_program, shown
from lab.outside import function_leaves_memory, has_hidden_state, method_leaves_memory, runs_unseen
from lab.virtual.caches import end_of, hidden_in_cache
from lab.virtual.callers import C_OPERATIONS, calls_arguments, calls_at_once

if TYPE_CHECKING:
    from lab.carriers.control import Control as _Base
else:
    _Base = object

_DEEP = "reads what is inside of a container's items in one step"
_NAMESPACE = "has the attributes of a SimpleNamespace read in one step"
_SHOWING = (repr, ascii, format, print)
_DEEP_KINDS = ("compare", "in", "format", "operator")
_DEEP_METHODS = frozenset(
    ("__eq__", "__ne__", "__lt__", "__le__", "__gt__", "__ge__", "__contains__", "__repr__", "__str__", "__format__")
    + ("count", "index", "remove", "sort", "format", "encode")
)
_SHALLOW = frozenset((len, isinstance, issubclass, id, iter, next, callable, hash, getattr, setattr, hasattr, delattr))
_BUILTIN = (list, dict, set, deque, OrderedDict, defaultdict)
_KEEPING_METHODS = frozenset(
    ("append", "appendleft", "insert", "add", "discard", "remove", "setdefault", "__setitem__", "get", "pop", "index")
)
"""Methods of the builtin containers that take functions as they take anything, and call none."""
_C_CODE = C_OPERATIONS | {WrapperDescriptorType}
_OVER_ITEMS: tuple[Any, ...] = (
    *(itertools.accumulate, itertools.compress, itertools.dropwhile, itertools.filterfalse, itertools.groupby),
    *(itertools.starmap, itertools.takewhile),
)
_ON_ATTRIBUTES = (getattr, setattr, delattr, hasattr)
_FREE = "which is not under control"


class Doubting(_Base):
    """Put before a carrier: the same, and what stands against a proof in ``doubts``."""

    _interrupted: FrameType | None = None  # the code whose container operation was the last step, until it calls

    def _clear(self) -> None:
        super()._clear()
        self._met: dict[int, int] = {}  # objects whose attributes have been touched -> the dictionaries behind them
        self._variables: dict[int, int] = {}  # the same, the other way round
        self._alive = Alive(functools.partial(_forget, self._met, self._variables))

    def execute(self, *arguments: Any, **named: Any) -> Any:
        """See `Control.execute`; keeps nothing of the program that could end in the middle of the next execution."""
        try:
            return super().execute(*arguments, **named)
        finally:
            self._interrupted = None
            self._alive.clear()

    def touch(
        self, owner: object, key: object, write: bool, site: Site, value: object = ABSENT, more: Accesses = ()
    ) -> None:
        """Before an access."""
        if self.quiet:
            super().touch(owner, key, write, site, value, more)
            return
        hidden = hidden_access(owner, key, write, site) or self._two_ways(owner, key, site)
        if hidden:
            self._doubt(hidden, site)
        of_container = key is CONTENTS and site in self.hot
        frame = frame_of_program() if of_container or self._interrupted is not None else None
        self._look_for_callback(frame, site)
        super().touch(owner, key, write, site, value, more)
        # a generator is all Python: nothing of the operation is left when its code has begun
        self._interrupted = frame if of_container and type(owner) is not GeneratorType else None

    def _two_ways(self, owner: object, key: object, site: Site) -> str:
        """Why the attributes of an object may be those of another one, or the items of a dictionary."""
        identity = id(owner)
        if key is CONTENTS:
            known = is_a(owner, dict) and identity in self._variables
            return "uses a dictionary that holds the attributes of an object" if known else ""
        if identity not in self._met and key != SYNC:
            self._alive.meet(owner)
            variables = variables_of(owner)
            self._met[identity] = id(variables)
            if variables is not None:
                if self._variables.setdefault(id(variables), identity) != identity:
                    return "uses an object that has its attributes in common with another one"
                if (id(variables), CONTENTS) in self.touched:
                    return "uses an object whose attributes are the items of a dictionary"
        return ""

    def whole(
        self, container: object, write: bool, site: Site, detail: object = ABSENT, also: tuple[object, ...] = ()
    ) -> None:
        """Before an operation on a container."""
        in_call = site.kind == "call" and detail is not ABSENT  # which `call` has seen
        if not in_call and not self.unwinding and (site.stepped or not self.quiet):
            by_hash = goes_by_hash(site.kind, (container, *also))
            if by_hash:
                self._doubt(by_hash, site)
        if not self.quiet and site.kind == "format" and site.stepped:
            shown = shows_address((container, *also))
            if shown:
                self._doubt(shown, site)
        if not self.quiet and site.kind in _DEEP_KINDS:
            if any(_is_nested(one) for one in (container, *also)):
                self._doubt(_DEEP, site)
            if _read_by_c(site.kind, (container, *also)):
                self._doubt(_NAMESPACE, site)
        if not self.quiet and type(container) is memoryview:
            hidden = hidden_memory(container, CONTENTS)
            if hidden:
                self._doubt(hidden, site)
        super().whole(container, write, site, detail, also)

    def call(self, function: Any, arguments: tuple[Any, ...], site: Site) -> Any:
        """Before a call."""
        if site.watched and not self.unwinding and (site.stepped or not self.quiet):
            by_hash = call_goes_by_hash(function, arguments, site)
            if by_hash:
                self._doubt(by_hash, site)
        if self.quiet:
            return super().call(function, arguments, site)
        if self._interrupted is not None:
            self._look_for_callback(frame_of_program(), site)
            self._interrupted = None
        if site.stepped:
            shown = call_shows_address(function, arguments)
            if shown:
                self._doubt(shown, site)
        given = super().call(function, arguments, site)
        noted = site if site.watched else _given(function, site)
        if given is function and noted is not None:
            hidden = hidden_call(function, arguments, noted)
            if hidden:
                self._doubt(hidden, noted)
            self._examine(function, arguments, noted)
        elif given is not function and (kind := type(function)) in (CACHED, MethodType):
            self._examine_cached(function, arguments if kind is CACHED else (function.__self__, *arguments), site)
        return given

    def _examine_cached(self, function: Any, keys: tuple[Any, ...], site: Site) -> None:
        cache: Any = function if type(function) is CACHED else function.__func__
        if type(cache) is CACHED:
            hidden = hidden_in_cache(cache, keys)
            if hidden:
                self._doubt(hidden, site)
            if end_of(cache.__wrapped__) is None:
                self._examine(cache.__wrapped__, keys, site)

    def _look_for_callback(self, frame: FrameType | None, site: Site) -> None:
        """Code that C code calls in the middle of an operation makes several steps of it."""
        if self._interrupted is not None and frame is not None and frame.f_back is self._interrupted:
            self._doubt("is called in the middle of an operation on what others touch", site)

    def _examine(self, function: Any, arguments: tuple[Any, ...], site: Site) -> None:
        kind = type(function)
        if kind is FunctionType or kind is MethodType:
            if runs_unseen(getattr(function, "__func__", function)):
                self._doubt(f"calls {function.__module__}.{function.__qualname__}, {_FREE}", site)
            return
        if kind is functools.partial:
            self._examine(function.func, (*function.args, *function.keywords.values(), *arguments), site)
        elif kind is CACHED:
            self._doubt("calls a cached function of a library, which depends on who came first", site)
        elif is_a(function, type):
            if _runs_c_code(function) and _any_missed(function, arguments):
                self._doubt(f"has {function.__qualname__} call C code on what others may touch", site)
            elif _looks_inside(function, arguments):
                self._doubt(_DEEP, site)
            elif function is str and any(_has_namespace(argument) for argument in arguments):
                self._doubt(_NAMESPACE, site)
        elif kind is MethodDescriptorType or kind is WrapperDescriptorType:
            if arguments:
                self._examine_method(function, arguments[0], arguments[1:], site)
        elif attribute(function, "__name__") and hasattr(kind, "__self__"):
            owner = function.__self__
            if owner is None or type(owner) is ModuleType:
                if function is id and site.stepped:
                    self._doubt("asks for an id, and objects lay at the same places in every execution", site)
                elif function_leaves_memory(function):
                    self._doubt(f"calls {function.__module__}.{function.__qualname__}, {_FREE}", site)
                elif _any_missed(function, arguments):
                    self._doubt(f"has {function.__qualname__} call C code on what others may touch", site)
                elif not _is_shallow(function) and any(_is_nested(argument) for argument in arguments):
                    self._doubt(_DEEP, site)
                elif function in _SHOWING and any(_has_namespace(argument) for argument in arguments):
                    self._doubt(_NAMESPACE, site)
            else:
                self._examine_method(function, owner, arguments, site)
        elif not any(is_a(member, FunctionType) for member in _callers(kind)):
            self._doubt(f"calls {kind.__module__}.{kind.__qualname__}, of which nothing is known", site)

    def _examine_method(self, function: Any, owner: object, arguments: tuple[Any, ...], site: Site) -> None:
        name = function.__name__
        kind: Any = owner if is_a(owner, type) else type(owner)
        if method_leaves_memory(kind, name):
            self._doubt(f"calls {kind.__module__}.{kind.__qualname__}.{name}, {_FREE}", site)
        elif not is_container(kind) and has_hidden_state(kind, name):
            self._doubt(f"calls {kind.__qualname__}.{name}, of which it is not known what it changes", site)
        elif _method_looks_inside(name, owner, arguments):
            self._doubt(_DEEP, site)
        elif name in _DEEP_METHODS and _has_namespace((owner, *arguments)):
            self._doubt(_NAMESPACE, site)
        elif name in _KEEPING_METHODS and kind in _BUILTIN:
            pass
        elif _any_missed(function, arguments):
            self._doubt(f"has {kind.__qualname__}.{name} call C code on what others may touch", site)
        elif is_container(kind) and any(is_a(argument, FunctionType | MethodType) for argument in arguments):
            self._doubt(f"has {kind.__qualname__}.{name} call back in the middle", site)

    def _doubt(self, what: str, site: Site) -> None:
        self.doubts[f"{site.code.co_qualname} ({shown(site.code.co_filename)}:{site.line}) {what}"] = None


def _forget(met: dict[int, int], variables: dict[int, int], identity: int) -> None:
    """An object is no more, and another one may come in its place; of the same execution or of one that has ended."""
    behind = met.pop(identity, None)
    if behind is not None and variables.get(behind) == identity:
        del variables[behind]


def _given(function: Any, site: Site) -> Site | None:
    """See `Site.of_given`: for C code; what Python code does it shows itself."""
    kind = type(function)
    if kind is functools.partial:
        return site.of_given("")
    if is_a(function, type):
        return site.of_given(name_of_type(function))
    return site.of_given(function.__name__) if kind in _C_CODE else None


def _is_nested(thing: object, depth: int = 3) -> bool:
    """Whether a container, or a tuple, holds another container."""
    if is_a(thing, dict):
        inner: Any = thing.values()
    elif is_a(thing, list | tuple | set | frozenset | deque):
        inner = thing
    else:
        return False
    for one in islice(inner, 100):
        if (is_container(type(one)) and not is_a(one, str)) or (depth and _is_nested(one, depth - 1)):
            return True
    return False


def _is_on_attributes(argument: object) -> bool:
    return any(argument is one for one in _ON_ATTRIBUTES)


def _looks_inside(kind: type, arguments: tuple[Any, ...]) -> bool:
    """Whether C code that makes an object of a class reads what is inside of the items that it is given."""
    if kind is str or kind in _OVER_ITEMS:
        return any(map(_is_nested, arguments))
    if kind is map or kind is filter:
        function, *things = arguments if arguments else (None,)
        return not is_a(function, FunctionType | MethodType) and any(map(_is_nested, things))
    return issubclass(kind, dict) and any(map(_has_changing_pairs, arguments))


def _method_looks_inside(name: str, owner: object, arguments: tuple[Any, ...]) -> bool:
    """Whether a method written in C reads what is inside of the items of a container."""
    if name in _DEEP_METHODS and _is_nested(owner):
        return True
    if is_a(owner, str | bytes | bytearray) or name == "from_iterable":
        return any(map(_is_nested, arguments))
    return name == "update" and any(map(_has_changing_pairs, arguments))


def _has_changing_pairs(thing: object) -> bool:
    """Whether ``thing`` holds containers that are taken for pairs of a key and a value."""
    held: Any = thing
    return is_a(thing, list | tuple | set | deque) and any(is_container(type(one)) for one in islice(held, 100))


def _read_by_c(kind: str, operands: tuple[object, ...]) -> bool:
    """Whether an operation compares or shows the attributes of a `types.SimpleNamespace`."""
    if kind == "compare" and not all(map(_has_namespace, operands)):
        return False  # of different kinds: nobody looks inside
    return any(map(_has_namespace, operands))


def _has_namespace(thing: object) -> bool:
    """Whether ``thing`` is a namespace that C code compares and shows, or a container of some."""
    if is_a(thing, SimpleNamespace):
        return type(thing).__eq__ is SimpleNamespace.__eq__ or type(thing).__repr__ is SimpleNamespace.__repr__
    if is_a(thing, dict):
        thing = tuple(thing.values())
    return is_a(thing, list | tuple | set | frozenset | deque) and any(map(_has_namespace, islice(thing, 100)))


def _is_shallow(function: Any) -> bool:
    try:
        return function in _SHALLOW
    except TypeError:
        return False


def watched(kind: Any) -> Any:
    """The carrier ``kind`` with doubts."""
    return type(f"Watched{kind.__name__}", (Doubting, kind), {})


def _callers(kind: type) -> list[object]:
    return [base.__dict__["__call__"] for base in kind.__mro__ if "__call__" in base.__dict__]


def _runs_c_code(kind: Any) -> bool:
    """Whether to make an instance runs C code that may call the arguments: not of a `threading.Thread`, say."""
    if kind is functools.partial:
        return False  # which only keeps them
    return calls_arguments(kind) or kind.__module__ == "builtins" or reads_arguments(kind)


def _any_missed(function: Any, arguments: tuple[Any, ...]) -> bool:
    """Whether ``function`` is handed C code for which it may do something that is not noted."""
    at_once = calls_at_once(function)
    return any(_acts_on_shared(argument) and not (at_once and is_noted(argument)) for argument in arguments)


def _acts_on_shared(argument: object) -> bool:
    """Whether ``argument`` is C code that reads or changes objects, for other C code to call."""
    if is_a(argument, operator.attrgetter) or type(argument) is CACHED or _is_on_attributes(argument):
        return True
    if type(argument) is functools.partial:
        return not is_a(argument.func, FunctionType | MethodType)
    return type(argument) is BuiltinFunctionType and is_container(type(argument.__self__))
