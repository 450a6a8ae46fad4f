"""What processes have in common through a manager of `multiprocessing`: each request to its process is a step.

The manager's process is none of the actors: it answers while everybody else stands still, so a request happens at once.
One that would wait there is made so that it does not, and made again when somebody else has asked for the same object.
Only objects of the library's own kinds are known to do no more than that.
"""

from __future__ import annotations

import sys
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from lab.child.stops import Stops
from lab.filesystem.request import NOT_YET
from lab.filesystem.stops import TIMED_OUT, Effect
from lab.naming import short

_MODULE = "multiprocessing.managers"
_OBJECT, _MANAGER = -2, -3  # what stands in the place of a device's number
_KINDS = {
    "DictProxy": "dict",
    "ListProxy": "list",
    "NamespaceProxy": "namespace",
    "ValueProxy": "value",
    "ArrayProxy": "array",
    "IteratorProxy": "iterator",
    "AcquirerProxy": "lock",
    "EventProxy": "event",
    "AutoProxy[Queue]": "queue",
    "AutoProxy[JoinableQueue]": "queue",
}
"""Name of a proxy's class -> what it stands for."""
_LOOKS = frozenset(
    ("__getitem__", "__contains__", "__len__", "__iter__", "__add__", "__mul__", "__rmul__", "__reversed__", "get")
    + ("copy", "items", "keys", "values", "count", "index", "__getattribute__", "is_set", "qsize", "empty", "full")
    + ("#GETVALUE",)
)
"""Methods that change nothing, but for the `get` of a queue."""
_OF_ITEMS = {"__getitem__": "reads", "__setitem__": "writes", "__delitem__": "deletes"}
_OF_ATTRIBUTES = {"__getattribute__": "reads", "__setattr__": "writes", "__delattr__": "deletes"}
_ENDLESS = frozenset(("join", "wait"))  # of a queue, and of an event, which is asked in another way

Asks = Callable[[], Any]


