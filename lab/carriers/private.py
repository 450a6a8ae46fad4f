"""A private directory for each execution, and somebody who removes it even if the runner is killed."""

from __future__ import annotations

import functools
import os
import secrets
import stat
import sys
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from itertools import count
from typing import Any

from lab.errors import LabError

_SHELL = "/bin/sh"
_JANITOR = r"""
while read -r word what; do
  case "$word" in
    group) groups="$groups $what" ;;
    none) groups="" ;;
    done) groups=""; break ;;
  esac
done
[ -f "$1/groups" ] && groups="$groups $(cat "$1/groups")"
for group in $groups; do kill -9 "-$group" 2>/dev/null; done
if [ -f "$1/segments" ]; then
  while read -r number name; do
    [ "$(stat -c %i -- "/dev/shm/$name" 2>/dev/null)" = "$number" ] && rm -f -- "/dev/shm/$name"
  done < "$1/segments"
fi
chmod -R u+rwx -- "$1" 2>/dev/null
rm -rf -- "$1"
"""
"""Reads until the runner is no more, however it ended, and then cleans up behind it."""

_getcwd, _chdir, _chmod, _mkdir, _rmdir = os.getcwd, os.chdir, os.chmod, os.mkdir, os.rmdir
_scandir, _unlink = os.scandir, os.unlink  # all as they were before anything was put in their place
_IN_MEMORY = "/dev/shm"
_ROOM = 1 << 30  # bytes that have to be free there
_SMALL = 200  # bytes of a file that is shown
_MOST_FILES = 12


@functools.cache
def _token(process: int) -> str:
    """The same for all explorations of a process, of which one goes on at a time: programs see the path."""
    return secrets.token_hex(6)


class PrivateDirectory:
    """Made for one exploration; `fresh` is the working directory of one execution.

    ``base`` has two parts: the working directory, and a directory for temporary files.
    """

    def __init__(self) -> None:
        folder = os.path.realpath(above())
        self.base = os.path.join(folder, f"race-lab-{os.getpid()}-{_token(os.getpid())}")
        self.work = os.path.join(self.base, "work")
        self.groups_file = os.path.join(self.base, "groups")
        self.temporary = os.path.join(self.base, "tmp")
        self.segments = os.path.join(self.base, "shm")  # of shared memory that has a name
        self._environment: dict[str, str | None] | None = None  # what it told before
        self.fd = -1  # what the janitor reads from
        self._janitor = self._employ()
        try:
            os.mkdir(self.base, 0o700)
        except OSError as error:
            self.close()
            raise LabError(
                f"on='processes': no private directory can be made in {folder} ({error.strerror}); "
                "set TMPDIR to a directory that can be written to"
            ) from None

    def _employ(self) -> int:
        """The process that cleans up if this one cannot; 0 where there is no shell."""
        if not os.path.exists(_SHELL):
            return 0
        theirs, self.fd = os.pipe()
        actions = [(os.POSIX_SPAWN_DUP2, theirs, 0)]
        actions += [(os.POSIX_SPAWN_OPEN, fd, os.devnull, os.O_WRONLY, 0) for fd in (1, 2)]  # type: ignore[misc]
        arguments = [_SHELL, "-c", _JANITOR, "race-lab", self.base]
        try:
            return os.posix_spawn(_SHELL, arguments, {"PATH": os.defpath}, file_actions=actions, setsid=True)
        except NotImplementedError:  # no sessions here
            return os.posix_spawn(_SHELL, arguments, {"PATH": os.defpath}, file_actions=actions, setpgroup=0)
        finally:
            os.close(theirs)

    def groups(self, leaders: Iterable[int]) -> None:
        """Process groups that the janitor has to end as well, in place of those that were named before.

        Unlike what it is told, it reads them at the end only, so nobody is woken.
        """
        with open(self.groups_file, "w") as file:
            file.write(" ".join(map(str, leaders)))

    def forget_groups(self) -> None:
        """All of them have been ended."""
        try:
            _unlink(self.groups_file)
        except FileNotFoundError:
            return

    def tell(self, message: str) -> None:
        """Let the janitor know of something that it has to end as well."""
        if self.fd >= 0:
            with suppress(OSError):
                os.write(self.fd, f"{message}\n".encode())

    def small_files(self) -> Iterator[tuple[str, str]]:
        """The path in the working directory and the content of each file there that is short."""
        found = sorted(os.path.join(folder, name) for folder, _, names in os.walk(self.work) for name in names)
        for path in found[:_MOST_FILES]:
            with suppress(OSError):
                if stat.S_ISREG(os.lstat(path).st_mode):
                    with open(path, "rb") as file:
                        content = file.read(_SMALL + 1)
                    if len(content) <= _SMALL and b"\0" not in content:
                        yield os.path.relpath(path, self.work), content.decode("utf-8", "backslashreplace")

    @contextmanager
    def fresh(self) -> Iterator[None]:
        """Empty directories, of which the first is where the process is."""
        try:
            before: str | None = _getcwd()
        except OSError:  # it was removed
            before = None
        try:
            self._empty()
            for path in (self.work, self.temporary, self.segments):
                _mkdir(path, 0o700)
        except OSError as error:
            raise LabError(
                f"on='processes': the private directory {self.work} cannot be made anew ({error.strerror}); "
                "make room there, or set TMPDIR to another directory"
            ) from None
        had, tempfile.tempdir = tempfile.tempdir, self.temporary
        module: Any = tempfile  # whose names are to be the same in every execution: programs show them
        names = map("0_{:06}".format, count(1))  # kept here: to let go of it would be up to each child
        sequence, module._name_sequence = module._name_sequence, names
        self._name_temporary()
        _chdir(self.work)
        config = _kept_by_multiprocessing()
        library = config.get("tempdir")
        try:
            yield
        finally:
            tempfile.tempdir, module._name_sequence = had, sequence
            config = _kept_by_multiprocessing()
            config.pop("tempdir", None)
            if library is not None:
                config["tempdir"] = library
            _end_below(self.base)
            _chdir(before if before is not None else "/")

    def _name_temporary(self) -> None:
        """Let the environment tell of the directory for temporary files, until all is over."""
        now = [*map(os.environ.get, _TEMPORARY)]
        if now == [self.temporary] * len(now):
            return
        if self._environment is None:
            self._environment = dict(zip(_TEMPORARY, now, strict=True))
        os.environ.update(dict.fromkeys(_TEMPORARY, self.temporary))

    def _empty(self) -> None:
        for path in (self.work, self.temporary, self.segments):
            remove(path)

    def close(self) -> None:
        """Remove everything, let the environment be as it was, and let the janitor go."""
        for name, value in (self._environment or {}).items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
        self._environment = None
        remove(self.base)
        if self.fd >= 0:
            self.tell("done")  # a process that setup has started may have the pipe as well
            os.close(self.fd)
            self.fd = -1
        if self._janitor:
            os.waitpid(self._janitor, 0)
            self._janitor = 0


