"""Notices what a proof cannot cover: what the hooks do not see, or see too late."""

from __future__ import annotations

import functools
import weakref
from collections import OrderedDict, defaultdict, deque
from concurrent.futures import as_completed
from sys import getrefcount
from types import (
    BuiltinFunctionType,
    FunctionType,
    MethodDescriptorType,
    MethodType,
    MethodWrapperType,
    ModuleType,
    WrapperDescriptorType,
)
from typing import Any

from lab.alive import Alive
from lab.carriers.addresses import call_shows_address, shows_address
from lab.carriers.hidden import hidden_access, hidden_call, hidden_memory, is_namespace, variables_of
from lab.carriers.inside import (
    DEEP_METHODS,
    ENCODER,
    any_missed,
    has_namespace,
    is_nested,
    is_pickling,
    is_plain_scanner,
    is_shallow,
    looks_inside,
    method_looks_inside,
    only_asks_for_key,
    read_by_c,
    runs_c_code,
)
from lab.carriers.order import call_goes_by_hash, goes_by_hash
from lab.carriers.supposing import Supposing
from lab.carriers.weak import WEAK, WEAKLY, asks_by_itself, looks_weakly
from lab.hooks import ABSENT, Accesses
from lab.instrument import Site
from lab.kinds import attribute, is_a, name_of_type
from lab.operations import CACHED, CONTENTS, OVER_NOTHING, SYNC, is_container
from lab.origin import frame_of_program
from lab.outside import function_leaves_memory, has_hidden_state, makes_unknown, method_leaves_memory, runs_unseen
from lab.virtual.caches import end_of, hidden_in_cache
from lab.virtual.callers import C_OPERATIONS
from lab.virtual.file_objects import BUFFERED

_NAMESPACE = "has the attributes of a SimpleNamespace read in one step"
_SHOWING = (repr, ascii, format, print)
_DEEP_KINDS = ("compare", "in", "format", "operator")
_HOLDING_NOTHING = frozenset((bool, int, float, complex, str, bytes, range, type(None)))
"""Types that never change, hold no other objects, and run no code of the program."""
_CODE = frozenset(
    (type, BuiltinFunctionType, MethodDescriptorType, WrapperDescriptorType, MethodWrapperType)
)  # arguments that C code may call
_MODULES = (ModuleType, type(None))  # whose function a C function is, rather than a method
_PLAIN = frozenset((list, dict, deque))  # whose order is not that of hashes
_BUILTIN = (list, dict, set, deque, OrderedDict, defaultdict)
_KEEPING_METHODS = frozenset(
    ("append", "appendleft", "insert", "add", "discard", "remove", "setdefault", "__setitem__", "get", "pop", "index")
)
"""Methods of the builtin containers that take functions as they take anything, and call none."""
_C_CODE = C_OPERATIONS | {WrapperDescriptorType}
_FREE = "which is not under control"


