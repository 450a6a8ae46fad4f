"""Tables and pages for the terminal; plain text where there is none."""

from __future__ import annotations

import inspect
import os
import platform
import sys
from collections.abc import Iterable, Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import RenderableType
from rich.padding import Padding
from rich.syntax import Syntax
from rich.table import Table
from rich.text import Text

from lab.carriers.choice import carrier, why_no_greenlets
from lab.interpreters import found
from lab.scenario import story
from lab.switch_points import switch_points
from lab.virtual import controlled_operations, named_operations
from lab.witness import build_name

if TYPE_CHECKING:
    from lab.catalogue import Entry

_STYLES = (
    (r"(?m)^FAILS(?=  |$)", "bold red"),
    (r"(?m)^HOLDS(?=  |$)", "bold green"),
    (r"(?m)^UNKNOWN(?=  |$)", "bold yellow"),
    (r"(?m)^ {6,}(<-+( switch -+)?|-+( switch -+)?>)$", "yellow"),
    (r"(?m)^ {6}\.\.\. [\d,]+ steps? left out \.\.\.$", "dim"),
    (r"(?m)(?<=   )forbidden(?=   |$)", "red"),
    (
        r"(?m)^ {4}(outcomes|covered|found|here|hammer|replay|asserted|quiet|noisy|escaped|not saved|pinned)(?= )",
        "bold",
    ),
)
_WIDE = 110  # columns that show the whole table


def styled(report: str) -> Text:
    """The same report with colours."""
    text = Text(report)
    for pattern, style in _STYLES:
        text.highlight_regex(pattern, style)
    return text


def scenario_table(entries: Iterable[Entry], width: int) -> Table:
    """One row a scenario; what is wrong in words, and where there is room also in numbers."""
    table = Table(box=None, pad_edge=False, expand=False, padding=(0, 2, 0, 0), header_style="bold")
    table.add_column("scenario", no_wrap=True)
    if width >= _WIDE:
        table.add_column("bug", no_wrap=True)
        table.add_column("CWE", no_wrap=True)
    table.add_column("story")
    for entry in entries:
        row = [Text(entry.name, style="bold")]
        if width >= _WIDE:
            row += [Text(entry.scenario.bug_class), Text(" ".join(str(number) for number in entry.scenario.cwe))]
        title = entry.title.partition(": ")[2] or entry.title  # before it stands the name once more
        table.add_row(*row, Text(title))
    return table


def scenario_page(entry: Entry) -> Iterator[RenderableType]:
    """The story, the code and what a reviewer should look for."""
    title, text = story(entry.module)
    yield Text(title, style="bold")
    numbers = ", ".join(str(one) for one in entry.scenario.cwe)
    known = f" (CWE {numbers})" if numbers else ""
    yield Text(f"{entry.family}/{entry.path.name}   {entry.scenario.bug_class}{known}", style="dim")
    yield Text("\n" + text)
    source = inspect.getsource(entry.module)
    body = source.split('"""', 2)[2].strip("\n") if source.count('"""') >= 2 else source
    yield Text("")
    yield Syntax(body, "python", theme="ansi_dark", background_color="default", line_numbers=False)
    if entry.scenario.hint:
        yield Text("\nHint    ", style="bold").append(entry.scenario.hint, style="not bold")
    for position, line in enumerate(entry.scenario.review):
        yield Text("Review  " if not position else "        ", style="bold").append(line, style="not bold")
    for position, line in enumerate(entry.scenario.seen_in):
        yield Text("Seen in " if not position else "        ", style="bold").append(line, style="not bold")


def _operations(owners: Iterable[tuple[str, list[str]]]) -> Table:
    rows = Table(box=None, show_header=False, pad_edge=False)
    for owner, names in owners:
        rows.add_row("  " + owner, ", ".join(names))
    return rows


def doctor_page() -> Iterator[RenderableType]:
    """Versions, where threads are switched, and every operation that is controlled."""
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_row("race-lab", version("race-lab"))
    table.add_row("python", f"{platform.python_version()} ({sys.executable}), {build_name()} build")
    missing = why_no_greenlets()
    for package in ("greenlet", "bytecode", "pytest", "hypothesis"):
        try:
            table.add_row(package, version(package))
        except PackageNotFoundError:
            table.add_row(package, "missing")
    finding = (
        "sys.monitoring, in every execution"
        if hasattr(sys, "monitoring")
        else "a profile function, in sampled executions"
    )
    table.add_row("finds code by", f"hooked calls, and {finding}")
    why = missing or "two greenlets are switched many times faster than two threads"
    table.add_row("carriers", f"auto is {carrier('auto')[0]}: {why}")
    points = switch_points()
    where = points.problem or f"at {', '.join(sorted(points.polling))}, and where C code waits"
    if build_name() != "gil":
        where = f"between any two operations; a build with the lock {where}"
    table.add_row("switches threads", where)
    others = [f"{one.name} ({one.path})" for one in found(Path.cwd())]
    table.add_row("hammers beside", ", ".join(others) or "no other interpreter that has the lab is found")
    yield table
    yield Text("\ncontrolled where stepped or library code calls them:", style="bold")
    yield _operations(controlled_operations())
    if hasattr(os, "fork"):
        from lab.child.operations import controlled_operations as of_processes  # imported here as nothing else needs it

        yield Text("\ncontrolled in actors that are processes:", style="bold")
        yield _operations(of_processes())
    yield Text("\nnot controlled, but named in the verdict wherever it is called:", style="bold")
    yield _operations(named_operations())
    yield Text("\nnot controlled yet:", style="bold")
    limits = Text(
        "sockets, but for those of an event loop to itself; subprocesses; threads, pools and managers that a process "
        "of an actor starts; locks that C code takes. Code of the standard library and of installed packages runs in "
        'one piece between its locks; trace=("module",) steps inside it. Where any other C code that may leave memory '
        "is called, nothing is said to hold."
    )
    yield Padding(limits, (0, 0, 0, 2))
