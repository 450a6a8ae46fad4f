"""Talk with a person on a terminal, or with whatever is at the other end of a pipe: line by line."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import TextIO

from rich.console import Console
from rich.syntax import Syntax
from rich.text import Text

from lab.report.console import styled
from lab.report.lines import clip, printable
from lab.training.hiding import Line

WIDEST = 120
_NARROWEST = 60
_INDENT = 4
_LONGEST = 600  # characters of a line of code


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
        self._hanging(Text(" " * indent), Text(_clean(text), style=style))

    def _hanging(self, before: Text, text: Text) -> None:
        """What stands before the text is beside its first line, and the others are below that."""
        room = max(1, self.width - len(before))
        for line in text.wrap(self.console, room, overflow="fold") or [Text()]:
            line.rstrip()
            shown = before + line
            shown.rstrip()
            self.console.print(shown, soft_wrap=True)
            before = Text(" " * len(before))

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
        text = colours.highlight("\n".join(clip(_clean(line), _LONGEST) for _, line in lines))
        size = len(str(lines[-1][0])) if lines else 0
        previous = None
        for (number, _), line in zip(lines, text.split("\n", allow_blank=True), strict=False):
            if previous is not None and number > previous + 1:
                self.console.print()
            self._hanging(Text(f"{'':{_INDENT}}{number:>{size}}  ", style="dim"), line)
            previous = number

    def diff(self, lines: list[str]) -> None:
        """With a sign in front of what goes and what comes."""
        for line in lines:
            style = {"+": "green", "-": "red"}.get(line[:1], "")
            sign = Text(" " * _INDENT + line[:1], style=style)
            self._hanging(sign, Text(clip(_clean(line[1:]), _LONGEST), style=style))

    def report(self, text: str) -> None:
        """Columns as they are."""
        self.console.print(styled(_clean(text)), soft_wrap=True)

    def menu(self, choices: Sequence[tuple[str, str]]) -> None:
        """Numbered; what each means beside it."""
        size = max(len(name) for name, _ in choices)
        for number, (name, meaning) in enumerate(choices, 1):
            before = Text(" " * _INDENT).append(f"{number}", style="bold").append(f"  {_clean(name):<{size}}  ")
            self._hanging(before, Text(_clean(meaning), style="dim"))

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
    def waiting(self, what: str) -> Iterator[Callable[[str], None]]:
        """While something takes its time; the function that is given says what it is at."""
        if not self.is_interactive:
            yield lambda told: None
            return
        with self.console.status(Text(what)) as status:
            yield lambda told: status.update(Text(told))


def _clean(text: str) -> str:
    """Nothing that moves the cursor or turns the direction of the text."""
    return "\n".join(printable(line.expandtabs(4)) for line in text.split("\n"))
