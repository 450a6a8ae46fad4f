"""What an actor's process does past the operations that are known: it is told, for nothing is proved then."""

from __future__ import annotations

import _thread
import ctypes
import functools
import io
import os
import re
import signal
import sys
from collections.abc import Callable, Mapping
from types import BuiltinFunctionType, FrameType, FunctionType, ModuleType
from typing import Any

from lab.child.others import Others, imports
from lab.child.servers import says_nothing
from lab.child.stops import Stops
from lab.filesystem.files import RAW
from lab.filesystem.twin import Twin
from lab.origin import LAB
from lab.outside import function_leaves_memory, method_leaves_memory, package

try:
    import fcntl
except ImportError:  # no POSIX
    fcntl = None  # type: ignore[assignment]

_EVENTS = {
    "subprocess.Popen": "starts another program",
    "os.system": "starts another program",
    "os.exec": "becomes another program",
    "os.posix_spawn": "starts another program",
    "os.spawn": "starts another program",
    "os.fork": "forks a process",
    "os.forkpty": "forks a process",
    "pty.spawn": "starts another program",
    "mmap.__new__": "maps a file into memory",
    "ctypes.dlopen": "calls C code by ctypes",
    "ctypes.call_function": "calls C code by ctypes",
    "sqlite3.connect": "uses a database",
    "os.kill": "sends a signal",
    "os.killpg": "sends a signal",
    "signal.pthread_kill": "sends a signal",
}
"""Audit event -> what it means; see the table of audit events in the documentation of Python."""
_AT_PATHS: dict[str, tuple[str, tuple[tuple[int, int, str], ...]]] = {
    "os.remove": ("removes", ((0, 1, "N-M"),)),
    "os.rename": ("renames", ((0, 2, "N*"), (1, 3, "N*"))),
    "os.link": ("links", ((0, 2, "NM"), (1, 3, "N+"))),
    "os.symlink": ("makes the link", ((1, 2, "N+"),)),
    "os.mkdir": ("makes the directory", ((0, 2, "N+"),)),
    "os.rmdir": ("removes the directory", ((0, 1, "N-L"),)),
    "os.listdir": ("lists", ((0, -1, "lmL"),)),
    "os.truncate": ("truncates", ((0, -1, "lmW"),)),
    "os.chmod": ("changes the mode of", ((0, 2, "lM"),)),
    "os.chown": ("changes the owner of", ((0, 3, "lM"),)),
    "os.utime": ("changes the times of", ((0, 3, "lM"),)),
}
"""Event that is announced before the operation -> the verb, and for each path its position, that of the directory that
it starts from (-1 for none), and how it is touched: what reaches an operation by another way is stopped here."""
STOPPED = frozenset(
    getattr(os, name, None) for name in (*(event.partition(".")[2] for event in _AT_PATHS), "replace", "unlink")
)
"""What stops in whatever way it is called, as it announces itself."""
_STARTING = frozenset(
    ("subprocess.Popen", "os.system", "os.posix_spawn", "os.spawn", "os.fork", "os.forkpty", "pty.spawn")
)
_FAMILIES = {"socket.": "uses a socket", "dbm.": "uses a database"}
_KNOWN = ("open", "os.", "fcntl.")
"""Beginnings of audit events of which every known operation announces itself."""
_PRIVATE = frozenset(
    ("os.chdir", "os.fchdir", "os.putenv", "os.unsetenv", "os.add_dll_directory", "os.getxattr", "os.walk", "os.fwalk")
)
_LOCKING = frozenset(
    getattr(fcntl, name)
    for name in dir(fcntl)
    if name.startswith("F_") and name.endswith(("LK", "LKW", "LK64", "LKW64"))
)
"""Commands by which `fcntl.fcntl` takes, gives back and asks for locks."""
_FROZEN = "<frozen "
_BUILTIN = (str, bytes, bytearray, int, float, list, tuple, dict, set, frozenset, re.Pattern, re.Match, type, object)
_IO = ("TextIOWrapper", "BufferedReader", "BufferedWriter", "BufferedRandom", "FileIO")
# fmt: off
_OF_PROCESS = frozenset((
    "WEXITSTATUS", "WIFEXITED", "WIFSIGNALED", "WTERMSIG", "_exit", "chdir", "close", "closerange", "confstr",
    "cpu_count", "default_int_handler", "device_encoding", "dup", "dup2", "fchdir", "fdatasync", "fspath", "fsync",
    "get_blocking", "get_exec_path", "get_inheritable", "get_terminal_size", "getcwd", "getcwdb", "getegid", "getenv",
    "geteuid", "getgid", "getgroups", "getloadavg", "getlogin", "getpgid", "getpgrp", "getpid", "getppid",
    "getresgid", "getresuid", "getsid", "getsignal", "getuid", "isatty", "lseek", "major", "makedev",
    "minor", "nice", "pathconf", "pipe", "pipe2", "putenv", "register_at_fork", "sched_yield", "set_blocking",
    "set_inheritable", "set_wakeup_fd", "siginterrupt", "signal", "strerror", "strsignal", "sync", "sysconf",
    "text_encoding", "times", "umask", "uname", "unsetenv", "urandom", "valid_signals", "_path_normpath",
    "_path_splitroot_ex", "_path_splitroot", "waitstatus_to_exitcode",
))
# fmt: on
"""Functions of `os` and `signal` that concern no other process, or none that is an actor."""


