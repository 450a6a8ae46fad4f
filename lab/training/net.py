"""What code under training may not do: an audit hook that ends the process before it is done.

It keeps accidents from doing harm: a patch that deletes files, starts programs or forks without end.  It is **not a
security sandbox**: code that means to can get round it.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from types import FrameType
from typing import Any, NoReturn

from lab.origin import LAB, is_library

_PATHS = {
    "os.remove": (0,),
    "os.rmdir": (0,),
    "os.rename": (0, 1),
    "os.link": (1,),
    "os.symlink": (1,),
    "os.truncate": (0,),
    "os.mkdir": (0,),
    "os.chmod": (0,),
    "os.chown": (0,),
    "os.utime": (0,),
    "os.setxattr": (0,),
    "shutil.rmtree": (0,),
    "sqlite3.connect": (0,),
}
"""Events that change files, and which of their arguments are paths."""
_NEVER = ("os.system", "os.exec", "os.spawn", "os.startfile", "os.kill", "os.killpg", "pty.spawn", "socket.connect")
_STARTS = ("subprocess.Popen", "os.posix_spawn", "os.forkpty")
_FORK = "os.fork"
_ANYWHERE = ("/dev/null", "/dev/shm", "/dev/tty", "/proc/self")
_WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
_MOST_FORKS = 4  # of one process
_DEEPEST = 2  # generations of processes below the one that explores


def audit(private: str, forks: bool, refuse: Callable[[str], NoReturn]) -> None:
    """Have ``refuse`` called with what the program tries to do outside of its ``private`` directory.

    With ``forks`` it may have a few processes.
    """
    private = os.path.realpath(private)
    explorer = os.getpid()
    mine = {"pid": explorer, "forks": 0, "depth": 0}

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        if event == "open":
            _look_at_open(arguments)
        elif event in _PATHS:
            for position in _PATHS[event]:
                if position < len(arguments):
                    _look_at(event, arguments[position])
        elif event == _FORK:
            _look_at_fork()
        elif (event in _NEVER or event in _STARTS) and not _by_the_lab():
            refuse(f"{event}{_told(arguments)}")

    def _look_at_open(arguments: tuple[Any, ...]) -> None:
        path, mode, flags = (*arguments, None, None, None)[:3]
        writes = isinstance(mode, str) and any(one in mode for one in "wax+")
        if writes or (mode is None and isinstance(flags, int) and flags & _WRITES):
            _look_at("open", path)

    def _look_at(event: str, path: Any) -> None:
        if not isinstance(path, str | bytes | os.PathLike) or path in (":memory:", ""):
            return  # a file descriptor, which was opened before
        try:
            folder, name = os.path.split(os.fsdecode(path))
            full = os.path.join(os.path.realpath(folder or "."), name)
        except (OSError, ValueError):
            return  # nor can it be opened
        if full == private or full.startswith((private + os.sep, *_ANYWHERE)):
            return
        refuse(f"{event}({os.fsdecode(path)!r})")

    def _look_at_fork() -> None:
        if os.getpid() != mine["pid"]:
            mine.update(pid=os.getpid(), forks=0, depth=mine["depth"] + 1)
        if os.getpid() == explorer and _by_the_lab():
            return
        mine["forks"] += 1
        if not forks:
            refuse("os.fork()")
        if mine["forks"] > _MOST_FORKS or mine["depth"] > _DEEPEST:
            refuse(f"os.fork(), more than {_MOST_FORKS} times")

    sys.addaudithook(hook)


def _by_the_lab() -> bool:
    """Whether the lab itself does it: the innermost frame that is no library's and no twin's is its own."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        name = frame.f_code.co_filename
        if name.startswith(LAB):
            if not name.startswith(_PASSED_OVER):
                return True
        elif not is_library(name):
            return False
        frame = frame.f_back
    return True


_PASSED_OVER = tuple(os.path.join(LAB, folder, "") for folder in ("training", "virtual", "child", "filesystem"))
"""The hook itself, and what is called in place of what the program calls."""


def _told(arguments: tuple[Any, ...]) -> str:
    text = ascii(arguments[:2])
    return text if len(text) <= 80 else text[:77] + "..."
