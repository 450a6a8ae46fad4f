"""Subject: what is trained on, a scenario or functions of any module; told in plain values, nothing is imported."""

from __future__ import annotations

import hashlib
import platform
from collections import Counter
from collections.abc import Iterable
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
    family: str = ""  # of a scenario of the catalogue

    @classmethod
    def of(
        cls,
        path: Path,
        setup: str = "",
        actors: tuple[str, ...] = (),
        check: str = "",
        test: str = "",
        *,
        catalogue: Path | None = None,
    ) -> Subject:
        """The subject in that file, which may be one of the ``catalogue`` below that folder.

        Raises InvalidValue where the names do not go together.
        """
        if not path.is_file():
            raise InvalidValue(f"{path}: no such file; give a Python file or the name of a scenario")
        if path.suffix != ".py":
            raise InvalidValue(f"{path}: is no Python file; give one, or the name of a scenario")
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
        whole = path.resolve()
        listed = catalogue is not None and whole.is_relative_to(catalogue.resolve()) and defines_scenario(path)
        return cls(str(whole), setup, actors, check, test, whole.parent.name if listed else "")

    @property
    def name(self) -> str:
        """What a person is told; not always one subject's alone."""
        return Path(self.path).stem

    @property
    def key(self) -> str:
        """What progress is kept under; there is a slash in it, which there is in no `name`.

        Of a scenario the name in the catalogue, whichever copy of that it stands in; of other code its path, and what
        of it runs.
        """
        if self.family:
            return f"{self.family}/{self.name}"
        functions = [actor.rpartition("=")[2] for actor in self.actors]
        run = " ".join(filter(None, (self.test, self.setup, *functions)))
        return f"{self.path}::{run}" if run else self.path

    @property
    def slug(self) -> str:
        """The same for the names of files."""
        if self.family:
            return f"{self.family}-{self.name}"
        return f"{self.name}-{hashlib.sha256(self.key.encode('utf-8', 'surrogateescape')).hexdigest()[:8]}"

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
        beside = "" if self.family else self.path  # where what it imports stands
        try:
            content = Path(self.path).read_bytes()
        except OSError as error:
            raise InvalidValue(f"{self.path}: cannot be read ({error.strerror}); give a Python file") from None
        return hashlib.sha256(repr((*parts, beside)).encode() + content).hexdigest()[:16]

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


def by_name(subjects: Iterable[Subject]) -> dict[str, Subject]:
    """The subjects by their names; those of one name by their slugs."""
    every = list(subjects)
    names = Counter(subject.name for subject in every)
    return {subject.name if names[subject.name] == 1 else subject.slug: subject for subject in every}