def instead(stops: Stops, others: Others) -> dict[Any, Any]:
    """Operation that not every Python announces -> what is called in its place."""

    def noting(real: Any) -> Any:
        def call(*arguments: Any, **named: Any) -> Any:
            stops.note("uncontrolled", f"{stops.place()} starts a thread of its own, which is not under control")
            return real(*arguments, **named)

        return Twin(real, call)

    names = ("start_new_thread", "start_joinable_thread")
    found = {real: noting(real) for real in (getattr(_thread, name, None) for name in names) if real is not None}
    found[os.kill] = Twin(os.kill, _kill(others, os.kill))
    for real in (getattr(signal, name, None) for name in ("alarm", "setitimer")):
        if real is not None:
            found[real] = Twin(real, _alarm(stops, real))
    return found


def _alarm(stops: Stops, real: Any) -> Any:
    """What comes by itself after a while is told at once: nothing may be heard of its process until then."""

    def call(*arguments: Any, **named: Any) -> Any:
        stops.note("uncontrolled", f"{stops.place()} has a signal sent later, which is not under control")
        stops.step("has a signal sent later", "", ())
        return real(*arguments, **named)

    return call


def _kill(others: Others, real: Any) -> Any:
    """A signal is out of control, but for the one that only asks."""

    def call(pid: int, signal: int, /) -> None:
        if signal != 0 or not isinstance(pid, int):
            real(pid, signal)
        else:
            others.ask(pid, f"process {pid}", lambda: real(pid, signal))

    return call


def announced(stops: Stops) -> Callable[[str, tuple[Any, ...]], None]:
    """An audit hook, which tells of operations that the interpreter announces and nobody stopped before."""

    of_no_concern = {f"socket.{name}" for name in _SAME_FOR_ALL}
    of_no_concern |= {"marshal.dumps", "marshal.loads", "sys.setprofile"}  # which the lab itself calls everywhere

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        if not stops.begun or stops.inside or event in of_no_concern:
            return
        if event == "import":
            imports(stops, event, arguments)
            return
        if event in ("os.fork", "os.forkpty"):
            os.register_at_fork(after_in_child=stops.leave)
        told = _EVENTS.get(event)
        if told is None and event in _AT_PATHS:
            if not _of_interpreter(sys._getframe(1)):
                _stop(stops, event, arguments)
            elif event == "os.listdir":
                imports(stops, event, arguments)
            return
        if told is None:
            if event.startswith(_KNOWN):
                if event in _PRIVATE or (event == "open" and isinstance(arguments[0], int)):
                    return
                if event == "fcntl.fcntl" and arguments[1] not in _LOCKING:
                    return
                told = f"comes to {event} by a way of its own"
            else:
                told = next((text for family, text in _FAMILIES.items() if event.startswith(family)), None)
                if told is None:
                    of_no_concern.add(event)
                    return
        if _of_interpreter(sys._getframe(1)):
            if event == "open":
                imports(stops, event, arguments)
            return
        stops.note("uncontrolled", f"{stops.place()} {told}, which is not under control")
        if event in _STARTING:
            stops.starts_processes()

    return hook