class Managers:
    """What is called in place of the methods of proxies."""

    def __init__(self, stops: Stops) -> None:
        self._stops = stops
        self._real: Any = None

    # ------------------------------------------------------------ requests

    def call(self, proxy: Any, name: str, arguments: tuple[Any, ...] = (), named: dict[str, Any] | None = None) -> Any:
        """Have the manager's process call a method."""
        stops, kind = self._stops, _KINDS.get(type(proxy).__name__)
        named = named or {}
        if not stops.begun or stops.inside:
            return self._real(proxy, name, arguments, named)
        if kind is None:
            place, what = stops.place(), type(proxy).__name__.removeprefix("AutoProxy[").removesuffix("]")
            stops.note("uncontrolled", f"{place} calls {name} of {what} in a manager, which is not under control")
        thing = stops.name_of(proxy, f"a shared {kind or 'object'}")
        if kind == "queue" and name in ("get", "put", "get_nowait", "put_nowait"):
            return self._of_queue(proxy, thing, name, arguments, named)
        if kind == "lock" and name == "acquire":
            return self._acquire(proxy, thing, *arguments, **named)
        if kind == "event" and name == "wait":
            return self._wait(proxy, thing, *arguments, **named)
        if name in _ENDLESS:
            stops.note("uncontrolled", f"{stops.place()} waits in the process of a manager, which is not under control")
        word, label, detail = _told(thing, kind, name, arguments)
        return self._ask(
            proxy, word, label, name not in _LOOKS, lambda: self._real(proxy, name, arguments, named), detail
        )

    def _ask(self, proxy: Any, word: str, label: str, changes: bool, ask: Asks, detail: str = "") -> Any:
        self._stops.step(
            word, label, self._effects(proxy, changes), detail, wait=("managed", _key(proxy), "asks", None)
        )
        result = self.unheeded(ask)
        if result is not None or not changes:
            self._stops.came_to(short(result))
        return result

    def _ask_until(
        self, proxy: Any, word: str, label: str, ask: Asks, failed: Callable[[Any], bool], timeout: float | None
    ) -> Any:
        """The same for what may have to wait; the failing answer if the time is up before."""
        stops, first = self._stops, True
        result: Any = None
        while True:
            how = "asks" if first else "waits"
            wait = ("managed", _key(proxy), how, None if first else timeout)
            if stops.step(word, label, self._effects(proxy, True), wait=wait) == TIMED_OUT:
                return result
            result, first = self.unheeded(ask), False
            if not failed(result):
                if result is not True:
                    stops.came_to(short(result))
                return result
            stops.came_to(NOT_YET)

    def _acquire(self, proxy: Any, thing: str, blocking: Any = True, timeout: Any = None) -> Any:
        ask: Asks = lambda: self._real(proxy, "acquire", (False,))  # noqa: E731
        if not blocking or (timeout is not None and timeout <= 0):
            return self._ask(proxy, "tries to acquire", thing, True, ask)
        return self._ask_until(proxy, "acquires", thing, ask, lambda result: not result, timeout)

    def _wait(self, proxy: Any, thing: str, timeout: Any = None) -> Any:
        ask: Asks = lambda: self._real(proxy, "is_set")  # noqa: E731
        if timeout is not None and timeout <= 0:
            return self._ask(proxy, "waits for", thing, False, ask)
        return self._ask_until(proxy, "waits for", thing, ask, lambda result: not result, timeout)

    def _of_queue(self, proxy: Any, thing: str, name: str, arguments: Any, named: dict[str, Any]) -> Any:
        """Put something in, or take it out."""
        items = arguments[:1] if name.startswith("put") else ()
        rest = arguments[len(items) :]
        if not items and "item" in named:
            items = (named["item"],)
        block = named.get("block", rest[0] if rest else True) and not name.endswith("_nowait")
        timeout = named.get("timeout", rest[1] if len(rest) > 1 else None)
        word = "puts into" if items else "gets from"
        failures: list[Exception] = []

        def ask() -> Any:
            failures.clear()
            try:
                return self._real(proxy, "put" if items else "get", (*items, False))
            except Exception as error:
                if type(error).__name__ not in ("Empty", "Full"):
                    raise
                failures.append(error)
                return None

        if not block or (timeout is not None and timeout <= 0):
            result = self._ask(proxy, word, thing, True, ask, short(*items) or "" if items else "")
        else:
            result = self._ask_until(proxy, word, thing, ask, lambda _: bool(failures), timeout)
        if failures:
            raise failures.pop()
        return result

    def _effects(self, proxy: Any, changes: bool) -> tuple[Effect, ...]:
        """An iterator depends on another object, nobody knows which."""
        everything = (_MANAGER, zlib.crc32(repr(proxy._token.address).encode()))
        if type(proxy).__name__ == "IteratorProxy":
            return ((everything, "w"),)
        return ((_key(proxy), "w" if changes else "r"), (everything, "r"))

    # ------------------------------------------------------------ what is nobody else's business

    def unheeded(self, function: Callable[..., Any], *arguments: Any, **named: Any) -> Any:
        """Call it with everything real, and without telling of it."""
        stops = self._stops
        begun, stops.begun = stops.begun, False
        try:
            with stops.known():
                return function(*arguments, **named)
        finally:
            stops.begun = begun

    def _unheeded(self, real: Any) -> Any:
        def call(*arguments: Any, **named: Any) -> Any:
            return self.unheeded(real, *arguments, **named)

        return call

    @contextmanager
    def in_place(self) -> Iterator[None]:
        """Have the library call these."""
        library: Any = sys.modules.get(_MODULE)
        if library is None:
            yield
            return
        proxy, manager = library.BaseProxy, library.BaseManager
        self._real = proxy._callmethod

        def _callmethod(it: Any, name: str, args: Any = (), kwds: Any = None) -> Any:
            return self.call(it, name, tuple(args), kwds)

        instead = [(proxy, "_callmethod", _callmethod), (manager, "_create", self._unheeded(manager._create))]
        instead += [(proxy, name, self._unheeded(vars(proxy)[name])) for name in ("_incref", "_connect")]
        instead += [
            (proxy, name, staticmethod(self._unheeded(getattr(proxy, name)))) for name in ("_decref", "_after_fork")
        ]
        before = [(owner, name, vars(owner)[name]) for owner, name, _ in instead]
        for owner, name, value in instead:
            setattr(owner, name, value)
        try:
            yield
        finally:
            for owner, name, value in before:
                setattr(owner, name, value)


def _key(proxy: Any) -> tuple[int, int]:
    return _OBJECT, int(proxy._token.id, 16)


def _told(thing: str, kind: str | None, name: str, arguments: tuple[Any, ...]) -> tuple[str, str, str]:
    """Verb, label and detail of a request, for people to read."""
    detail = short(arguments[1]) or "" if len(arguments) > 1 else ""
    if name in _OF_ITEMS and arguments:
        return _OF_ITEMS[name], f"{thing}[{short(arguments[0])}]", detail
    if name in _OF_ATTRIBUTES and arguments:
        return _OF_ATTRIBUTES[name], f"{thing}.{arguments[0]}", detail
    if kind == "value":
        return ("reads", thing, "") if name == "get" else ("writes", thing, short(arguments[0]) or "")
    if kind == "lock":
        return "releases", thing, ""
    return "calls", f"{thing}.{name}", ""
