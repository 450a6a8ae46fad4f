"""Find the scenarios, and hold each variant to what the catalogue promises of it."""

from __future__ import annotations

import ast
import difflib
import importlib.util
import os
import re
import sys
import traceback
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

from lab import keeping
from lab.errors import InvalidValue, LabError
from lab.files import FOLDER, defines_scenario, is_scenario_file
from lab.scenario import Scenario, Variant, story

if TYPE_CHECKING:
    from lab.verdict import Verdict
    from lab.witness import Witness

SCHEDULES = 1_500
SECONDS = 5.0
HAMMER_SECONDS = 0.15
_MORE_SECONDS = 3.0  # where nothing overlapped until then, as the machine is slow or busy


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
        return (keeping.current() or keeping.Session()).target_of(self.path, variant.name)


@dataclass
class Result:
    """What became of one item of the catalogue."""

    verdict: Verdict
    passed: bool
    line: str  # one line for a passed item
    report: str  # the whole report, with what was expected of a failed item


def load(path: Path) -> Entry:
    """Import one scenario file; raises LabError in one line naming the file, the field and the remedy."""
    path = Path(os.path.abspath(path))
    module = import_file(path)
    scenario = getattr(module, "SCENARIO", None)
    if not isinstance(scenario, Scenario):
        raise InvalidValue(f"{_shown(path)}{_missing(module, path)}; write SCENARIO = Scenario(...)")
    return Entry(path, module, scenario)


def import_file(path: Path) -> ModuleType:
    """Import the file under a name of its own; raises LabError in one line naming the file and the line."""
    parts = path.with_suffix("").parts
    start = len(parts) - 1 - parts[::-1].index(FOLDER) if FOLDER in parts[:-1] else -2
    name = ".".join(parts[start:] if start >= 0 else (FOLDER, *parts[start:]))
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
    except BaseException as error:
        del sys.modules[name]
        if known is not None:
            sys.modules[name] = known
        if isinstance(error, LabError):
            raise LabError(f"{_shown(path)}:{_line(error, path)}: {error}") from None
        if isinstance(error, Exception | SystemExit):
            raise LabError(f"{_shown(path)}:{_line(error, path)}: cannot be imported: {_told(error)}") from error
        raise
    return module


def _told(error: BaseException) -> str:
    """The error in one line."""
    text = error.msg if isinstance(error, SyntaxError) else " ".join(str(error).split())
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def _line(error: BaseException, path: Path) -> int:
    """The line of ``path`` that is to blame: where a wrong field is given, else where the error came through."""
    if isinstance(error, SyntaxError) and error.lineno and error.filename == str(path):
        return error.lineno
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == str(path)]
    line = lines[-1] or 1 if lines else 1
    field = re.match(r"Scenario: (?:unknown field )?'?(\w+)", str(error)) if isinstance(error, LabError) else None
    if field is None:
        return line
    for node in ast.walk(ast.parse(path.read_bytes())):
        if isinstance(node, ast.Call) and node.lineno <= line <= (node.end_lineno or line):
            given = [keyword.lineno for keyword in node.keywords if keyword.arg == field[1]]
            if given:
                return given[0]
    return line


def _missing(module: ModuleType, path: Path) -> str:
    """What there is instead of a SCENARIO, after its line."""
    for node in ast.parse(path.read_bytes()).body:
        targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
        for name in (target.id for target in targets if isinstance(target, ast.Name)):
            value = getattr(module, name, None)
            if name == "SCENARIO":
                return f":{node.lineno}: SCENARIO is {type(value).__name__}, not a Scenario"
            if isinstance(value, Scenario) and not hasattr(module, "SCENARIO"):
                return f":{node.lineno}: the scenario is called {name}"
    return ": no scenario"


def _shown(path: Path) -> str:
    relative = os.path.relpath(path)
    return str(path) if relative.startswith("..") else relative


def entries(folder: Path) -> Iterator[Entry]:
    """Every scenario below ``folder``, in order of path."""
    return map(load, _paths(folder))


def readable(folder: Path) -> tuple[list[Entry], list[LabError]]:
    """Every scenario below ``folder`` that can be loaded, and what is wrong with each of the other files."""
    found: list[Entry] = []
    broken: list[LabError] = []
    for path in _paths(folder):
        try:
            found.append(load(path))
        except LabError as error:
            broken.append(error)
    return found, broken


def scenario_paths(folder: Path) -> list[Path]:
    """The file of every scenario below ``folder``, in order of path; raises InvalidValue in one line for none such."""
    return [Path(os.path.abspath(path)) for path in _paths(folder)]


def _paths(folder: Path) -> list[Path]:
    if not folder.is_dir():
        raise InvalidValue(f"{folder}: no such folder; give the one that holds the scenarios with --scenarios")
    if FOLDER not in Path(os.path.abspath(folder)).parts:
        raise InvalidValue(f"{folder}: pytest finds scenarios only below a folder named {FOLDER}; rename it")
    return sorted(filter(defines_scenario, folder.rglob("*.py")))


def find(folder: Path, name: str) -> Entry:
    """The scenario that a person named by its file name, with or without its family, or by its path."""
    return load(path_of(folder, name))


def path_of(folder: Path, name: str) -> Path:
    """The file of the scenario that a person named, which is not imported."""
    if name.endswith(".py") and Path(name).is_file():
        return Path(name)
    known = {f"{path.parent.name}/{path.stem}": path for path in _paths(folder)}
    found = [full for full in known if name in (full, full.rpartition("/")[2])]
    if len(found) == 1:
        return known[found[0]]
    if found:
        raise InvalidValue(f"scenario {name!r}: there are {' and '.join(found)}; name the family, too")
    close = difflib.get_close_matches(name, [full.rpartition("/")[2] for full in known], 1)
    meant = f"did you mean {close[0]}?" if close else "lab list shows them all"
    raise InvalidValue(f"scenario {name!r}: not in {folder}; {meant}")