def _stop(stops: Stops, event: str, arguments: tuple[Any, ...]) -> None:
    word, paths = _AT_PATHS[event]
    effects = []
    for position, directory, how in paths:
        path = arguments[position] if arguments[position] is not None else "."
        start = arguments[directory] if directory >= 0 else -1
        if isinstance(path, int):
            how = "".join(letter for letter in how if letter in "rswWmML")
        effects.append((stops.path(path, start if isinstance(start, int) and start >= 0 else None), how))
    first = arguments[paths[0][0]]
    stops.step(word, stops.label(first if first is not None else "."), tuple(effects))


def _of_interpreter(frame: FrameType | None) -> bool:
    """Whether it is an import, or the lab's own, or for a traceback."""
    for _ in range(30):
        if frame is None:
            return False
        name = frame.f_code.co_filename
        if name.startswith(_FROZEN + "importlib") or frame.f_globals.get("__name__") in ("linecache", "tokenize"):
            return True
        frame = frame.f_back
    return False


def called(stops: Stops, instead: Mapping[Any, Any]) -> Callable[[FrameType, str, Any], None]:
    """A profile function, which tells of C functions that may do more than compute, and of those in ``instead``."""
    known = set(map(id, instead))
    raw = instead[RAW]
    harmless: set[int] = set()
    builtin = _computing()
    computing: dict[tuple[int, str], type] = {}  # by the id, as a class may say itself what its hash is

    def function_called(frame: FrameType, event: str, function: Any) -> None:
        if event != "c_call" or stops.inside:
            return
        name = frame.f_code.co_filename
        if name.startswith((LAB, _FROZEN)):
            return
        owner = getattr(function, "__self__", None)
        if owner is None or type(owner) is ModuleType:
            if id(function) in harmless:
                return
            if id(function) in known and function not in STOPPED:
                stops.note(
                    "uncontrolled", f"{stops.place()} calls {_name(function)} by a way that is not under control"
                )
            elif id(function) not in known and _leaves(function):
                stops.note("doubt", f"{stops.place()} calls {_name(function)}, which is not under control")
            else:
                harmless.add(id(function))
            return
        kind, method = owner if isinstance(owner, type) else type(owner), getattr(function, "__name__", "")
        if (id(kind), method) in builtin or (id(kind), method) in computing:
            return
        what = _of_method(owner, method, raw)
        if what is not None:
            stops.note(what[0], f"{stops.place()} {what[1]}")
        elif not (kind.__name__ in _IO or kind is os.DirEntry or package(kind) == "sqlite3"):
            computing[id(kind), method] = kind

    return function_called


@functools.cache
def _computing() -> frozenset[tuple[int, str]]:
    """The methods of builtin classes that compute."""
    return frozenset(
        (id(kind), name) for kind in _BUILTIN for name in dir(kind) if not _of_method(kind, name, type(None))
    )


