"""Witness: a schedule and its trace that lead to a failure; saved as JSON, loaded with suspicion."""

from __future__ import annotations

import functools
import hashlib
import json
import linecache
import os
import platform
import re
import reprlib
import stat
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lab.errors import InvalidType, WitnessError, door
from lab.interpreters import lock_is_on
from lab.origin import shown
from lab.program import Failure
from lab.replacing import replace_text
from lab.trace import Place, Step, Trace

FORMAT = 1
_LARGEST = 16 * 1024 * 1024  # bytes
_MOST_STEPS = 1_000_000
_MOST = 10**12  # schedules of a search, or calls of a test


@dataclass(frozen=True)
class Witness:
    """Enough to make the same failure happen again.

    ``target`` says what was run (a scenario's or test's node id; empty for a plain
    call); ``decisions`` identifies the sites before which actors could be switched;
    ``last`` is the actor that ran when the failure showed; ``call`` says which
    exploration of the target it was, from 1 (0: unknown), and ``called`` at what
    line; ``copies`` is how many copies of an ordinary test were the actors
    (0: they were given by a call); the last ``repeats`` steps come again and again until the
    bound on steps (0: none do); ``critical`` are the numbers, from 1, of the two steps whose order
    decided, ``pattern`` is the name of what they make and ``story`` tells it in one sentence, each empty
    where it is not known; ``program`` says how its parts are imported;
    ``code`` holds a fingerprint of each function that took a step.
    """

    actors: tuple[str, ...]
    trace: Trace
    failure: Failure
    last: str
    decisions: frozenset[tuple[str, str, int, str]] = frozenset()
    target: str = ""
    strategy: str = ""
    seed: int = 0
    found: int = 0
    call: int = 0
    called: str = ""
    copies: int = 0
    python: str = field(default_factory=platform.python_version)
    build: str = field(default_factory=lambda: build_name())
    code: dict[str, str] = field(default_factory=dict)
    carrier: str = ""  # what the actors ran on
    repeats: int = 0
    critical: tuple[int, ...] = ()
    pattern: str = ""
    story: str = ""
    program: dict[str, Any] = field(default_factory=dict)  # as `lab.pinning` tells it
    order: str = "fifo"  # of callbacks, where tasks were among the actors
    cancels: tuple[str, ...] = ()  # whose task could be cancelled
    crashes: tuple[str, ...] = ()  # whose process could be killed

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write to ``path``, at once or not at all; its folder is made if need be."""
        destination = Path(path)
        destination.parent.mkdir(parents=True, exist_ok=True)
        text = json.dumps(self._to_json(), indent=1, ensure_ascii=False) + "\n"
        replace_text(destination, text)
        return destination

    @classmethod
    @door
    def load(cls, path: str | os.PathLike[str]) -> Witness:
        """Read a witness; raises WitnessError, a ValueError of one line, for any other file."""
        if not isinstance(path, str | os.PathLike):
            raise InvalidType(f"witness={path!r}: give the path of a file that Witness.save() wrote")
        where = f"witness {_printable(os.fspath(path))}"
        text = _read(path, where)
        try:
            data = json.loads(text, parse_constant=_refuse_constant)
        except RecursionError:
            raise WitnessError(f"{where}: nested too deeply; give a file that Witness.save() wrote") from None
        except ValueError as error:
            reason = getattr(error, "msg", str(error))
            line = f", line {error.lineno}" if isinstance(error, json.JSONDecodeError) else ""
            raise WitnessError(f"{where}: not JSON ({reason}{line}); it may be cut off; record a new one") from None
        return _from_json(data, where)

    @property
    def name(self) -> str:
        """A file name that two different witnesses do not share."""
        digest = hashlib.sha256(json.dumps(self._to_json(), sort_keys=True).encode()).hexdigest()[:8]
        file, _, item = self.target.partition("::")
        words = f"{file.rpartition('/')[2].removesuffix('.py')}-{item}"
        base = re.sub(r"[^A-Za-z0-9_.]+", "-", words).strip("-.")
        return f"{base[:60] or 'witness'}-{digest}.json"

    def _to_json(self) -> dict[str, Any]:
        places: dict[Place, int] = {}
        steps = []
        for step in self.trace.steps:
            place = places.setdefault(step.place, len(places))
            steps.append([self.actors.index(step.actor), place, step.word, step.name, step.value])
        return {
            "race-lab witness": FORMAT,
            "target": self.target,
            "python": self.python,
            "build": self.build,
            "strategy": self.strategy,
            "seed": self.seed,
            "carrier": self.carrier,
            "found": self.found,
            "call": self.call,
            "called": self.called,
            "copies": self.copies,
            "failure": {
                "kind": self.failure.kind,
                "message": self.failure.message,
                "detail": list(self.failure.detail),
            },
            "actors": list(self.actors),
            "schedule": str(self.trace.schedule),
            "last": self.last,
            "repeats": self.repeats,
            "critical": list(self.critical),
            "pattern": self.pattern,
            "story": self.story,
            "program": self.program,
            "code": self.code,
            "places": [
                [shown(place.file), place.function, place.number, place.operation, place.line] for place in places
            ],
            "steps": steps,
            "decisions": sorted(list(identity) for identity in self.decisions),
            **({"order": self.order} if self.order != "fifo" else {}),
            **({"cancels": list(self.cancels)} if self.cancels else {}),
            **({"crashes": list(self.crashes)} if self.crashes else {}),
        }


def build_name() -> str:
    """Which kind of build runs: with or without the global interpreter lock."""
    return "gil" if lock_is_on() else "free-threaded"


def fingerprints(steps: Iterable[Step]) -> dict[str, str]:
    """Function -> digest of its source lines, blank lines and comments left out."""
    found: dict[str, str] = {}
    for step in steps:
        place = step.place
        key = f"{place.file.rsplit(os.sep, 1)[-1]}::{place.function}"
        if key not in found:
            found[key] = fingerprint(place.file, place.function)
    return found


@functools.lru_cache(maxsize=1024)
def _functions(filename: str, size: int, modified: float) -> dict[str, str]:
    import ast

    try:
        tree = ast.parse("".join(linecache.getlines(filename)))
    except (SyntaxError, ValueError, RecursionError):
        return {}
    found: dict[str, str] = {}

    def walk(node: ast.AST, prefix: str) -> None:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                name = prefix + child.name
                if not isinstance(child, ast.ClassDef):
                    found[name] = hashlib.sha256(ast.dump(child).encode()).hexdigest()[:16]
                walk(child, name + ("." if isinstance(child, ast.ClassDef) else ".<locals>."))
            else:
                walk(child, prefix)

    walk(tree, "")
    return found


def fingerprint(filename: str, function: str) -> str:
    """The digest of a function's syntax tree; empty where its source is not to be found."""
    try:
        status = os.stat(filename)
    except OSError:
        return ""
    linecache.checkcache(filename)
    name = function.removesuffix(".<lambda>").removesuffix(".<locals>")
    return _functions(filename, status.st_size, status.st_mtime).get(name, "")