def run_explore(entry: Entry, variant: Variant) -> Result:
    """Explore one variant and hold it to its promise; an unsafe one must fail again when replayed."""
    from lab.explorer import explore
    from lab.report.lines import one_line

    scenario = entry.scenario
    defaults = keeping.Session(schedules=SCHEDULES, seconds=SECONDS)
    with keeping.running(entry.target(variant), defaults) as session:
        title = session.typed(session.target)
        verdict = explore(
            variant.make,
            scenario.actors,
            title=title,
            **scenario.exploring(),
        )
        keeping.keep(verdict)
        if session.replay is not None:
            complaint = _replayed_wrong(variant, verdict)
        elif variant.must_fail:
            complaint = _unwitnessed(scenario, verdict)
            if not complaint and verdict.witness is not None:
                again = replay_scenario(verdict.witness, entry, variant)
                if again.status != "fails":
                    complaint = f"its witness does not fail again when it is replayed: {again.reason}"
        else:
            complaint = _broken(verdict)
    return _result(verdict, complaint, variant, one_line(verdict))


def show_passing(entry: Entry, variant: Variant) -> str:
    """One execution of the variant that does not fail."""
    from lab.passing import passing
    from lab.report.passing import render_passing

    scenario = entry.scenario
    chosen = keeping.current()
    program = scenario.program(variant)
    run = passing(
        program,
        trace=scenario.trace,
        carrier=(chosen and chosen.carrier) or scenario.carrier,
        seed=(chosen and chosen.seed) or 0,
    )
    return render_passing(_title(entry, variant), run, program.descriptions)


def run_hammer(
    entry: Entry,
    variant: Variant,
    *,
    rounds: int | None = None,
    seconds: float | None = None,
    noise: float = 0.5,
    seed: int = 0,
) -> Result:
    """Hammer one variant, bounded as `hammer` is; only a variant that must not fail can fail here.

    With neither bound it is short, and as long as it takes for actors to overlap, up to a few seconds.
    """
    from lab import hammer
    from lab.report.lines import one_line

    scenario = entry.scenario
    for patience in (HAMMER_SECONDS, _MORE_SECONDS) if rounds is None and seconds is None else (seconds,):
        verdict = hammer(
            variant.make,
            scenario.actors,
            on=scenario.on,
            rounds=rounds,
            seconds=patience,
            noise=noise,
            seed=seed,
            title=_title(entry, variant),
            **scenario.options(),
        )
        if verdict.status == "fails" or verdict.overlap:
            break
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
        names = [variant.name for variant in known]
        close = difflib.get_close_matches(name, names, 1)
        meant = f"did you mean {close[0]}?" if close else f"choose one of {', '.join(names)}"
        raise InvalidValue(f"variant {name!r}: not in {entry.name}; {meant}")
    return found


def scenario_of_witness(witness: Witness, base: Path) -> tuple[Entry, Variant] | None:
    """The scenario and variant below ``base`` that a witness was recorded for, if it was one of a catalogue."""
    file, _, item = witness.target.partition("::")
    path = base / file
    if not path.is_file() or not is_scenario_file(path, base):
        return None
    entry = load(path)
    return entry, chosen_variants(entry, item)[0]


def replay_scenario(witness: Witness, entry: Entry, variant: Variant, force: bool = False) -> Verdict:
    """Replay a witness on one variant; ``force`` it on real threads, too."""
    from lab.replaying import replay

    return replay(
        witness,
        variant.make,
        entry.scenario.actors,
        trace=entry.scenario.trace,
        title=_title(entry, variant),
        force=force,
        **entry.scenario.options(),
    )


def _title(entry: Entry, variant: Variant) -> str:
    return (keeping.current() or keeping.Session()).typed(entry.target(variant))


def _unwitnessed(scenario: Scenario, verdict: Verdict) -> str:
    """What is wrong with the failure of a variant that must fail, or nothing."""
    if verdict.status == "holds":
        return "it must fail, but every schedule was covered and none fails: the variant is not unsafe"
    if verdict.status != "fails" or verdict.failure is None:
        return "it must fail, but no failure was witnessed; raise --lab-schedules, or the variant is not unsafe"
    kind = verdict.failure.kind
    if kind == "nondeterminism":
        return "its failure does not come back under the same schedule"
    expected = list(scenario.symptoms)
    if scenario.allowed is not None or scenario.forbidden:
        expected.insert(0, "outcome")
    if scenario.check is not None:
        expected.insert(0, "check")
    if kind not in expected:
        return f"it must fail by {' or '.join(expected)}, not by {kind}; mend it, or describe {kind!r} in symptoms="
    return ""


def _broken(verdict: Verdict) -> str:
    """What is wrong with the verdict on a variant that must not fail, or nothing."""
    if verdict.status == "fails":
        return "it must not fail"
    if verdict.uncontrolled:
        return "something escaped control, so it may fail in a way that was not tried"
    return ""


def _replayed_wrong(variant: Variant, verdict: Verdict) -> str:
    """What is wrong with a replay, or nothing."""
    if verdict.stale:
        return "the witness is stale, so its replay tells nothing"
    if variant.must_fail:
        return "" if verdict.status == "fails" else "it must fail, but under the schedule of the witness it does not"
    return _broken(verdict)


def _result(verdict: Verdict, complaint: str, variant: Variant, line: str) -> Result:
    report = str(verdict)
    if complaint:
        report = f"{variant.name}: {complaint}\n\n{report}"
    return Result(verdict, not complaint, line, report)