def _of_method(owner: Any, name: str, raw: type[Any]) -> tuple[str, str] | None:
    """What a C method may do that nobody sees, and of which kind that is; None if it computes."""
    kind = owner if isinstance(owner, type) else type(owner)
    if any(base.__name__ in _IO and base.__module__ in ("_io", "io") for base in kind.__mro__):
        if isinstance(owner, type) or isinstance(_raw(owner), raw) or _is_standard(owner):
            return None
        return "uncontrolled", "uses a file that was opened by a way that is not under control"
    if isinstance(owner, os.DirEntry):
        asks = name == "stat" or (name.startswith("is_") and owner.is_symlink())
        return ("doubt", "asks an entry of a directory, which is not under control") if asks else None
    if package(kind) == "sqlite3" and (getattr(owner, "_lab", None) or kind.__name__ == "Row"):
        return None
    if (hasattr(kind, "_lab_tells") and name in ("seek", "tell", "flush")) or name == "from_buffer":
        return None  # of memory, of which something else tells
    if _calls_python(kind, name):
        return None
    if kind is _SCANDIR or package(kind) in _PACKAGES or says_nothing(package(kind), name):
        return None
    if not method_leaves_memory(kind, name):
        return None
    return "doubt", f"calls {kind.__module__}.{kind.__qualname__}.{name}, which is not under control"


def _calls_python(kind: Any, name: str) -> bool:
    """Whether it is a method that an abstract class of files has, for a class of which all other code is Python's: that
    calls other methods, such as `close` for `__exit__`."""
    above = kind.__mro__[:-1]
    first = next(
        (base for base in above if type(vars(base).get(name, len)) is not FunctionType and name in vars(base)), None
    )
    return first in _ABSTRACT and all(
        base in _ABSTRACT or any(type(one) is FunctionType for one in vars(base).values()) for base in above
    )


def _leaves(function: Any) -> bool:
    if not isinstance(function, BuiltinFunctionType):
        return False
    if function.__module__ in ("posix", "nt", "_signal", "os", "signal", "_io", "io"):
        return function.__name__ not in _OF_PROCESS
    if package(function) in _PACKAGES or says_nothing(package(function), function.__name__):
        return function.__name__ in _BEYOND
    if function.__module__ == "_socket" and function.__name__ in _SAME_FOR_ALL:
        return False
    try:
        return function not in _COMPUTING and function_leaves_memory(function)
    except TypeError:
        return True


_SAME_FOR_ALL = ("gethostname",)
"""Functions of sockets whose answer no actor changes."""
_COMPUTING = frozenset((exec, eval, compile, globals, locals, vars, __import__, ctypes.sizeof, ctypes.addressof))
_PACKAGES = frozenset(
    (
        "stat",
        "codecs",
        "encodings",
        "atexit",
        "errno",
        "bz2",
        "lzma",
        "pwd",
        "grp",
        "resource",
        "faulthandler",
        "pyexpat",
    )
    + ("elementtree", "multibytecodec", "tracemalloc", "md5", "sha1", "sha2", "sha256", "sha512", "sha3", "blake2")
)
"""Packages of C code that computes, or that reads what no actor changes."""
_BEYOND = frozenset(("prlimit", "dump_traceback", "dump_traceback_later", "dump_c_stack"))
"""Functions of those that concern other processes, or write to a file by its number."""
_ABSTRACT = frozenset((*io.RawIOBase.__mro__[:-1], *io.BufferedIOBase.__mro__[:-1], *io.TextIOBase.__mro__[:-1]))
with os.scandir(os.path.dirname(__file__)) as _entries:
    _SCANDIR = type(_entries)
_STANDARD = frozenset((0, 1, 2))


def _raw(file: Any) -> Any:
    for name in ("buffer", "raw"):
        file = getattr(file, name, file)
    return file


def _is_standard(file: Any) -> bool:
    if file in (sys.stdout, sys.stderr, sys.stdin, sys.__stdout__, sys.__stderr__):
        return True
    try:
        return _raw(file).fileno() in _STANDARD
    except (OSError, ValueError, AttributeError):
        return True  # closed, or in memory


def _name(function: Any) -> str:
    return f"{function.__module__}.{function.__qualname__}".replace("posix.", "os.")