# ------------------------------------------------------------------ reading


def _read(path: str | os.PathLike[str], where: str) -> str:
    try:
        with open(path, "rb", opener=_without_waiting) as file:
            regular = stat.S_ISREG(os.fstat(file.fileno()).st_mode)
            content = file.read(_LARGEST + 1) if regular else b""
    except OSError as error:
        raise WitnessError(f"{where}: cannot be read ({error.strerror}); give the path of a saved witness") from None
    except ValueError as error:  # a NUL in the path
        raise WitnessError(f"{where}: cannot be read ({error}); give the path of a saved witness") from None
    if not regular:
        raise WitnessError(f"{where}: not a regular file; give a file that Witness.save() wrote")
    if len(content) > _LARGEST:
        raise WitnessError(f"{where}: larger than {_LARGEST >> 20} MiB; a witness never is; record a new one")
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        raise WitnessError(f"{where}: not UTF-8 text; give a file that Witness.save() wrote") from None


def _without_waiting(path: str, flags: int) -> int:
    """Open a named pipe at once, to refuse it, instead of waiting for its other end."""
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))


def _printable(text: str | bytes) -> str:
    shown = os.fsdecode(text)
    return shown if shown.isprintable() else ascii(shown)


def _refuse_constant(name: str) -> float:
    raise ValueError(f"{name} is not a number")


