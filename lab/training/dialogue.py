"""Talk with a person on a terminal, or with whatever is at the other end of a pipe: line by line."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import TextIO

from rich.console import Console
from rich.padding import Padding
from rich.syntax import Syntax
from rich.table import Table
from rich.text import Text

from lab.report.console import styled
from lab.report.lines import printable
from lab.training.hiding import Line

WIDEST = 120
_NARROWEST = 60
_INDENT = 4


class Ended(Exception):
    """There is nobody left to answer."""


class Dialogue:
    """Prints paragraphs, code and reports, and reads answers."""

    def __init__(self, console: Console | None = None, answers: TextIO | None = None) -> None:
        self.console = console or Console(highlight=False)
        self._answers = answers or sys.stdin
        if self.is_interactive:
            with suppress(ImportError):
                import readline  # noqa: F401  so that answers can be edited

    @property
    def is_interactive(self) -> bool:
        """Whether a person sits there."""
        return self._answers.isatty() and self.console.is_terminal

    @property
    def width(self) -> int:
        """Columns that may be filled."""
        return max(_NARROWEST, min(self.console.width, WIDEST))

    def say(self, text: str = "", style: str = "", indent: int = 0) -> None:
        """A paragraph, wrapped."""
        shown = Text(_clean(text), style=style)
        self.console.print(Padding(shown, (0, 0, 0, indent), expand=False) if indent else shown, width=self.width)

    def heading(self, left: str, right: str) -> None:
        """What comes now."""
        self.console.print()
        line = Text(_clean(left), style="bold")
        gap = self.width - len(left) - len(right)
        if gap >= 2:
            line.append(" " * gap + _clean(right), style="dim")
            self.console.print(line, soft_wrap=True)
        else:
            self.console.print(line, soft_wrap=True)
            self.say(right, style="dim")
        self.console.print(Text("-" * self.width, style="dim"), soft_wrap=True)

    def code(self, lines: list[Line]) -> None:
        """With the numbers that the lines have in their file."""
        colours = Syntax("", "python", theme="ansi_dark", background_color="default")
        text = colours.highlight("\n".join(_clean(line) for _, line in lines))
        table = Table.grid(padding=(0, 2))
        table.add_column(justify="right", style="dim", no_wrap=True)
        table.add_column(overflow="fold")
        before = None
        for (number, _), line in zip(lines, text.split("\n", allow_blank=True), strict=False):
            if before is not None and number > before + 1:
                table.add_row("", "")
            table.add_row(str(number), line)
            before = number
        self.console.print(Padding(table, (0, 0, 0, _INDENT), expand=False), width=self.width)

    def diff(self, lines: list[str]) -> None:
        """With a sign in front of what goes and what comes."""
        for line in lines:
            style = {"+": "green", "-": "red"}.get(line[:1], "")
            self.console.print(
                Padding(Text(_clean(line), style=style), (0, 0, 0, _INDENT), expand=False), width=self.width
            )

    def report(self, text: str) -> None:
        """Columns as they are."""
        self.console.print(styled(_clean(text)), soft_wrap=True)

    def menu(self, choices: Iterable[tuple[str, str]]) -> None:
        """Numbered; what each means beside it."""
        table = Table.grid(padding=(0, 2))
        table.add_column(justify="right", style="bold", no_wrap=True)
        table.add_column(no_wrap=True)
        table.add_column(style="dim")
        for number, (name, meaning) in enumerate(choices, 1):
            table.add_row(str(number), name, meaning)
        self.console.print(Padding(table, (0, 0, 0, _INDENT), expand=False), width=self.width)

    def ask(self, prompt: str) -> str:
        """One line of an answer; raises Ended where there is none."""
        shown = f"{prompt}> "
        if self.is_interactive:
            try:
                return input(shown)
            except EOFError:
                self.console.print()
                raise Ended from None
        self.console.print(shown, end="", markup=False)
        try:
            line = self._answers.readline()
        except UnicodeDecodeError:
            line = "?\n"
        if not line:
            self.console.print()
            raise Ended
        line = line.rstrip("\r\n")
        self.console.print(Text(_clean(line)), soft_wrap=True)  # as a terminal shows what is typed
        return line

    @contextmanager
    def waiting(self, what: str) -> Iterator[None]:
        """While something takes its time."""
        if not self.is_interactive:
            yield
            return
        with self.console.status(Text(what)):
            yield


def _clean(text: str) -> str:
    """Nothing that moves the cursor or turns the direction of the text."""
    return "\n".join(printable(line.expandtabs(4)) for line in text.split("\n"))