class Doubting(Supposing):
    """Put before a carrier: the same, and what stands against a proof in ``doubts``.

    Many questions have one answer for all operands of a type at one site, or for all calls of one function
    with arguments that hold nothing.  They are asked once in an exploration.
    """

    def __init__(self, *arguments: Any) -> None:
        self._owners: dict[Site, type] = {}  # site -> the type of the last owner of which all was in order
        self._callees: dict[Site, tuple[object, type | None]] = {}  # site -> the function, and the type of its object
        self._met: dict[int, int] = {}  # objects whose attributes have been touched -> the dictionaries behind them
        self._variables: dict[int, int] = {}  # the same, the other way round
        self._in_order: dict[Site, int] = {}  # site -> the id of the last object of which it was asked
        self._alive = Alive(functools.partial(_forget, self._met, self._variables, self._in_order))
        super().__init__(*arguments)

    def _clear(self) -> None:
        super()._clear()
        self._met.clear()
        self._variables.clear()
        self._in_order.clear()

    def execute(self, *arguments: Any, **named: Any) -> Any:
        """See `Control.execute`; keeps nothing of the program that could end in the middle of the next execution."""
        try:
            return super().execute(*arguments, **named)
        finally:
            self._let_go()
            self._alive.clear()

    def touch(
        self, owner: object, key: object, write: bool, site: Site, value: object = ABSENT, more: Accesses = ()
    ) -> None:
        """Before an access."""
        if (
            (more or self._in_order.get(site) != id(owner) or self._interrupted is not None)
            and not self.quiet
            and self._examine_access(owner, key, write, site, value, more)
        ):
            return
        super().touch(owner, key, write, site, value, more)

    def _examine_access(
        self, owner: object, key: object, write: bool, site: Site, value: object, more: Accesses
    ) -> bool:
        """What comes before an access, for those of one site to one object once; true if it was made as well."""
        writes = self.writes
        if writes is not None and (write or more):
            known = writes.before.get(id(owner))
            if more or known is None or key not in known:
                writes.note_all(((owner, key, write), *more), site)
                if write and issubclass(type(owner), type):
                    self._mark_class(self.current, owner, key, write, site)
        if key is CONTENTS or self._interrupted is not None:
            self._touch_container(owner, key, write, site, value, more)
            return True
        if self._owners.get(site) is not type(owner) or site.key is not key:
            self._look_at_owner(owner, key, write, site)
        if id(owner) not in self._met:
            shared = self._two_ways(owner, key, site)
            if shared:
                self._doubt(shared, site)
        if site.key is key and not more:
            self._in_order[site] = id(owner)
        return False

    def _look_at_owner(self, owner: object, key: object, write: bool, site: Site) -> None:
        """Ask what hangs on the type of ``owner``; of modules each is another matter."""
        hidden = hidden_access(owner, key, write, site)
        if hidden:
            self._doubt(hidden, site)
        elif site.key is key and not (write and is_namespace(owner)):
            self._owners[site] = type(owner)

    def _touch_container(
        self, owner: object, key: object, write: bool, site: Site, value: object, more: Accesses
    ) -> None:
        hidden = hidden_access(owner, key, write, site) or self._two_ways(owner, key, site)
        if hidden:
            self._doubt(hidden, site)
        of_container = key is CONTENTS and site in self.hot
        frame = frame_of_program() if of_container or self._interrupted is not None else None
        self._look_for_callback(frame, site)
        super().touch(owner, key, write, site, value, more)
        self._operates(frame if of_container else None, owner, key, write, more)

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
                    if self.sharing is None:  # a dictionary that is no more may have had the id: see when all is noted
                        self.suspicious = True
                        return ""
                    return "uses an object whose attributes are the items of a dictionary"
        return ""

    def whole(
        self, container: object, write: bool, site: Site, detail: object = ABSENT, also: tuple[object, ...] = ()
    ) -> None:
        """Before an operation on a container."""
        kind = type(container)
        if self._interrupted is not None:
            pass
        elif not also:
            if kind in _HOLDING_NOTHING or (
                site.kind == "next" and kind in OVER_NOTHING and getrefcount(container) <= self._private
            ):
                return
            if kind in _PLAIN and site.kind not in _DEEP_KINDS:
                super().whole(container, write, site, detail)
                return
        elif kind in _HOLDING_NOTHING and len(also) == 1 and type(also[0]) in _HOLDING_NOTHING:
            return
        super().whole(container, write, site, detail, also)
        self._examine_whole(site, detail, (container, *also))  # as they are now that it has been chosen

    def _examine_whole(self, site: Site, detail: object, things: tuple[object, ...]) -> None:
        in_call = site.kind == "call" and detail is not ABSENT  # which `call` has seen
        if not in_call and not self.unwinding and (site.stepped or not self.quiet):
            by_hash = goes_by_hash(site.kind, things)
            if by_hash:
                self._doubt(by_hash, site)
            if type(things[0]) in WEAK and not asks_by_itself(site.kind, things[0], detail):
                self._doubt(WEAKLY, site)
        if self.quiet:
            return
        if site.kind == "format" and site.stepped:
            shown = shows_address(things)
            if shown:
                self._doubt(shown, site)
        if not in_call:
            self._examine_iterators(site, things)
        if site.kind in _DEEP_KINDS and not only_asks_for_key(site.kind, things[0]):
            if any(map(is_nested, things)):
                self._suppose_inside(site, things)
            if read_by_c(site.kind, things):
                self._doubt(_NAMESPACE, site)
        if type(things[0]) in BUFFERED:
            self._doubt(f"goes through a {type(things[0]).__qualname__} that was opened before, {_FREE}", site)
        if type(things[0]) is memoryview:
            hidden = hidden_memory(things[0], CONTENTS)
            if hidden:
                self._doubt(hidden, site)

    def call(self, function: Any, arguments: tuple[Any, ...], site: Site) -> Any:
        """Before a call."""
        cleared = self._callees.get(site)
        if cleared is not None and self._interrupted is None and _CODE.isdisjoint(map(type, arguments)):
            if cleared[0] is function:
                if cleared[1] is None and function is site.seen and site.seen_by is self.era:
                    return function
                if cleared[1] is None or all(type(argument) in _HOLDING_NOTHING for argument in arguments):
                    return super().call(function, arguments, site)
            elif (
                type(function) is MethodType
                and function.__func__ is cleared[0]
                and type(function.__self__) is cleared[1]
            ):
                return super().call(function, arguments, site)
        told = self._told
        given = self._call(function, arguments, site)
        if given is function and site.watched and not self.quiet and self._told == told:
            self._clear_callee(function, arguments, site)
        return given

    def _clear_callee(self, function: Any, arguments: tuple[Any, ...], site: Site) -> None:
        """There was nothing to doubt in a call: remember it if there will be nothing in others like it."""
        kind = type(function)
        if kind is FunctionType:
            if function is not as_completed and function.__closure__ is None:  # which may hold what ends meanwhile
                self._callees[site] = function, None
        elif kind is MethodType:
            if type(function.__func__) is FunctionType:
                self._callees[site] = function.__func__, type(function.__self__)
        elif kind is functools.partial:
            if type(function.func) is FunctionType and function.func is not as_completed:
                self._callees[site] = function, None
        elif kind is not type and (kind is not BuiltinFunctionType or type(function.__self__) not in _MODULES):
            pass  # it hangs on what the object holds
        elif function is not hash and all(type(argument) in _HOLDING_NOTHING for argument in arguments):
            self._callees[site] = function, kind

    def _call(self, function: Any, arguments: tuple[Any, ...], site: Site) -> Any:
        if not self.quiet and self._interrupted is not None:
            self._look_for_callback(frame_of_program(), site)
            self._let_go()
        given = super().call(function, arguments, site)
        # what it is given is looked at as it is now that the call has been chosen
        if site.watched and not self.unwinding and (site.stepped or not self.quiet):
            by_hash = call_goes_by_hash(function, arguments, site)
            if by_hash:
                self._doubt(by_hash, site)
        if self.quiet:
            return given
        if site.stepped:
            shown = call_shows_address(function, arguments)
            if shown:
                self._doubt(shown, site)
        noted = site if site.watched else given_site(function, site)
        if given is function and noted is not None:
            self._examine_iterators(noted, arguments)
            hidden = hidden_call(function, arguments, noted)
            if hidden and is_pickling(function, arguments):  # of values that know nothing of it, it does no more
                self._suppose_inside(noted, arguments[:1], hidden, True)
            elif hidden:
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

    def _examine(self, function: Any, arguments: tuple[Any, ...], site: Site) -> None:
        kind = type(function)
        if looks_weakly(function, arguments):
            self._doubt(WEAKLY, site)
        elif kind is FunctionType or kind is MethodType:
            if runs_unseen(getattr(function, "__func__", function)):
                self._doubt(f"calls {function.__module__}.{function.__qualname__}, {_FREE}", site)
        elif kind is functools.partial:
            self._examine(function.func, (*function.args, *function.keywords.values(), *arguments), site)
        elif kind is CACHED:
            self._doubt("calls a cached function of a library, which depends on who came first", site)
        elif is_a(function, type):
            if makes_unknown(function):
                self._doubt(f"makes a {function.__module__}.{function.__qualname__}, {_FREE}", site)
            elif runs_c_code(function) and any_missed(function, arguments):
                self._doubt(f"has {function.__qualname__} call C code on what others may touch", site)
            elif looks_inside(function, arguments):
                self._suppose_inside(site, arguments)
            elif function is str and any(has_namespace(argument) for argument in arguments):
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
                elif any_missed(function, arguments):
                    self._doubt(f"has {function.__qualname__} call C code on what others may touch", site)
                elif not is_shallow(function) and any(is_nested(argument) for argument in arguments):
                    self._suppose_inside(site, arguments[:1] if is_pickling(function, arguments) else arguments)
                elif function in _SHOWING and any(has_namespace(argument) for argument in arguments):
                    self._doubt(_NAMESPACE, site)
            else:
                self._examine_method(function, owner, arguments, site)
        elif issubclass(kind, weakref.ref) and kind.__call__ is weakref.ref.__call__:
            self._doubt(WEAKLY, site)
        elif kind is ENCODER:
            self._suppose_inside(site, arguments, f"has {kind.__qualname__} read all of a value in one step", True)
        elif not any(is_a(member, FunctionType) for member in _callers(kind)) and not is_plain_scanner(function):
            self._doubt(f"calls {kind.__module__}.{kind.__qualname__}, of which nothing is known", site)

    def _examine_method(self, function: Any, owner: object, arguments: tuple[Any, ...], site: Site) -> None:
        name = function.__name__
        kind: Any = owner if is_a(owner, type) else type(owner)
        if method_leaves_memory(kind, name):
            self._doubt(f"calls {kind.__module__}.{kind.__qualname__}.{name}, {_FREE}", site)
        elif not is_container(kind) and has_hidden_state(kind, name):
            self._suppose_state(owner, kind, name, arguments, site)
        elif method_looks_inside(name, owner, arguments):
            self._suppose_inside(site, (owner, *arguments))
        elif name in DEEP_METHODS and has_namespace((owner, *arguments)):
            self._doubt(_NAMESPACE, site)
        elif name in _KEEPING_METHODS and kind in _BUILTIN:
            pass
        elif any_missed(function, arguments):
            self._doubt(f"has {kind.__qualname__}.{name} call C code on what others may touch", site)
        elif is_container(kind) and any(is_a(argument, FunctionType | MethodType) for argument in arguments):
            self._suppose(f"has {kind.__qualname__}.{name} call back in the middle", site, ((owner, CONTENTS, True),))


def _forget(met: dict[int, int], variables: dict[int, int], in_order: dict[Site, int], identity: int) -> None:
    """An object is no more, and another one may come in its place; of the same execution or of one that has ended."""
    in_order.clear()
    behind = met.pop(identity, None)
    if behind is not None and variables.get(behind) == identity:
        del variables[behind]


def given_site(function: Any, site: Site) -> Site | None:
    """See `Site.of_given`: for C code; what Python code does it shows itself."""
    kind = type(function)
    if kind is functools.partial:
        return site.of_given("")
    if is_a(function, type):
        return site.of_given(name_of_type(function))
    return site.of_given(function.__name__) if kind in _C_CODE else None


def _callers(kind: type) -> list[object]:
    return [base.__dict__["__call__"] for base in kind.__mro__ if "__call__" in base.__dict__]
