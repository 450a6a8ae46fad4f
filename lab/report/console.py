"""Tables and pages for the terminal; plain text where there is none."""

from __future__ import annotations

import inspect
import platform
import sys
from collections.abc import Iterable, Iterator
from importlib.metadata import version
from typing import TYPE_CHECKING

from rich import box
from rich.console import RenderableType
from rich.syntax import Syntax
from rich.table import Table
from rich.text import Text

from lab.scenario import story
from lab.virtual import controlled_operations
from lab.witness import build_name

if TYPE_CHECKING:
    from lab.catalogue import Entry

_STYLES = (
    (r"^FAILS\b", "bold red"),
    (r"^HOLDS\b", "bold green"),
    (r"^UNKNOWN\b", "bold yellow"),
    (r"-+ switch -+>?|<-+ switch -+", "yellow"),
    (r"\bforbidden$", "red"),
    (r"\S+\.py:\d+$", "dim"),
    (r"^ {4}(outcomes|found|here|hammer|replay|quiet|noisy|escaped) +", "bold"),
)


def styled(report: str) -> Text:
    """A plain report with colours."""
    text = Text()
    for position, line in enumerate(report.splitlines()):
        row = Text(("\n" if position else "") + line)
        for pattern, style in _STYLES:
            row.highlight_regex(pattern if not position else pattern.replace("^", r"(?<=\n)"), style)
        text.append_text(row)
    return text


def scenario_table(entries: Iterable[Entry], width: int) -> Table:
    """One row a scenario."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, expand=False)
    for column in ("scenario", "bug", "CWE", "variants", "story"):
        table.add_column(column, overflow="fold", no_wrap=column in ("scenario", "CWE"))
    for entry in entries:
        names = [variant.name for variant in entry.scenario.every_variant()]
        table.add_row(
            Text(entry.name, style="bold"),
            entry.scenario.bug_class,
            " ".join(str(number) for number in entry.scenario.cwe),
            " ".join(names),
            entry.title,
        )
    return table


def scenario_page(entry: Entry) -> Iterator[RenderableType]:
    """The story, the code and what a reviewer should look for."""
    title, text = story(entry.module)
    yield Text(title, style="bold")
    yield Text(
        f"{entry.family}/{entry.path.name}   CWE " + ", ".join(str(one) for one in entry.scenario.cwe), style="dim"
    )
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


def doctor_page() -> Iterator[RenderableType]:
    """Versions, and every operation that is controlled."""
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_row("race-lab", version("race-lab"))
    table.add_row("python", f"{platform.python_version()} ({sys.executable}), {build_name()} build")
    for package in ("greenlet", "bytecode", "pytest", "hypothesis"):
        table.add_row(package, version(package))
    finding = (
        "sys.monitoring, in every execution"
        if hasattr(sys, "monitoring")
        else "a profile function, in sampled executions"
    )
    table.add_row("finds code by", f"hooked calls, and {finding}")
    table.add_row("carriers", "greenlet")
    yield table
    yield Text("\ncontrolled where stepped or library code calls them:", style="bold")
    rows = Table(box=None, show_header=False, pad_edge=False)
    for owner, names in controlled_operations():
        rows.add_row("  " + owner, ", ".join(names))
    yield rows
    yield Text("\nnot controlled yet:", style="bold")
    yield Text(
        "  processes, asyncio, files and databases; locks that C code takes; contents of threading.local that\n"
        "  library code keeps; datetime.now, os.urandom, uuid. Code of the standard library and of installed\n"
        '  packages runs in one piece between its locks; trace=("module",) steps inside it.'
    )
