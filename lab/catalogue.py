"""Find the scenarios, and hold each variant to what the catalogue promises of it."""

from __future__ import annotations

import difflib
import importlib.util
import os
import sys
import traceback
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

from lab import keeping
from lab.errors import InvalidValue, LabError
from lab.files import FOLDER, is_scenario_file
from lab.scenario import Scenario, Variant, story

if TYPE_CHECKING:
    from lab.verdict import Verdict
    from lab.witness import Witness

SCHEDULES = 1_500
SECONDS = 5.0
HAMMER_SECONDS = 0.2


@dataclass(frozen=True)
class Entry:
    """One scenario file."""

    path: Path
    module: ModuleType
    scenario: Scenario

    @property
    def name(self) -> str:
        """What a person types."""
        return self.path.stem

    @property
    def family(self) -> str:
        """The folder it stands in, such as "atomicity"."""
        return self.path.parent.name

    @property
    def title(self) -> str:
        """The first line of its story."""
        return story(self.module)[0]

    def target(self, variant: Variant) -> str:
        """The node id of the variant, as pytest writes it."""
        path = os.path.relpath(self.path)
        return f"{self.path if path.startswith('..') else path}::{variant.name}"


@dataclass
class Result:
    """What became of one item of the catalogue."""

    verdict: Verdict
    passed: bool
    line: str  # one line for a passed item
    report: str  # the whole report, with what was expected of a failed item


def load(path: Path) -> Entry:
    """Import one scenario file; raises LabError in one line naming the file, the field and the remedy."""
    path = path.resolve()
    module = _module(path)
    scenario = getattr(module, "SCENARIO", None)
    if not isinstance(scenario, Scenario):
        raise InvalidValue(
            f"{_shown(path)}: SCENARIO is {type(scenario).__name__}, not a Scenario; write SCENARIO = Scenario(...)"
        )
    return Entry(path, module, scenario)


def _module(path: Path) -> ModuleType:
    parts = path.with_suffix("").parts
    start = len(parts) - 1 - parts[::-1].index(FOLDER) if FOLDER in parts else len(parts) - 1
    name = ".".join(parts[start:])
    known = sys.modules.get(name)
    if known is not None and getattr(known, "__file__", None) == str(path):
        return known
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise InvalidValue(f"{_shown(path)}: cannot be imported; give a Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except LabError as error:
        del sys.modules[name]
        raise LabError(f"{_shown(path)}:{_line(error, path)}: {error}") from None
    except BaseException as error:
        del sys.modules[name]
        if not isinstance(error, Exception):
            raise
        raise LabError(
            f"{_shown(path)}:{_line(error, path)}: cannot be imported: {type(error).__name__}: {error}"
        ) from error
    return module


def _line(error: BaseException, path: Path) -> int:
    if isinstance(error, SyntaxError) and error.lineno:
        return error.lineno
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == str(path)]
    return lines[-1] or 1 if lines else 1


def _shown(path: Path) -> str:
    relative = os.path.relpath(path)
    return str(path) if relative.startswith("..") else relative


def entries(folder: Path) -> Iterator[Entry]:
    """Every scenario below ``folder``, in order of path."""
    if not folder.is_dir():
        raise InvalidValue(f"{folder}: no such folder; give the one that holds the scenarios with --scenarios")
    for path in sorted(folder.rglob("*.py")):
        if is_scenario_file(path, folder.parent):
            yield load(path)


def find(folder: Path, name: str) -> Entry:
    """The scenario that a person named by its file name or path."""
    if name.endswith(".py") and Path(name).is_file():
        return load(Path(name))
    known = list(entries(folder))
    for entry in known:
        if name in (entry.name, f"{entry.family}/{entry.name}"):
            return entry
    close = difflib.get_close_matches(name, [entry.name for entry in known], 1)
    meant = f"did you mean {close[0]}?" if close else "lab list shows them all"
    raise InvalidValue(f"scenario {name!r}: not in {folder}; {meant}")


