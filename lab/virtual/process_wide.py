"""Twins of what reads and changes the state of the whole process, which all its threads have in common.

To change it for a while and put it back is a race with everybody who goes by it meanwhile.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from lab.filesystem.paths import DIRECTORY, MASK
from lab.naming import short
from lab.virtual.arguments import as_real

if TYPE_CHECKING:
    from lab.carriers.control import Control
    from lab.instrument import Site

try:
    import _locale
except ImportError:  # a Python built without it
    _locale: Any = None  # type: ignore[no-redef]
try:
    import _socket
except ImportError:
    _socket: Any = None  # type: ignore[no-redef]
try:
    import resource
except ImportError:  # no POSIX
    resource = None  # type: ignore[assignment]

_LOCALE, _ZONE = "locale", "time zone"
_INTERVAL, _PRIORITY = "switch interval", "priority"
_UNTOLD = "by which C code goes that does not tell"

_READ: tuple[tuple[Any, str, str], ...] = (
    (os, "getcwd", DIRECTORY),
    (os, "getcwdb", DIRECTORY),
    (_locale, "localeconv", _LOCALE),
    (_locale, "strcoll", _LOCALE),
    (_locale, "strxfrm", _LOCALE),
    (_locale, "nl_langinfo", _LOCALE),
    (sys, "getrecursionlimit", "recursion limit"),
    (sys, "getswitchinterval", _INTERVAL),
    (_socket, "getdefaulttimeout", "default timeout of sockets"),
    (resource, "getrlimit", "limits"),
    (os, "getpriority", _PRIORITY),
)
"""Module, name of a function, and what it reads."""
_CHANGED: tuple[tuple[Any, str, str], ...] = (
    (os, "umask", MASK),
    (os, "chdir", DIRECTORY),
    (os, "fchdir", DIRECTORY),
    (_locale, "setlocale", _LOCALE),
    (time, "tzset", _ZONE),
    (sys, "setrecursionlimit", "recursion limit"),
    (sys, "setswitchinterval", _INTERVAL),
    (_socket, "setdefaulttimeout", "default timeout of sockets"),
    (resource, "setrlimit", "limits"),
    (os, "setpriority", _PRIORITY),
    (os, "nice", _PRIORITY),
)
"""Module, name of a function, and what it changes."""
_TELLS = (DIRECTORY, MASK, _INTERVAL, _PRIORITY)
"""Who goes by it tells so, or is only faster or slower for it; of the rest it is not known who does."""


def _reading(real: Any, what: str) -> Callable[..., Any]:
    def call(control: Control, _site: Site, /, *arguments: Any, **named: Any) -> Any:
        files = control.twins.files
        files.step("asks for the", what, ((files.process, what),))
        result = real(*arguments, **named)
        files.came_to(short(result))
        return result

    return call


def _changing(real: Any, what: str) -> Callable[..., Any]:
    def call(control: Control, _site: Site, /, *arguments: Any, **named: Any) -> Any:
        files = control.twins.files
        where = files.path(arguments[0]) if real is os.chdir and arguments else None
        asks = real is _SETLOCALE and arguments[1:] in ((), (None,)) and not named
        effects = ((files.process, what if asks else f"!{what}"), *(((where, "l"),) if where is not None else ()))
        files.step("asks for the" if asks else "sets the", what, effects, _detail(arguments))
        if not asks:
            _keep(control, what)
            if what not in _TELLS and control.current is not control.main:
                files.note("doubt", f"{files.place()} sets the {what}, {_UNTOLD}")
        with files.known():
            result = real(*arguments, **named)
        if result is not None:
            told = f"{_detail(arguments)} (was {_shown(result)})" if real is os.umask else short(result)
            files.came_to(told)
        return result

    return call


def _detail(arguments: tuple[Any, ...]) -> str:
    return f"to {_shown(arguments[-1])}" if arguments else ""


def _shown(value: Any) -> str:
    return oct(value) if type(value) is int else short(value) or "something else"


def _keep(control: Control, what: str) -> None:
    """Have the state put back when the execution is over, as the one that runs the tests goes by it, too."""
    files = control.twins.files
    if what in files.put_back or not files.begun:
        return
    if what == MASK:
        before = os.umask(0)
        os.umask(before)
        files.put_back[what] = lambda: os.umask(before)
    elif what == DIRECTORY:
        try:
            folder = os.getcwd()
        except OSError:  # it is no more
            return
        files.put_back[what] = lambda: os.chdir(folder)
    elif what == _LOCALE:
        was = _SETLOCALE(_locale.LC_ALL, None)
        files.put_back[what] = lambda: _SETLOCALE(_locale.LC_ALL, was)


_SETLOCALE: Any = getattr(_locale, "setlocale", None)


def _twins(functions: tuple[tuple[Any, str, str], ...], make: Any) -> dict[Any, Callable[..., Any]]:
    found = ((getattr(module, name, None), what) for module, name, what in functions)
    return {real: as_real(real, make(real, what)) for real, what in found if real is not None}


PLAIN: dict[Any, Callable[..., Any]] = {**_twins(_READ, _reading), **_twins(_CHANGED, _changing)}
