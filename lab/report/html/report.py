"""The report of a verdict as a page, and what it is made of.

A record holds all that the page shows as plain values (dicts, lists, texts, numbers), so that it can be made where
a test ran, in a worker of a test run, and be put into pages where that run ends.
"""

from __future__ import annotations

import json
import platform
from dataclasses import asdict
from pathlib import Path
from typing import Any

from lab.report.html.pages import page
from lab.report.html.player import player_of
from lab.report.labels import Labels
from lab.report.lines import one_line, printable, without_addresses
from lab.report.text import facts, outcome_rows
from lab.verdict import Verdict
from lab.witness import Witness, build_name

Record = dict[str, Any]


def record_of(verdict: Verdict, recorded: Witness | None = None, root: Path | None = None) -> Record:
    """All that a page shows of ``verdict``.

    Of a replay that does not fail again it shows the witness as it was ``recorded``, with the source of those files
    below ``root`` that have not changed since.
    """
    failure = verdict.failure
    fails = verdict.status == "fails"
    shown = verdict.witness if fails else recorded
    whats = [step.what for step in shown.trace.steps] if shown is not None else []
    message = without_addresses(failure.message) if failure is not None else ""
    detail = failure.detail if failure is not None and fails else ()
    labels = Labels([*(shown.actors if shown is not None else ()), *whats, message, *detail])

    def told(text: str) -> str:
        return printable(labels.told(text))

    headline = told(message or verdict.reason)
    if failure is not None and failure.kind != "outcome" and fails:
        headline = f"{failure.kind}: {headline}"
    player = None
    if shown is not None:
        player = player_of(shown, verdict.passing) if fails else player_of(shown, within=root or Path.cwd())
    record = {
        "title": printable(verdict.title or (shown.target if shown is not None else "")),
        "method": verdict.method,
        "status": verdict.status,
        "headline": headline,
        "line": one_line(verdict),
        "kind": failure.kind if failure is not None else "",
        "story": told(shown.story) if shown is not None and fails else "",
        "detail": [told(line) for line in detail],
        "outcomes": [list(row) for row in outcome_rows(verdict)],
        "facts": [[label, told(text)] for label, text in facts(verdict) if label != "replay" or text != verdict.replay],
        "replay": printable(verdict.replay),
        "schedules": verdict.schedules,
        "python": shown.python if shown is not None else platform.python_version(),
        "build": shown.build if shown is not None else build_name(),
        "seed": shown.seed if shown is not None else None,
        "strategy": shown.strategy if shown is not None else "",
        "carrier": shown.carrier if shown is not None else "",
        "player": asdict(player) if player is not None else None,
    }
    plain: Record = json.loads(json.dumps(record))
    return plain


def report_page(record: Record, hammer: Record | None = None, home: str = "") -> str:
    """The page of a record, with what the hammer came to; ``home`` is a link to the list of pages, if there is one."""
    return page("report.html", scripts=["player.js"], report=record, hammer=hammer, home=home)
