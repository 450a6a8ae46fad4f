"""The witness player: a witness that a reader steps through, for any page to embed.

`player_of` gives what the macro ``player`` of the template ``player.html`` draws: the JSON document, the source and
the graph of waits.  The page needs the script ``player.js``, and reads well without it.  The document holds

- ``actors``: a list of ``{"name", "mark"}``; the mark is a letter or number that stands for the name where room is
  scarce.  Everything below tells actors by their position in this list.
- ``files``: names of source files; a place is ``[file, line]`` with the position of the file in this list.
- ``runs``: the order of steps that fails and, where one is known, one that passes; each is
  ``{"kind": "fails" | "passes", "title", "end", "count", "switches", "critical", "differs", "steps"}``.  ``count`` is
  how many steps there are, ``critical`` the numbers of the two steps whose order decided, ``differs`` the number of
  the first step that is not as in the run before (0: none), ``end`` what it came to in a sentence.
- a step is ``{"number", "actor", "place", "what"}`` (numbers from 1), and what it changes, each left out where
  nothing does: ``"values"`` name -> the value that was read or written; ``"held"`` lock -> the actors that have it now;
  ``"waits"`` actor -> ``{"for", "place"}``, what it waits for now and where (null where that is not known), or null
  when it waits no more.  Of a very long run the middle is left out; the first step after the gap then holds what the
  left out ones changed.

All text in it is one line, clipped, without anything that could steer a terminal or a browser.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from lab.origin import LAB
from lab.passing import Passing
from lab.program import NOTHING
from lab.report.html.code import Source, excerpt
from lab.report.html.standstill import Graph, standing, wait_for_graph
from lab.report.html.state import Change, Wait, changes
from lab.report.labels import Labels
from lab.report.lines import clip, printable, rounds_line, shown_value, without_addresses
from lab.trace import Step, Trace
from lab.verdict import Verdict
from lab.witness import Witness, fingerprint

MOST_STEPS = 2_000
"""Steps of a run that a document holds; of a longer one the beginning and the end, which says more."""
_HEAD = 500
_MOST_FILES = 12
_LONGEST = 300  # characters of a text


@dataclass(frozen=True)
class Player:
    """What the template draws."""

    document: dict[str, Any]
    sources: tuple[Source, ...]
    graph: Graph | None


def player_of(subject: Verdict | Witness, passing: Passing | None = None, within: Path | None = None) -> Player | None:
    """The player for a witness, or a verdict's; None where there is no witness.

    The source is read from the files in which its steps were taken.  A witness that was only loaded may have come from
    anywhere, and so may the paths in it: give the folder ``within`` which files may be read; those in which a
    function has changed since are not shown either.
    """
    witness = subject.witness if isinstance(subject, Verdict) else subject
    if witness is None:
        return None
    if isinstance(subject, Verdict):
        passing = passing or subject.passing
    told = _Told(witness, passing)
    waits = {
        told(actor): replace(one, thing=told(one.thing), holder=told(one.holder))
        for actor, one in standing(witness.failure.detail, witness.actors).items()
    }
    graph = wait_for_graph(waits, [told(actor) for actor in witness.actors])
    document = player_document(subject, passing)
    if within is not None:
        document["runs"][0]["title"] = "The order that was recorded"
    return Player(document, _sources(witness, passing, within), graph)


def player_document(subject: Verdict | Witness, passing: Passing | None = None) -> dict[str, Any]:
    """The JSON document of a witness, or a verdict's, as this module's docstring tells it.

    Raises ValueError for a verdict without a witness.
    """
    witness = subject.witness if isinstance(subject, Verdict) else subject
    if witness is None:
        raise ValueError("the verdict has no witness, so there is nothing to play")
    if isinstance(subject, Verdict):
        passing = passing or subject.passing
    told = _Told(witness, passing)
    actors = list(dict.fromkeys([*witness.actors, *(passing.actors if passing is not None else ())]))
    files = _files(witness, passing)
    writer = _Writer(told, {name: number for number, name in enumerate(actors)}, files)
    failure = witness.failure
    end = without_addresses(failure.message) if failure.kind == "outcome" else f"{failure.kind}: {failure.message}"
    if witness.repeats:
        end = f"{rounds_line(witness)}; {end}"
    runs = [
        {
            "kind": "fails",
            "title": "The order that fails",
            "end": told(without_addresses(end)),
            **writer.run(witness.trace, witness.critical, standing(failure.detail, witness.actors)),
            "differs": 0,
        }
    ]
    if passing is not None:
        runs.append(
            {
                "kind": "passes",
                "title": "An order that passes",
                "end": "" if passing.outcome is NOTHING else f"outcome {printable(shown_value(passing.outcome))}",
                **writer.run(passing.trace, (), {}),
                "differs": _first_difference(witness.trace.steps, passing.trace.steps),
            }
        )
    names = [told(actor) for actor in actors]
    return {
        "actors": [{"name": name, "mark": mark} for name, mark in zip(names, _marks(names), strict=True)],
        "files": list(files.values()),
        "runs": runs,
    }


def _first_difference(failing: Sequence[Step], passing: Sequence[Step]) -> int:
    """The number of the first step of the second that is another one in the first; 0 if there is none."""
    for number, step in enumerate(passing, 1):
        if number > len(failing) or step != failing[number - 1]:
            return number
    return 0


class _Told:
    """Text as the report tells it: with labels for unnamed threads, in one printable line."""

    def __init__(self, witness: Witness, passing: Passing | None) -> None:
        steps = [*witness.trace.steps, *(passing.trace.steps if passing is not None else ())]
        whats = [step.what for step in steps]
        self._labels = Labels([*witness.actors, *whats, witness.failure.message, *witness.failure.detail])

    def __call__(self, text: str) -> str:
        return clip(printable(self._labels.told(text)), _LONGEST)


class _Writer:
    """Writes runs down with numbers for actors and files."""

    def __init__(self, told: _Told, actors: Mapping[str, int], files: Mapping[str, str]) -> None:
        self._told = told
        self._actors = actors
        self._files = {path: number for number, path in enumerate(files)}

    def run(self, trace: Trace, critical: Sequence[int], ends: Mapping[str, Wait]) -> dict[str, Any]:
        """One run; see the docstring of this module."""
        steps = trace.steps
        shown = set(_shown(len(steps), critical))
        rows = []
        left_out = Change()
        for position, (step, change) in enumerate(zip(steps, changes(steps, ends), strict=True)):
            if position in shown:
                rows.append(self._row(position + 1, step, left_out.then(change)))
                left_out = Change()
            else:
                left_out = left_out.then(change)
        return {"count": len(steps), "switches": trace.switches, "critical": list(critical), "steps": rows}

    def _row(self, number: int, step: Step, change: Change) -> dict[str, Any]:
        told, actors = self._told, self._actors
        row: dict[str, Any] = {
            "number": number,
            "actor": actors[step.actor],
            "place": [self._files[step.place.file], step.place.line],
            "what": told(step.what),
        }
        if change.values:
            row["values"] = {told(name): told(value) for name, value in change.values.items()}
        if change.held:
            row["held"] = {told(name): [actors[actor] for actor in held] for name, held in change.held.items()}
        if change.waits:
            row["waits"] = {str(actors[actor]): self._wait(one) for actor, one in change.waits.items()}
        return row

    def _wait(self, wait: Wait | None) -> dict[str, Any] | None:
        if wait is None:
            return None
        known = [number for path, number in self._files.items() if path == wait.file or _base(path) == wait.file]
        return {"for": self._told(wait.thing), "place": [known[0], wait.line] if len(known) == 1 else None}


def _shown(count: int, critical: Iterable[int]) -> Iterable[int]:
    if count <= MOST_STEPS:
        return range(count)
    tail = MOST_STEPS - _HEAD
    return {*range(_HEAD), *range(count - tail, count), *(number - 1 for number in critical)}


def _steps(witness: Witness, passing: Passing | None) -> Sequence[Step]:
    return (*witness.trace.steps, *(passing.trace.steps if passing is not None else ()))


def _files(witness: Witness, passing: Passing | None) -> dict[str, str]:
    """Path -> name, with as many folders as it takes to tell two files of one name apart."""
    paths = list(dict.fromkeys(step.place.file for step in _steps(witness, passing)))
    bases = Counter(map(_base, paths))
    return {
        path: printable(_base(path) if bases[_base(path)] == 1 else f"{_base(os.path.dirname(path))}/{_base(path)}")
        for path in paths
    }


def _base(path: str) -> str:
    return path.replace("\\", "/").rpartition("/")[2]


def _sources(witness: Witness, passing: Passing | None, within: Path | None) -> tuple[Source, ...]:
    lines: dict[str, set[int]] = {}
    for step in _steps(witness, passing):
        lines.setdefault(step.place.file, set()).add(step.place.line)
    files = _files(witness, passing)
    for wait in standing(witness.failure.detail, witness.actors).values():
        for path in lines:
            if _base(path) == wait.file:
                lines[path].add(wait.line)
    found = []
    for number, (path, numbers) in enumerate(lines.items()):
        why = "is one file too many" if number >= _MOST_FILES else within and _why_not(witness, path, within)
        if path.startswith(LAB):  # of tasks and threads that hand over to each other
            found.append(Source(files[path]))
            continue
        found.append(
            Source(files[path], (), why) if why else excerpt(files[path], str((within or Path()) / path), numbers)
        )
    return tuple(found)


def _why_not(witness: Witness, path: str, within: Path) -> str:
    """Why the source at a path that stands in a file is not shown, if so."""
    if not path.isprintable():  # a NUL is no part of any path
        return "has a name that cannot be shown"
    file = (within / path).resolve()
    if file.suffix != ".py" or not file.is_relative_to(within.resolve()):
        return f"is no Python file below {within}"
    for step in witness.trace.steps:
        key = f"{_base(path)}::{step.place.function}"
        if step.place.file == path and witness.code.get(key) != fingerprint(str(file), step.place.function):
            return f"has changed since: {step.place.function} is not what it was"
    return ""


def _marks(names: Sequence[str]) -> list[str]:
    """First letters where these tell everybody apart, else numbers."""
    letters = [name.strip()[:1] for name in names]
    apart = len(set(letters)) == len(letters) and all(letter.isalnum() for letter in letters)
    return letters if apart else [str(number + 1) for number in range(len(names))]
