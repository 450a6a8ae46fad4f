"""The folder of reports of a test run: pages, a list of them, SARIF, and a trace of each witness.

What a test came to is made into plain values where it ran, which may be a worker of pytest-xdist, and written
where the run ends, each file once.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from lab.errors import LabError
from lab.replacing import replace_text
from lab.report.html.pages import page
from lab.report.html.report import Record, record_of, report_page
from lab.report.perfetto import trace_of
from lab.report.sarif import log_of, result_of
from lab.verdict import Verdict
from lab.witness import Witness

SARIF = "lab.sarif"
INDEX = "index.html"


def records_of(verdicts: Iterable[Verdict], root: Path, passed: bool, recorded: Witness | None = None) -> list[Record]:
    """One record for each verdict of a test that ``passed`` or did not; ``recorded`` is what it was to replay.

    Paths are told from ``root``.
    """
    records = []
    for verdict in verdicts:
        record = record_of(verdict, recorded=recorded if verdict.method == "replay" else None, root=root)
        record["sarif"] = result_of(verdict, root, expected=passed)
        fails = verdict.status == "fails" and verdict.witness is not None
        record["trace"] = trace_of(verdict.witness) if fails and verdict.witness is not None else None
        records.append(record)
    return records


def properties_of(verdicts: Iterable[Verdict]) -> list[tuple[str, str]]:
    """What JUnit reports and the like tell of a test, in pairs of name and value."""
    found: list[tuple[str, str]] = []
    for verdict in verdicts:
        witness = verdict.witness
        prefix = "lab.hammer." if verdict.method == "hammer" else "lab."
        found.append((f"{prefix}verdict", verdict.status))
        found.append((f"{prefix}{'rounds' if verdict.method == 'hammer' else 'schedules'}", str(verdict.schedules)))
        if verdict.method == "hammer":
            found.append((f"{prefix}rate", f"{verdict.rate:.6g}"))
        if verdict.status == "fails" and verdict.failure is not None:
            found.append((f"{prefix}failure", verdict.failure.kind))
        if witness is not None and verdict.status == "fails":
            found.append((f"{prefix}switches", str(witness.trace.switches)))
            told = {"pattern": witness.pattern, "replay": verdict.replay}
            found += [(f"{prefix}{name}", text) for name, text in told.items() if text]
    return found


@dataclass
class Item:
    """What one test came to."""

    node: str
    passed: bool
    records: Sequence[Record]


@dataclass
class _Row:
    """A line of the list: what was run, how it was explored, and what the hammer came to."""

    node: str
    passed: bool = True
    records: list[Record] = field(default_factory=list)
    hammer: Record | None = None
    files: list[str] = field(default_factory=list)  # one for each record with a page


def write(folder: Path, items: Iterable[Item]) -> None:
    """Write all of it; raises OSError where a file cannot be written."""
    rows = _rows(items)
    names = _Names()
    results = []
    pages: list[tuple[str, Record, Record | None]] = []
    for row in rows:
        for record in row.records:
            name = names.of(row.node) if record["player"] else ""
            row.files.append(name)
            if name:
                pages.append((name, record, row.hammer))
                if record["trace"]:
                    replace_text(folder / f"{name}.trace.json", json.dumps(record["trace"]))
            if record["sarif"]:
                results.append(record["sarif"])
    for name, record, hammer in pages:
        replace_text(folder / f"{name}.html", report_page(record, hammer, home=INDEX if len(pages) > 1 else ""))
    replace_text(folder / SARIF, json.dumps(log_of(results), indent=1) + "\n")
    replace_text(folder / INDEX, page("reports.html", rows=rows, sarif=SARIF))


def _rows(items: Iterable[Item]) -> list[_Row]:
    """The items, a scenario's variant with what the hammer made of it as one; failed ones first."""
    rows: dict[str, _Row] = {}
    for item in items:
        if not item.records:
            continue
        hammered = item.records[0]["method"] == "hammer" and item.node.endswith("[hammer]")
        explored = item.records[0]["method"] != "hammer" and item.node.endswith("[explore]")
        node = item.node.rpartition("[")[0] if hammered or explored else item.node
        row = rows.setdefault(node, _Row(node))
        row.passed = row.passed and item.passed
        if hammered:
            row.hammer = item.records[-1]
        else:
            row.records += item.records
    return sorted(rows.values(), key=lambda row: (row.passed, row.node))


class _Names:
    """File names from node ids, none twice."""

    def __init__(self) -> None:
        self._taken: set[str] = set()

    def of(self, node: str) -> str:
        """The name for another page of ``node``, without its ending."""
        file, _, item = node.partition("::")
        path = Path(file)
        words = f"{path.parent.name}-{path.stem}-{item}"
        base = re.sub(r"[^A-Za-z0-9_.]+", "-", words).strip("-.")[:100] or "report"
        name = base
        number = 1
        while name.lower() in self._taken:
            number += 1
            name = f"{base}-{number}"
        self._taken.add(name.lower())
        return name


def save_page(verdict: Verdict, recorded: Witness, root: Path, file: Path) -> str:
    """Write the page of what became of a replay; what to tell the person.  Raises LabError in one line."""
    try:
        replace_text(file, report_page(record_of(verdict, recorded=recorded, root=root)))
    except OSError as error:
        raise LabError(f"{file}: cannot be written ({error.strerror}); give another place with --output") from None
    return f"wrote {file}"


def write_page(file: Path, items: Iterable[Item]) -> bool:
    """Write the first page of a run that only replays; false if there is none.  Raises OSError."""
    for record in (record for item in items for record in item.records if record["player"]):
        replace_text(file, report_page(record))
        return True
    return False
