"""The calls that instrumented code makes, and whom they reach.

Instrumented code is shared: the test runner, a second exploration in another
thread or a program's own real threads may run it too.  Each hook therefore asks
who drives the calling OS thread; where nobody does, it does nothing.
"""

from __future__ import annotations

import sys
import threading
from contextlib import suppress
from threading import get_ident
from types import FrameType
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from lab.sites import Site


Access = tuple[object, object, bool]
"""What is touched, under which key, and whether it is written."""
Accesses = tuple[Access, ...]


class Driver(Protocol):
    """Decides what happens before each visible operation of one OS thread."""

    def touch(
        self, owner: object, key: object, write: bool, site: Site, value: object = ..., more: Accesses = ...
    ) -> None:
        """Be told that the running actor is about to read or write ``owner``'s ``key``, and ``more`` with it."""

    def variables(self, owner: object) -> None:
        """Be told that the attributes of ``owner`` are asked for as a dictionary."""

    def whole(
        self, container: object, write: bool, site: Site, detail: object = ..., also: tuple[object, ...] = ...
    ) -> None:
        """Be told of an operation on a container or iterator as a whole or on one item; it reads ``also`` as well."""

    def call(self, function: Any, arguments: tuple[Any, ...], site: Site) -> Any:
        """Give the callable to call in place of ``function``: itself, or its controlled twin."""

    def resumed(self, frame: FrameType, site: Site) -> None:
        """Be told that a generator goes on, by its frame."""

    def returned(self, caller: FrameType | None, site: Site) -> None:
        """Be told that a function that a cache may have called is about to return, by the frame that called it."""

    def enter(self, manager: Any, site: Site) -> Any:
        """Give the context manager to enter in place of ``manager``."""

    def function_made(self, function: Any) -> None:
        """Be told of a function made from instrumented code."""


DRIVERS: dict[int, Driver] = {}
"""OS thread identity -> driver; entries exist only while a run is going on."""

ONE_AT_A_TIME = threading.RLock()
"""Held by a run while it has code swapped: a second OS thread that explores or hammers meanwhile waits.

Two of them at once would swap each other's code.  They would not be faster either, as they compute.
"""

_driver = DRIVERS.get
ABSENT = object()
"""Stands for a value that is not known before the operation has happened."""


class Bystander:
    """A driver that lets everything happen as it would."""

    def touch(
        self, owner: object, key: object, write: bool, site: Site, value: object = ABSENT, more: Accesses = ()
    ) -> None:
        """Before an attribute, global or cell is read or written."""

    def variables(self, owner: object) -> None:
        """After the attributes of an object were asked for as a dictionary."""

    def whole(
        self, container: object, write: bool, site: Site, detail: object = ABSENT, also: tuple[object, ...] = ()
    ) -> None:
        """Before an operation on a container."""

    def call(self, function: Any, arguments: tuple[Any, ...], site: Site) -> Any:
        """Before any call."""
        return function

    def resumed(self, frame: FrameType, site: Site) -> None:
        """After a generator was told to go on, before its own code does."""

    def returned(self, caller: FrameType | None, site: Site) -> None:
        """Before a function returns whose value a cache may keep."""

    def awaited(self, thing: object, site: Site) -> None:
        """Before an ``await``, where the code tells of it."""

    def enter(self, manager: Any, site: Site) -> Any:
        """Before a ``with`` enters ``manager``."""
        return manager

    def function_made(self, function: Any) -> None:
        """A closure or lambda was made from instrumented code."""


def read(owner: object, site: Site) -> None:
    driver = _driver(get_ident())
    if driver is not None:
        driver.touch(owner, site.key, False, site)


def variables(owner: object, site: Site) -> None:
    """Before ``owner.__dict__`` is read."""
    driver = _driver(get_ident())
    if driver is not None:
        driver.touch(owner, site.key, False, site)
        driver.variables(owner)