def above() -> str:
    """Where private directories are made if nobody chose: in memory if there is room, as nothing waits for a disk."""
    usual = tempfile.gettempdir()
    if usual != "/tmp" or any(os.environ.get(name) for name in _TEMPORARY):
        return usual
    try:
        there = os.statvfs(_IN_MEMORY)
    except OSError:
        return usual
    room = there.f_bavail * there.f_frsize >= _ROOM and os.access(_IN_MEMORY, os.W_OK | os.X_OK)
    return _IN_MEMORY if room else usual


def _kept_by_multiprocessing() -> dict[str, Any]:
    """Where the library keeps the path of its own temporary directory."""
    process = sys.modules.get("multiprocessing.process")
    if process is None:
        return {}
    config: dict[str, Any] = process.current_process()._config
    return config


def _end_below(path: str) -> None:
    """Have the library end managers that serve there, and not remove at its end what is gone by then.

    Later a manager would be ended by its address, which is that of another one in the next execution.
    """
    registry: dict[Any, Any] = getattr(sys.modules.get("multiprocessing.util"), "_finalizer_registry", {})
    for finalizer in list(registry.values()):
        name = getattr(finalizer._callback, "__name__", "")
        if name == "_finalize_manager" and path in str(finalizer._args):
            finalizer()
    for finalizer in list(registry.values()):
        if getattr(finalizer._callback, "__name__", "") == "_remove_temp_dir" and path in str(finalizer._args):
            finalizer.cancel()


_TEMPORARY = ("TMPDIR", "TEMP", "TMP")


def remove(path: str) -> None:
    """Remove a directory and what is in it, whatever its mode is; nothing outside of it, links included."""
    with suppress(OSError):  # mostly there is nothing in it
        _rmdir(path)
        return
    try:
        entries = list(_scandir(path))
    except FileNotFoundError:
        return
    except PermissionError:
        _chmod(path, stat.S_IRWXU)
        entries = list(_scandir(path))
    for entry in entries:
        if entry.is_dir(follow_symlinks=False):
            remove(entry.path)
            continue
        try:
            _unlink(entry.path)
        except PermissionError:
            _chmod(path, stat.S_IRWXU)
            _unlink(entry.path)
    try:
        _rmdir(path)
    except PermissionError:
        _chmod(os.path.dirname(path), stat.S_IRWXU)
        _rmdir(path)
