"""Build the site: gather what has changed since the last time, write the pages, remove those that are no more."""

from __future__ import annotations

import hashlib
import json
import secrets
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from lab.catalogue import scenario_paths
from lab.errors import InvalidValue
from lab.origin import LAB
from lab.replacing import WRITING, replace_text
from lab.site.pages import pages_of
from lab.site.workers import gather_all

MARKER = ".race-lab-site"
"""A folder in the site with what is known of each scenario; where it stands, there is a site."""

_WRITTEN_IN = 60.0  # seconds, at most, for one file

Record = dict[str, Any]


@dataclass
class Built:
    """What was done."""

    scenarios: int = 0
    gathered: int = 0  # of them, those that were not known or have changed
    written: int = 0  # pages
    removed: int = 0
    broken: list[str] = field(default_factory=list)  # one line for each scenario that has no page


def build(destination: Path, scenarios: Path, tell: Callable[[str], None] = lambda told: None) -> Built:
    """Build the site of the catalogue below ``scenarios`` in ``destination``.

    ``tell`` is told how far it is.  Raises InvalidValue in one line for a folder that cannot be built in.
    """
    paths = scenario_paths(scenarios)
    _claim(destination)
    built = Built(len(paths))
    known: dict[Path, Record] = {}
    digests = {path: _digest(path) for path in paths}
    for path in paths:
        record = _remembered(destination, path, digests[path])
        if record is not None:
            known[path] = record
    missing = [path for path in paths if path not in known]

    def taken(path: Path, answer: Record) -> None:
        built.gathered += 1
        if "record" in answer:
            known[path] = answer["record"]
            _write(_place(destination, path), json.dumps({"digest": digests[path], "record": answer["record"]}))
            tell(f"{built.gathered} of {len(missing)}: {path.parent.name}/{path.stem}")
        else:
            built.broken.append(" ".join(str(answer["error"]).split()))

    gather_all(missing, taken)
    _write_pages(destination, [known[path] for path in paths if path in known], built)
    _forget(destination, [_place(destination, path) for path in paths])
    return built


def _claim(destination: Path) -> None:
    """Make the folder a site, if it is empty or none yet."""
    try:
        if destination.exists() and not destination.is_dir():
            raise InvalidValue(f"{destination}: is a file; give a folder for the site")
        if destination.is_dir() and not (destination / MARKER).is_dir() and any(destination.iterdir()):
            raise InvalidValue(f"{destination}: is not empty and holds no site; give a folder that is new, or empty")
        (destination / MARKER).mkdir(parents=True, exist_ok=True)
        probe = destination / f"{WRITING}{secrets.token_hex(8)}"
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise InvalidValue(
            f"{destination}: cannot be written ({error.strerror}); give a folder that can be written to"
        ) from None


def _write_pages(destination: Path, records: list[Record], built: Built) -> None:
    manifest = destination / MARKER / "pages.json"
    before = _read(manifest)
    pages = pages_of(records)
    for name, text in pages.items():
        file = destination / name
        if not file.is_file() or file.read_text(encoding="utf-8") != text:
            _write(file, text)
            built.written += 1
    for name in before if isinstance(before, list) else ():
        if isinstance(name, str) and name not in pages and "/" not in name and name.endswith(".html"):
            (destination / name).unlink(missing_ok=True)
            built.removed += 1
    _write(manifest, json.dumps(sorted(pages)))


def _write(file: Path, text: str) -> None:
    """Write at once or not at all."""
    try:
        replace_text(file, text)
    except OSError as error:
        raise InvalidValue(f"{file}: cannot be written ({error.strerror}); make room there") from None


# ------------------------------------------------------------------ what is known from the last time


def _place(destination: Path, path: Path) -> Path:
    return destination / MARKER / f"{path.parent.name}-{path.stem}.json"


def _remembered(destination: Path, path: Path, digest: str) -> Record | None:
    found = _read(_place(destination, path))
    if isinstance(found, dict) and found.get("digest") == digest and isinstance(found.get("record"), dict):
        record: Record = found["record"]
        return None if record.get("missing") else record  # what could not be run is tried again
    return None


def _read(file: Path) -> Any:
    try:
        return json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None


def _forget(destination: Path, places: list[Path]) -> None:
    """What is known of scenarios that are no more, and what a build that was killed was writing."""
    kept = {*places, destination / MARKER / "pages.json"}
    gone = [file for file in (destination / MARKER).glob("*.json") if file not in kept]
    half = [file for folder in (destination, destination / MARKER) for file in folder.glob(f"{WRITING}*")]
    for file in [*gone, *filter(_is_left, half)]:
        file.unlink(missing_ok=True)


def _is_left(file: Path) -> bool:
    """Whether nobody is writing it any more, as another build may be."""
    try:
        return file.stat().st_mtime < time.time() - _WRITTEN_IN
    except OSError:  # it has been written
        return False


def _digest(path: Path) -> str:
    """Of all on which a record depends."""
    parts = (path.read_bytes(), str(path).encode(), sys.version.encode(), _own())
    return hashlib.sha256(b"\0".join(parts)).hexdigest()


@cache
def _own() -> bytes:
    """The digest of the lab itself."""
    digest = hashlib.sha256()
    for file in sorted(Path(LAB).rglob("*.py")):
        if "__pycache__" not in file.parts:
            digest.update(file.read_bytes())
    return digest.digest()