def write(owner: object, value: object, site: Site) -> None:
    driver = _driver(get_ident())
    if driver is not None:
        driver.touch(owner, site.key, True, site, value)


def delete(owner: object, site: Site) -> None:
    driver = _driver(get_ident())
    if driver is not None:
        driver.touch(owner, site.key, True, site)


def fields(owner: object, names: tuple[str, ...], site: Site) -> None:
    """Before a class pattern reads several attributes of its subject."""
    driver = _driver(get_ident())
    if driver is not None and names:
        more = tuple((owner, name, False) for name in names[1:])
        driver.touch(owner, names[0], False, site, ABSENT, more)


def item(container: object, key: object, site: Site) -> None:
    driver = _driver(get_ident())
    if driver is not None:
        driver.whole(container, site.write, site, (key,))


def item_write(container: object, key: object, value: object, site: Site) -> None:
    driver = _driver(get_ident())
    if driver is not None:
        driver.whole(container, True, site, (key, value))


def whole(container: object, site: Site) -> None:
    driver = _driver(get_ident())
    if driver is not None:
        driver.whole(container, False, site)


def resumed(site: Site) -> None:
    driver = _driver(get_ident())
    if driver is not None:
        driver.resumed(sys._getframe(1), site)


def returned(site: Site) -> None:
    driver = _driver(get_ident())
    if driver is not None:
        driver.returned(sys._getframe(1).f_back, site)


def awaited(thing: object, site: Site) -> None:
    driver: Any = _driver(get_ident())
    if driver is not None:
        driver.awaited(thing, site)


def pair(left: object, right: object, site: Site) -> None:
    if type(left) is int and type(right) is int:
        return  # as nearly always
    driver = _driver(get_ident())
    if driver is not None:
        driver.whole(left, site.write, site, ABSENT, (right,))


def call(function: Any, arguments: tuple[Any, ...], site: Site) -> Any:
    driver = _driver(get_ident())
    if driver is None:
        return function
    return driver.call(function, arguments, site)


def call_spread(function: Any, arguments: Any, site: Site) -> Any:
    driver = _driver(get_ident())
    if driver is None:
        return function
    if type(arguments) is not tuple:
        driver.whole(arguments, False, site)
        arguments = tuple(arguments) if type(arguments) in (list, dict, set) else ()
    return driver.call(function, arguments, site)


def call_spread_named(function: Any, arguments: Any, named: Any, site: Site) -> Any:
    """Before ``f(*arguments, **named)``."""
    driver = _driver(get_ident())
    if driver is None or type(named) is not dict or not named:
        return call_spread(function, arguments, site)
    if type(arguments) is not tuple:
        driver.whole(arguments, False, site)
        arguments = tuple(arguments) if type(arguments) in (list, dict, set) else ()
    return driver.call(function, (*arguments, *named.values()), site)


def enter(manager: Any, site: Site) -> Any:
    driver = _driver(get_ident())
    if driver is None:
        return manager
    return driver.enter(manager, site)


class uncontrolled:  # noqa: N801  # reads like a function; as a generator it would run library code that is watched
    """The lab's own calls into library code that may be instrumented."""

    __slots__ = ("_driver", "_identity")

    def __enter__(self) -> None:
        self._identity = get_ident()
        self._driver = DRIVERS.pop(self._identity, None)

    def __exit__(self, *_: object) -> None:
        if self._driver is not None:
            DRIVERS[self._identity] = self._driver


def import_first(level: int, names: tuple[str, ...] | None, site: Site) -> None:
    """Import without interruption: the interpreter's own import locks are not controlled."""
    if _driver(get_ident()) is not None:
        frame = sys._getframe(1)
        with uncontrolled(), suppress(BaseException):  # the import statement raises it again in its own place
            __import__(str(site.key), frame.f_globals, None, names or (), level)


def function_made(function: Any) -> Any:
    driver = _driver(get_ident())
    if driver is not None:
        driver.function_made(function)
    return function
