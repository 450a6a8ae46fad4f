"""The interpreters of this machine, and whether the lab can be imported in them."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from lab.errors import InvalidValue

_NAME = re.compile(r"python3?(\.\d+t?)?(\.exe)?")
_VERSION = re.compile(r"\d+\.\d+(\.\d+)?t?")
_OLDEST = (3, 11)
_SECONDS = 30.0  # until an interpreter that does not answer is left alone
_ASK = """\
import sys
sys.path[:] = [one for one in sys.path if one]  # the current folder may hold another lab
import json, platform, sysconfig
told = {
    "version": platform.python_version(),
    "number": sys.version_info[:2],
    "free_threaded": bool(sysconfig.get_config_var("Py_GIL_DISABLED")),
    "path": sys.executable,
    "lab": "",
    "why": "",
}
if sys.version_info >= (3, 11):
    try:
        from importlib.metadata import version
        import lab.cli, bytecode
        told["lab"] = version("race-lab")
    except Exception as error:
        told["why"] = "{}: {}".format(type(error).__name__, error)
print(json.dumps(told))
"""


@dataclass(frozen=True)
class Interpreter:
    """An interpreter in which the lab can be imported."""

    path: str
    version: str  # such as 3.13.5
    free_threaded: bool  # built without the global interpreter lock
    lab: str  # the lab's version there

    @property
    def name(self) -> str:
        """What a person types for it, such as 3.13t."""
        return f"{'.'.join(self.version.split('.')[:2])}{'t' if self.free_threaded else ''}"

    def __str__(self) -> str:
        return f"Python {self.version}{', free-threaded' if self.free_threaded else ''} ({self.path})"


def this() -> Interpreter:
    """The interpreter that runs."""
    from importlib.metadata import version
    from platform import python_version

    return Interpreter(sys.executable, python_version(), is_free_threaded(), version("race-lab"))


def is_free_threaded() -> bool:
    """Whether this interpreter was built without the global interpreter lock, which may be on all the same."""
    return bool(sysconfig.get_config_var("Py_GIL_DISABLED"))


def lock_is_on() -> bool:
    """Whether the global interpreter lock is on now, which it is for good once a package has turned it on."""
    return bool(getattr(sys, "_is_gil_enabled", lambda: True)())


def found(folder: Path) -> list[Interpreter]:
    """One interpreter of each other version and build that has the lab: of a virtual environment, on PATH, of pyenv.

    ``folder`` is the project's, for the environments that stand in it.
    """
    builds: dict[tuple[str, bool], Interpreter] = {}
    own = this()
    for one in _answers([str(path) for path in _candidates(folder)]):
        if isinstance(one, Interpreter) and (one.version, one.free_threaded) != (own.version, own.free_threaded):
            builds.setdefault((one.version, one.free_threaded), one)
    return sorted(builds.values(), key=lambda one: (*_numbers(one.version), one.free_threaded))


def named(text: str, folder: Path, where: str = "--python") -> Interpreter:
    """The interpreter that a person named by a path, a command or a version such as 3.13t.

    Raises InvalidValue in one line where there is none, or the lab cannot be imported there.
    """
    if _VERSION.fullmatch(text):
        return _of_version(text, folder, where)
    if os.sep in text or (os.altsep is not None and os.altsep in text):
        path = Path(text)
        if path.is_dir():
            raise InvalidValue(f"{where} {text}: is a folder; give the interpreter in it, such as {_inside(path)}")
        if not path.exists():
            raise InvalidValue(f"{where} {text}: no such file; give the path of an interpreter")
        command = os.path.abspath(path)
    else:
        command = shutil.which(text) or ""
        if not command:
            raise InvalidValue(f"{where} {text}: no such command; give one on PATH, a path, or a version such as 3.13t")
    (answer,) = _answers([command])
    if isinstance(answer, str):
        raise InvalidValue(f"{where} {text}: {answer}")
    return answer


def _of_version(text: str, folder: Path, where: str) -> Interpreter:
    others = found(folder)
    full = text.removesuffix("t")
    for one in others:
        if one.free_threaded == text.endswith("t") and full in (one.version, one.name.removesuffix("t")):
            return one
    known = f"found {'is' if len(others) == 1 else 'are'} {', '.join(one.name for one in others)}" if others else ""
    raise InvalidValue(
        f"{where} {text}: none is found that has the lab beside the interpreter that runs; "
        f"{known or 'none other is found at all'}; give its path"
    )


# ------------------------------------------------------------------ where they may be


def _candidates(folder: Path) -> list[Path]:
    environments = [path for name in (".venv*", "venv*", ".tox/*") for path in sorted(folder.glob(name))]
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    places = [_inside(path) for path in environments]
    for entry in os.environ.get("PATH", "").split(os.pathsep):
        if entry and Path(entry) != pyenv / "shims":  # which are slow, and lead to what is looked at in any case
            places += sorted(path for path in _listed(Path(entry)) if _NAME.fullmatch(path.name))
    places += [_inside(path) for path in sorted(_listed(pyenv / "versions"))]
    files = {(path.parent.resolve(), path.resolve()): path for path in reversed(places) if path.is_file()}
    return [path for path in reversed(files.values()) if not _is_old(path)]


def _is_old(path: Path) -> bool:
    """Whether the name of the file, or of the folder of its version, tells that the lab cannot run there."""
    told = [re.match(r"(?:python)?(\d+)\.(\d+)", name) for name in (path.name, path.parent.parent.name)]
    return any(one is not None and (int(one[1]), int(one[2])) < _OLDEST for one in told)


def _listed(folder: Path) -> list[Path]:
    try:
        return list(folder.iterdir())
    except OSError:
        return []


def _inside(environment: Path) -> Path:
    return environment.joinpath(*(("Scripts", "python.exe") if sys.platform == "win32" else ("bin", "python")))


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", version)[:3])


# ------------------------------------------------------------------ who they are


def _answers(commands: Sequence[str]) -> list[Interpreter | str]:
    """What each command is, or why it cannot be used, as the end of a line that begins with its name."""
    asked = [_ask(command) for command in commands]
    return [_answer(command, *one) for command, one in zip(commands, asked, strict=True)]


def _ask(command: str) -> tuple[subprocess.Popen[bytes] | None, IO[bytes], str]:
    said = tempfile.TemporaryFile()  # noqa: SIM115 - `_answer` closes it
    nothing = subprocess.DEVNULL
    try:
        return subprocess.Popen([command, "-c", _ASK], stdin=nothing, stdout=said, stderr=nothing), said, ""
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        return None, said, f"cannot be run ({why}); give the path of a Python interpreter"


def _answer(command: str, process: subprocess.Popen[bytes] | None, said: IO[bytes], why: str) -> Interpreter | str:
    with said:
        if process is None:
            return why
        try:
            process.wait(_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            return f"has not told its version in {_SECONDS:g} s; give the path of a Python interpreter"
        said.seek(0)
        try:
            told: dict[str, Any] = json.loads(said.read())
            number, version = tuple(told["number"]), str(told["version"])
            one = Interpreter(str(told["path"]), version, bool(told["free_threaded"]), str(told["lab"]))
        except (ValueError, TypeError, KeyError):
            return "does not answer as Python does; give the path of a Python interpreter"
    if number < _OLDEST:
        return f"is Python {version}; the lab needs {'.'.join(map(str, _OLDEST))} or later"
    if not one.lab:
        install = f"{command} -m pip install race-lab"
        return f"the lab cannot be imported there ({' '.join(str(told['why']).split())}); install it with {install}"
    return one