def _from_json(data: Any, where: str) -> Witness:
    if not isinstance(data, dict) or "race-lab witness" not in data:
        raise WitnessError(f"{where}: not a witness; give a file that Witness.save() wrote")
    version = data["race-lab witness"]
    if version is True or version != FORMAT:
        raise WitnessError(
            f"{where}: has format {_short(version)}, this version reads format {FORMAT}; "
            "record a new one with this version"
        )
    read = _Reader(data, where)
    actors = tuple(read.names("actors"))
    places = [Place(*row) for row in read.rows("places", (str, str, int, str, int))]
    steps = []
    for row in read.rows("steps", (int, int, str, str, (str, type(None)))):
        if not (0 <= row[0] < len(actors) and 0 <= row[1] < len(places)):
            raise read.wrong("steps", row)
        steps.append(Step(actors[row[0]], places[row[1]], *row[2:]))
    trace = Trace(tuple(steps))
    if read.value("schedule", str) != str(trace.schedule):
        raise read.wrong("schedule", data["schedule"])
    failure = read.value("failure", dict)
    if not _fits([failure.get("kind"), failure.get("message"), failure.get("detail")], (str, str, list)):
        raise read.wrong("failure", failure)
    if not all(isinstance(line, str) for line in failure["detail"]):
        raise read.wrong("failure", failure)
    code = read.value("code", dict)
    if not all(isinstance(digest, str) for digest in code.values()):
        raise read.wrong("code", code)
    return Witness(
        actors=actors,
        trace=trace,
        failure=Failure(failure["kind"], failure["message"], tuple(failure["detail"])),
        last=read.name("last"),
        decisions=frozenset((row[0], row[1], row[2], row[3]) for row in read.rows("decisions", (str, str, int, str))),
        target=read.name("target"),
        strategy=read.name("strategy"),
        seed=read.value("seed", int),
        found=read.number("found", _MOST),
        call=read.number("call", _MOST),
        called=read.name("called"),
        copies=read.number("copies", len(actors)),  # each of them is one
        python=read.name("python"),
        build=read.name("build"),
        code=dict(code),
        # what the first witnesses of this format had not
        carrier=read.name("carrier") if "carrier" in data else "",
        repeats=read.number("repeats", len(steps)) if "repeats" in data else 0,
        critical=read.pair("critical", len(steps)) if "critical" in data else (),
        pattern=read.name("pattern") if "pattern" in data else "",
        story=read.name("story") if "story" in data else "",
        program=read.value("program", dict) if "program" in data else {},
        order=read.name("order") if "order" in data else "fifo",
        cancels=tuple(read.names("cancels")) if "cancels" in data else (),
        crashes=tuple(read.names("crashes")) if "crashes" in data else (),
    )


def _fits(row: list[Any], kinds: tuple[Any, ...]) -> bool:
    return all(isinstance(value, kind) and not isinstance(value, bool) for value, kind in zip(row, kinds, strict=True))


class _Reader:
    """Takes fields out of the JSON object, or says which is wrong."""

    def __init__(self, data: dict[str, Any], where: str) -> None:
        self._data = data
        self._where = where

    def value(self, field_name: str, kind: Any) -> Any:
        if field_name not in self._data:
            raise WitnessError(f"{self._where}: has no field {field_name!r}, which every witness has; record a new one")
        found = self._data[field_name]
        if not isinstance(found, kind) or isinstance(found, bool):
            raise self.wrong(field_name, found)
        return found

    def number(self, field_name: str, most: int) -> int:
        found: int = self.value(field_name, int)
        if not 0 <= found <= most:
            raise self.wrong(field_name, found)
        return found

    def pair(self, field_name: str, most: int) -> tuple[int, ...]:
        """The numbers of at most two steps in their order."""
        found = self.value(field_name, list)
        fits = len(found) <= 2 and _fits(found, (int,) * len(found)) and found == sorted(set(found))
        if not fits or not all(1 <= number <= most for number in found):
            raise self.wrong(field_name, found)
        return tuple(found)

    def name(self, field_name: str) -> str:
        """Text that is printed as it is, or run as part of a command."""
        found: str = self.value(field_name, str)
        if not found.isprintable():
            raise self.wrong(field_name, found)
        return found

    def names(self, field_name: str) -> list[str]:
        found = self.value(field_name, list)
        if not all(isinstance(one, str) and one.isprintable() for one in found):
            raise self.wrong(field_name, found)
        return list(found)

    def rows(self, field_name: str, kinds: tuple[Any, ...]) -> list[list[Any]]:
        found = self.value(field_name, list)
        if len(found) > _MOST_STEPS:
            raise self.wrong(field_name, f"{len(found)} rows")
        for row in found:
            if not isinstance(row, list) or len(row) != len(kinds) or not _fits(row, kinds):
                raise self.wrong(field_name, row)
        return list(found)

    def wrong(self, field_name: str, found: object) -> WitnessError:
        return WitnessError(
            f"{self._where}: field {field_name!r} holds {_short(found)}, which no witness has; record a new one"
        )


def _short(found: object) -> str:
    text = reprlib.repr(found)  # bounded in depth, too
    return text if len(text) <= 60 else text[:57] + "..."
