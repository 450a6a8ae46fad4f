"""Failures as SARIF 2.1.0, which code review shows beside the lines: the two critical steps, and every actor's steps.

"Static Analysis Results Interchange Format (SARIF) Version 2.1.0", OASIS Standard, 2020.  Of each result the first
critical line is the location and the other one is related to it; the actors are its thread flows, whose
``executionOrder`` is the number of the step (section 3.38.11).
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any
from urllib.parse import quote

from lab.report.labels import Labels
from lab.report.lines import printable, without_addresses
from lab.trace import Place, Step
from lab.verdict import Verdict

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
_ROOT = "%SRCROOT%"
_MOST_STEPS = 500  # that a result tells one by one


def result_of(verdict: Verdict, root: Path, expected: bool = False) -> dict[str, Any] | None:
    """The result of a verdict; None where nothing failed, or nobody knows where.

    ``root`` is the folder that paths are told from; what was ``expected`` to fail is a note.
    """
    witness, failure = verdict.witness, verdict.failure
    if verdict.status != "fails" or witness is None or failure is None or not witness.trace.steps:
        return None
    steps = witness.trace.steps
    labels = Labels([*witness.actors, *(step.what for step in steps), failure.message, witness.story])

    def told(text: str) -> str:
        return printable(labels.told(without_addresses(text)))

    critical = [steps[number - 1] for number in witness.critical] or [steps[-1]]
    places = [_location(step, root, f"{told(step.actor)} {told(step.what)}") for step in critical]
    message = told(witness.story) or f"{failure.kind}: {told(failure.message)}"
    result: dict[str, Any] = {
        "ruleId": rule_of(witness.pattern, failure.kind),
        "level": "note" if expected else "error",
        "message": {"text": f"{message} (step by step: {witness.name})"},
        "locations": places[:1],
        "partialFingerprints": {"schedule/v1": witness.name.rpartition("-")[2].removesuffix(".json")},
        "properties": {
            "target": printable(witness.target),
            "failure": told(failure.message),
            "schedule": witness.found,
        },
    }
    related = [{**place, "id": number} for number, place in enumerate(places[1:], 1)]
    if related:
        result["relatedLocations"] = related
    if len(steps) <= _MOST_STEPS:
        result["codeFlows"] = [{"threadFlows": _flows(witness.actors, steps, root, told)}]
    return result


def _flows(actors: Sequence[str], steps: Sequence[Step], root: Path, told: Any) -> list[dict[str, Any]]:
    flows = []
    for actor in actors:
        own = [(number, step) for number, step in enumerate(steps, 1) if step.actor == actor]
        if own:
            locations = [
                {"executionOrder": number, "location": _location(step, root, told(step.what))} for number, step in own
            ]
            flows.append({"id": told(actor), "locations": locations})
    return flows


def rule_of(pattern: str, kind: str) -> str:
    """The identity of the rule that a failure breaks: its pattern, or else how it failed."""
    return re.sub(r"[^a-z]+", "-", (pattern or kind).lower()).strip("-")


def log_of(results: Iterable[dict[str, Any]]) -> dict[str, Any]:
    """The whole file: one run of one tool."""
    found = list(results)
    rules = list(dict.fromkeys(result["ruleId"] for result in found))
    for result in found:
        result["ruleIndex"] = rules.index(result["ruleId"])
    return {
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [
            {
                "tool": {
                    "driver": {
                        "name": "race-lab",
                        "version": version("race-lab"),
                        "rules": [{"id": rule, "shortDescription": {"text": _described(rule)}} for rule in rules],
                    }
                },
                "originalUriBaseIds": {
                    _ROOT: {"description": {"text": "The folder that the test runner counts from."}}
                },
                "columnKind": "unicodeCodePoints",
                "results": found,
            }
        ],
    }


def _described(rule: str) -> str:
    return f"A {rule.replace('-', ' ')} was witnessed: a schedule that fails is known."


def _location(step: Step, root: Path, text: str) -> dict[str, Any]:
    place: Place = step.place
    return {
        "physicalLocation": {
            "artifactLocation": _artifact(place.file, root),
            "region": {"startLine": max(1, place.line)},
        },
        "logicalLocations": [{"fullyQualifiedName": printable(place.function), "kind": "function"}],
        "message": {"text": text},
    }


def _artifact(file: str, root: Path) -> dict[str, str]:
    path = Path(os.path.abspath(root / file))
    if path.is_relative_to(root):
        return {"uri": quote(path.relative_to(root).as_posix().encode("utf-8", "surrogateescape")), "uriBaseId": _ROOT}
    return {"uri": path.as_uri()}
