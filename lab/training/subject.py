"""Subject: what is trained on, a scenario or functions of any module; told in plain values, nothing is imported."""

from __future__ import annotations

import hashlib
import platform
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from lab.errors import InvalidValue
from lab.files import defines_scenario

FORMAT = 1
"""Of a study: another one is not read."""
STANDSTILLS = ("deadlock", "lost wakeup", "livelock")
"""Kinds of failure in which nobody goes on."""


@dataclass(frozen=True)
class Subject:
    """A file, and what of it is run: its scenario, or the functions of these names, or copies of one test."""

    path: str  # absolute
    setup: str = ""
    actors: tuple[str, ...] = ()
    check: str = ""
    test: str = ""

    @classmethod
    def of(cls, path: Path, setup: str = "", actors: tuple[str, ...] = (), check: str = "", test: str = "") -> Subject:
        """The subject in that file; raises InvalidValue where the names do not go together."""
        if not path.is_file():
            raise InvalidValue(f"{path}: no such file; give a Python file or the name of a scenario")
        named = bool(setup or actors or check)
        if defines_scenario(path):
            if named or test:
                raise InvalidValue(f"{path}: has a scenario, which says what is run; leave --setup and the like out")
        elif test and named:
            raise InvalidValue(f"--test {test}: says what is run, and so do --setup, --actor and --check; give either")
        elif named and not (setup and actors):
            missing = "--setup" if not setup else "--actor"
            raise InvalidValue(
                f"{path}: {missing} is missing; give --setup NAME, --actor NAME for each actor, --check NAME"
            )
        return cls(str(path.resolve()), setup, actors, check, test)

    @property
    def name(self) -> str:
        """What a person types, and what progress is kept under."""
        return Path(self.path).stem

    @property
    def is_scenario(self) -> bool:
        """Whether its file says by itself what is run."""
        return not (self.setup or self.test) and defines_scenario(Path(self.path))

    def source(self) -> str:
        """The text of the file; raises InvalidValue where it cannot be read as Python is."""
        import tokenize

        try:
            with tokenize.open(self.path) as file:
                return file.read()
        except OSError as error:
            raise InvalidValue(f"{self.path}: cannot be read ({error.strerror}); give a Python file") from None
        except (SyntaxError, UnicodeDecodeError) as error:
            raise InvalidValue(f"{self.path}: is not the text that it says it is ({error}); save it as UTF-8") from None

    def digest(self) -> str:
        """The same as long as a study of it is still true."""
        parts = (FORMAT, version("race-lab"), platform.python_version(), self.setup, self.actors, self.check, self.test)
        try:
            content = Path(self.path).read_bytes()
        except OSError as error:
            raise InvalidValue(f"{self.path}: cannot be read ({error.strerror}); give a Python file") from None
        return hashlib.sha256(repr(parts).encode() + content).hexdigest()[:16]

    def to_json(self) -> dict[str, Any]:
        """As `from_json` takes it."""
        return {
            "path": self.path,
            "setup": self.setup,
            "actors": list(self.actors),
            "check": self.check,
            "test": self.test,
        }

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Subject:
        """The subject that `to_json` told."""
        return cls(data["path"], data["setup"], tuple(data["actors"]), data["check"], data["test"])
