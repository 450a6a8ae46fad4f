"""What a page tells of one scenario, found out by exploring, hammering and charting it.

``python -m lab.site.gathering PARENT`` does so for each path that it reads, and answers each with one line of JSON: the
catalogue's programs can end a process or never come to an end themselves, and must not take the site with them.  It
ends with the process PARENT.
"""

from __future__ import annotations

import inspect
import json
import os
import sys
from dataclasses import asdict
from pathlib import Path
from typing import IO, Any

from lab.catalogue import Entry, load, run_hammer
from lab.charting import NoGraph, chart
from lab.errors import LabError
from lab.orphans import end_with
from lab.program import describe
from lab.report.html.code import excerpt
from lab.report.html.report import record_of
from lab.report.lines import hammer_line, printable
from lab.scenario import Variant, story
from lab.site.exploring import explored
from lab.site.playing import document_of, lines_of
from lab.verdict import Verdict

NODES = 1_500
"""Of a graph: so that a page of two stays below 150 kB, and because nobody plays a larger one to its end."""
CHART_SECONDS = 1.5

Record = dict[str, Any]


def gather(path: Path) -> Record:
    """All that a page shows of one scenario, as plain values; raises LabError where it cannot be loaded."""
    entry = load(path)
    scenario = entry.scenario
    title, text = story(entry.module)
    missing = printable(scenario.missing())
    gathered = [_not_run(one, missing) if missing else _variant(entry, one) for one in scenario.every_variant()]
    return {
        "name": entry.name,
        "family": entry.family,
        "title": title,
        "story": text,
        "bug_class": scenario.bug_class,
        "cwe": list(scenario.cwe),
        "model": _model(entry),
        "actors": [name for name, _ in scenario.program(scenario.every_variant()[0]).actors],
        "hint": scenario.hint,
        "review": list(scenario.review),
        "seen_in": list(scenario.seen_in),
        "allowed": [[repr(one), told] for one, told in (scenario.allowed or {}).items()],
        "forbidden": [[repr(one), told] for one, told in scenario.forbidden.items()],
        "symptoms": [[kind, told] for kind, told in scenario.symptoms.items()],
        "variants": gathered,
        "missing": missing,  # why it could not be run here
        "python": sys.version.split()[0],
    }


def _model(entry: Entry) -> str:
    program = entry.scenario.program(entry.scenario.every_variant()[0])
    return "processes" if program.processes else "tasks" if program.is_async else "threads"


def _variant(entry: Entry, variant: Variant) -> Record:
    verdict = explored(entry, variant)
    hammered = run_hammer(entry, variant).verdict
    witness = verdict.witness
    played = variant.name in ("unsafe", "fixed")
    record = record_of(verdict)
    if record["player"] is not None:  # a page has several, and a screen reader goes to each by its name
        for source in record["player"]["sources"]:
            source["name"] += f" ({variant.name})"
        for run in record["player"]["document"]["runs"]:
            run["title"] += f" ({variant.name})"
    return {
        "name": variant.name,
        "must_fail": variant.must_fail,
        "source": _source(variant),
        "verdict": record,
        "pattern": witness.pattern if witness is not None else "",
        "steps": len(witness.trace.steps) if witness is not None else 0,
        "switches": witness.trace.switches if witness is not None else 0,
        "schedules": verdict.schedules,
        "hammer": hammer_line(hammered),
        "rate": hammered.rate,
        "game": _game(entry, variant, verdict) if played else None,
    }


def _not_run(variant: Variant, why: str) -> Record:
    """What can be told of a variant that cannot be run here."""
    return {
        "name": variant.name,
        "must_fail": variant.must_fail,
        "source": _source(variant),
        "verdict": {"status": "unknown", "headline": f"not run: {why}", "story": "", "player": None},
        "pattern": "",
        "steps": 0,
        "switches": 0,
        "schedules": 0,
        "hammer": "not run",
        "rate": 0.0,
        "game": {"why_not": why},
    }


def _source(variant: Variant) -> str:
    try:
        return inspect.getsource(variant.make)
    except (OSError, TypeError):  # a lambda of several lines, or a partial
        return ""


def _game(entry: Entry, variant: Variant, verdict: Verdict) -> Record:
    scenario = entry.scenario
    first = verdict.witness.trace.steps if verdict.witness is not None else ()
    try:
        graph = chart(
            scenario.program(variant),
            trace=scenario.trace,
            carrier=scenario.carrier,
            first=first,
            nodes=NODES,
            seconds=CHART_SECONDS,
        )
    except NoGraph as error:
        return {"why_not": printable(str(error))}
    why_not = ""
    if not graph.nodes[0].moves:
        why_not = "there is nothing to choose: its actors never come to a point at which two of them could go on"
    elif variant.must_fail and graph.to_failure()[0] < 0:
        why_not = f"no failure is in the part of its states that was explored: {graph.why}"
    if why_not:
        return {"why_not": printable(why_not)}
    document = document_of(graph, str(entry.path))
    source = excerpt(f"{entry.path.name} in the game", str(entry.path), lines_of(document))
    return {"why_not": "", "document": document, "source": asdict(source)}


def serve(paths: IO[str], answers: IO[str]) -> None:
    """Answer each path with a line: {"record": ...} or {"error": one line}."""
    for line in paths:
        try:
            answer: Record = {"record": gather(Path(json.loads(line)))}
        except LabError as error:
            answer = {"error": str(error)}
        except Exception as error:  # whatever a scenario does when it is run
            answer = {"error": f"{json.loads(line)}: {describe(error)}"}
        answers.write(json.dumps(answer) + "\n")
        answers.flush()


def main() -> None:
    """Answer on what was the standard output, to which no program can write any more."""
    end_with(int(sys.argv[1]))
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)
    serve(sys.stdin, answers)


if __name__ == "__main__":
    main()
