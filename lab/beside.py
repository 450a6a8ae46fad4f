"""Hammer a scenario on this interpreter and, in a process of its own, on others: one column a build."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import IO, Any

from lab.builds import Column, Figures, document, figures_of, read
from lab.catalogue import Entry, chosen_variants, run_hammer
from lab.command import file_to_write, number
from lab.errors import InvalidValue, LabError
from lab.hammering.hammer import DEFAULT_SECONDS
from lab.interpreters import Interpreter, found, lock_is_on, named, this
from lab.program import positive
from lab.replacing import replace_text
from lab.report.builds import builds_page, markdown, render
from lab.scenario import Variant


@dataclass(frozen=True)
class Wanted:
    """What a person asked for: where to hammer, how long, and what to write."""

    folder: Path  # the project's
    variant: str | None = None
    others: tuple[Interpreter, ...] | None = None  # None: all that are found
    rounds: int | None = None
    seconds: float | None = None
    noise: float = 0.5
    seed: int = 0
    markdown: bool = False
    html: Path | None = None
    results: Path | None = None

    @classmethod
    def of(
        cls,
        folder: Path,
        variant: str | None,
        pythons: Sequence[str],
        alone: bool,
        rounds: str | None,
        seconds: str | None,
        noise: str | None,
        seed: str | None,
        markdown: bool,
        html: str | None,
        results: str | None,
    ) -> Wanted:
        """What the words of a command line mean; raises InvalidValue in one line for what cannot be."""
        if alone and pythons:
            raise InvalidValue(f"--alone: --python {pythons[0]} names another interpreter; leave one of them out")
        given: dict[str, Any] = {"markdown": markdown}
        for name, text in (("rounds", rounds), ("seconds", seconds)):
            if text is not None:
                given[name] = number(text, f"--{name}", whole=name == "rounds")
                positive(given[name], f"--{name}", whole=name == "rounds", typed=text)
        if seed is not None:
            given["seed"] = number(seed, "--seed", whole=True, kind="a whole number")
        if noise is not None:
            kind = "a probability, a number from 0 to 1"
            given["noise"] = number(noise, "--noise", whole=False, kind=kind)
            if not 0 <= given["noise"] <= 1:
                raise InvalidValue(f"--noise={noise}: give {kind}")
        if html is not None:
            given["html"] = file_to_write(html, "--html")
        if results is not None:
            given["results"] = file_to_write(results, "--json")
        others = tuple(named(one, folder) for one in dict.fromkeys(pythons)) if pythons or alone else None
        return cls(folder, variant, others, **given)

    def words(self) -> list[str]:
        """The options that ask another interpreter for the same."""
        given = {name: getattr(self, name) for name in ("variant", "rounds", "seconds", "noise", "seed")}
        return [f"--{name}={value}" for name, value in given.items() if value is not None]


@dataclass(frozen=True)
class Hammered:
    """What to print, and the exit code."""

    report: str
    missed: tuple[str, ...]  # a line for each interpreter that gave no figures
    code: int


def hammer_scenario(entry: Entry, wanted: Wanted) -> Hammered:
    """Hammer a scenario on every interpreter that is wanted, one after the other, and write what is to be written."""
    variants = chosen_variants(entry, wanted.variant)
    skipped = entry.scenario.missing()
    if skipped:
        _write(wanted.results, "--json", json.dumps(document([], skipped)))
        return Hammered(f"SKIPPED  {entry.name}: {skipped}", (), 0)
    columns, missed = [_here(entry, variants, wanted)], []
    for one in found(wanted.folder) if wanted.others is None else wanted.others:
        _tell(f"hammering on {one}")
        try:
            columns.append(_elsewhere(one, entry, wanted))
        except LabError as error:
            missed.append(f"{'left out' if wanted.others is None else 'Error'}: {one}: {error}")
    _write(wanted.results, "--json", json.dumps(document(columns)))
    if wanted.html is not None:
        _write(wanted.html, "--html", builds_page(columns))
    broken = any(one.broken for column in columns for one in column.figures)
    code = 2 if missed and wanted.others is not None else 1 if broken else 0
    return Hammered(markdown(columns) if wanted.markdown else render(columns), tuple(missed), code)


def _here(entry: Entry, variants: Iterable[Variant], wanted: Wanted) -> Column:
    figures: list[Figures] = []
    seconds = wanted.seconds if wanted.seconds is not None or wanted.rounds is not None else DEFAULT_SECONDS
    for one in variants:
        result = run_hammer(entry, one, rounds=wanted.rounds, seconds=seconds, noise=wanted.noise, seed=wanted.seed)
        broken = "" if result.passed else result.report.partition("\n")[0].removeprefix(f"{one.name}: ")
        figures.append(figures_of(one.name, result.verdict, broken))
    return Column(this(), lock_is_on(), tuple(figures))


def _write(path: Path | None, where: str, text: str) -> None:
    if path is None:
        return
    try:
        replace_text(path, text)
    except OSError as error:
        raise InvalidValue(f"{where} {path}: cannot be written ({error.strerror}); give a file to write to") from None


def _tell(line: str) -> None:
    """To a person who waits, and to nobody else."""
    if sys.stderr is not None and sys.stderr.isatty():
        print(f"lab: {line}", file=sys.stderr)


def _elsewhere(interpreter: Interpreter, entry: Entry, wanted: Wanted) -> Column:
    """Hammer on another interpreter; raises LabError in one line where that comes to nothing.

    Results travel in a file: what the scenario prints goes elsewhere, and processes that it leaves behind may keep
    a pipe open for ever.
    """
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONHOME"}
    with tempfile.TemporaryDirectory(prefix="lab-") as folder, tempfile.TemporaryFile() as said:
        results = Path(folder, "results.json")
        command = [interpreter.path, "-P", "-m", "lab", "hammer", str(entry.path), "--alone", f"--json={results}"]
        command += wanted.words()
        try:
            done = subprocess.run(
                command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=said, env=environment, check=False
            )
        except OSError as error:
            raise LabError(f"cannot be run ({error.strerror})") from None
        try:
            told = json.loads(results.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            raise LabError(f"{_why(done.returncode, said)}{_apart(interpreter)}") from None
    try:
        columns, skipped = read(told)
    except InvalidValue as error:
        raise LabError(f"{error}{_apart(interpreter)}") from None
    if skipped:
        raise LabError(f"skipped: {skipped}")
    if not columns:
        raise LabError(f"gives results that cannot be read{_apart(interpreter)}")
    return columns[0]


def _why(code: int, said: IO[bytes]) -> str:
    """Why a child ended without results."""
    if code < 0:
        try:
            name = signal.Signals(-code).name
        except ValueError:
            name = f"signal {-code}"
        return f"was killed by {name} while it hammered"
    said.seek(0)
    lines = [line for line in said.read().decode("utf-8", "replace").splitlines() if line.strip()]
    if not lines:
        return f"ended with exit code {code} and no results"
    return " ".join(lines[-1].removeprefix("Error: ").split())


def _apart(interpreter: Interpreter) -> str:
    own = version("race-lab")
    return f" (race-lab {interpreter.lab} there, {own} here)" if interpreter.lab != own else ""