def run_explore(entry: Entry, variant: Variant) -> Result:
    """Explore one variant and hold it to its promise; an unsafe one must fail again when replayed."""
    from lab.explorer import explore
    from lab.report.text import one_line

    scenario = entry.scenario
    defaults = keeping.Session(schedules=SCHEDULES, seconds=SECONDS)
    with keeping.running(entry.target(variant) + "[explore]", defaults) as session:
        title = entry.target(variant)
        verdict = explore(variant.make, scenario.actors, trace=scenario.trace, title=title, **scenario.options())
        keeping.keep(verdict)
        complaint = ""
        if variant.must_fail:
            complaint = _unwitnessed(scenario, verdict)
            if not complaint and session.replay is None and verdict.witness is not None:
                again = replay_scenario(verdict.witness, entry, variant)
                if again.status != "fails":
                    complaint = f"its witness does not fail again when it is replayed: {again.reason}"
        elif verdict.status == "fails":
            complaint = "it must not fail"
        elif verdict.uncontrolled:
            complaint = "something escaped control"
    return _result(verdict, complaint, variant, one_line(verdict))


def run_hammer(entry: Entry, variant: Variant) -> Result:
    """Hammer one variant; only a variant that must not fail can fail here."""
    from lab.hammer import hammer
    from lab.report.text import one_line

    scenario = entry.scenario
    verdict = hammer(
        variant.make, scenario.actors, seconds=HAMMER_SECONDS, title=entry.target(variant), **scenario.options()
    )
    complaint = ""
    if not variant.must_fail:
        if verdict.status == "fails":
            complaint = "it must not fail"
        elif verdict.overlap == 0.0:
            complaint = "nothing overlapped, so nothing was tested"
    return _result(verdict, complaint, variant, one_line(verdict))


def chosen_variants(entry: Entry, name: str | None) -> list[Variant]:
    """The variant of that name, or all of them."""
    known = entry.scenario.every_variant()
    if name is None:
        return known
    found = [variant for variant in known if variant.name == name]
    if not found:
        names = ", ".join(variant.name for variant in known)
        raise InvalidValue(f"variant {name!r}: {entry.name} has {names}")
    return found


def scenario_of_witness(witness: Witness) -> tuple[Entry, Variant] | None:
    """The scenario and variant that a witness was recorded for, if it was one of a catalogue here."""
    file, _, item = witness.target.partition("::")
    path = Path(file)
    here = Path.cwd().resolve()
    if not file.endswith(".py") or not path.is_file() or not path.resolve().is_relative_to(here):
        return None
    if not is_scenario_file(path.resolve(), here):
        return None
    entry = load(path)
    return entry, chosen_variants(entry, item.partition("[")[0])[0]


def replay_scenario(witness: Witness, entry: Entry, variant: Variant) -> Verdict:
    """Replay a witness on one variant."""
    from lab.replaying import replay

    return replay(
        witness,
        variant.make,
        entry.scenario.actors,
        trace=entry.scenario.trace,
        title=entry.target(variant),
        **entry.scenario.options(),
    )


def _unwitnessed(scenario: Scenario, verdict: Verdict) -> str:
    if verdict.status != "fails" or verdict.failure is None:
        return "it must fail, but no failure was witnessed; raise --lab-schedules, or the variant is not unsafe"
    kind = verdict.failure.kind
    if kind == "nondeterminism":
        return "its failure does not come back under the same schedule"
    if kind != "outcome" and scenario.symptoms and kind not in scenario.symptoms:
        return f"it must fail by {' or '.join(scenario.symptoms)}, not by {kind}"
    return ""


def _result(verdict: Verdict, complaint: str, variant: Variant, line: str) -> Result:
    report = str(verdict)
    if complaint:
        report = f"{variant.name}: {complaint}\n\n{report}"
    return Result(verdict, not complaint, line, report)
