"""What is known of each subject, kept from session to session: so that an answer can be judged at once."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event
from typing import Any

from lab.errors import InvalidValue
from lab.replacing import replace_text
from lab.training.confined import ask, required
from lab.training.subject import Subject

_SECONDS = 90.0
"""Most that the facts about one variant may take; most need one or two."""


_REMEDY = "give another folder with --data"
_TIME_UP = re.compile(r"\bwhen the time was up\b")
_MANY = 20  # schedules
_RARE = 0.001
"""A share of hammered rounds."""


@dataclass(frozen=True)
class Description:
    """A subject's words and code; plain values."""

    title: str
    story: str
    bug_class: str
    hint: str
    review: list[str]
    wanted: str  # the outcomes that are right, in one line
    variants: dict[str, bool | None]  # whether it is promised to fail
    code: dict[str, list[tuple[int, str]]]
    editable: dict[str, str]


@dataclass(frozen=True)
class Facts:
    """What the engine found about one variant; see `lab.training.measuring`."""

    status: str
    reason: str
    schedules: int
    model: str
    actors: list[str]
    must_fail: bool | None = None
    failure: dict[str, str] | None = None
    pattern: str = ""
    patterns: list[str] = field(default_factory=list)
    story: str = ""
    schedule: str = ""  # of the shortest witness, as a person would type it
    playable: bool = False  # whether that is enough to make it fail again
    strikes: bool = False  # whether actors may be cancelled or killed
    steps: int = 0
    switches: int = 0
    pairs: list[list[int]] = field(default_factory=list)
    rate: float | None = None
    rate_interval: list[float] = field(default_factory=list)
    rounds: int = 0
    overlap: float | None = None
    under_one_lock: float | None = None
    passing: str = ""

    @property
    def fails(self) -> bool:
        """Whether a witness was found."""
        return self.status == "fails" and self.failure is not None

    @property
    def level(self) -> int:
        """How hard it is to see, from 1 to 5.

        By the steps and switches of the shortest witness, the actors, how many classes of schedules were tried until
        it failed, and how often it does for real.
        """
        hard = [self.steps > 6, self.switches > 2 or len(self.actors) > 2, self.model != "threads"]
        hard.append(self.schedules > _MANY)
        rare = bool(self.rate_interval) and self.rate_interval[1] < _RARE  # surely, and not for want of rounds
        return min(5, 1 + sum((*hard, rare)))


class Studies:
    """A folder of them; what is not there is found out."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.stopped = Event()  # once set, nothing is found out any more
        self._known: dict[tuple[str, str], Any] = {}

    def description(self, subject: Subject) -> Description:
        """Raises LabError in one line where the subject cannot be run."""
        return Description(
            **self._get(subject, "", lambda: required(ask("describe", subject, stopped=self.stopped), subject))
        )

    def facts(self, subject: Subject, variant: str) -> Facts:
        """Measured where it is not known; raises LabError in one line where that cannot be done."""

        def measure() -> dict[str, Any]:
            witness = self.witness(subject, variant)
            _make(witness.parent)
            where, stopped = str(witness), self.stopped
            reply = ask("measure", subject, seconds=_SECONDS, stopped=stopped, variant=variant, witness=where)
            return required(reply, subject)

        return Facts(**self._get(subject, variant, measure))

    def known(self, subject: Subject, variant: str) -> Facts | None:
        """The facts if they are known already."""
        found = self._read(self._path(subject, variant))
        return Facts(**found) if found is not None else None

    def witness(self, subject: Subject, variant: str) -> Path:
        """Where the shortest witness is kept."""
        return self._folder / f"{subject.name}-{subject.digest()}-{variant}.witness.json"

    def _path(self, subject: Subject, variant: str) -> Path:
        return self._folder / f"{subject.name}-{subject.digest()}{'-' if variant else ''}{variant}.json"

    def _get(self, subject: Subject, variant: str, find: Any) -> dict[str, Any]:
        path = self._path(subject, variant)
        key = (str(path), variant)
        if key not in self._known:
            found = self._read(path)
            if found is not None and found.get("status") == "fails" and not self.witness(subject, variant).is_file():
                found = None
            if found is None:
                found = find()
                if not _TIME_UP.search(found.get("reason", "")):  # a faster hour may tell more
                    write(path, found)
            self._known[key] = found
        known: dict[str, Any] = self._known[key]
        return known

    def _read(self, path: Path) -> dict[str, Any] | None:
        """What stands in the file; None where it is not there, or is none of ours."""
        try:
            found = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None
        if not isinstance(found, dict):
            return None
        kind: Any = Facts if "status" in found else Description
        needed = {"status", "reason", "schedules", "model", "actors"} if kind is Facts else set(kind.__annotations__)
        return found if needed <= set(found) <= set(kind.__annotations__) else None


def write(path: Path, content: Mapping[str, Any], remedy: str = _REMEDY) -> None:
    """As JSON, at once or not at all; raises InvalidValue in one line, with the remedy, where it cannot be written."""
    _make(path.parent, remedy)
    try:
        replace_text(path, json.dumps(content, indent=1, ensure_ascii=False) + "\n")
    except OSError as error:
        raise InvalidValue(f"{path}: cannot be written ({error.strerror}); {remedy}") from None


def _make(folder: Path, remedy: str = _REMEDY) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InvalidValue(f"{folder}: cannot be made ({error.strerror}); {remedy}") from None
