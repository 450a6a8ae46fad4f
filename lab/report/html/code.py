"""Source as a page shows it: coloured by Pygments, each line by itself, what steers the reader's eye spelt out.

Characters that turn the direction of writing or cannot be seen can make code read as what it is not
(N. Boucher, R. Anderson, "Trojan Source: invisible vulnerabilities", USENIX Security 2023).  They are shown as escapes.
"""

from __future__ import annotations

import ast
import functools
import io
import os
import re
import tokenize
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from markupsafe import Markup, escape
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import get_lexer_by_name

_AROUND = 3  # lines before and after what is shown for its own sake
_LONGEST_FUNCTION = 60  # lines; of a longer one only what is around the lines in question
_LARGEST = 2 * 1024 * 1024  # bytes of a file that is shown
_LONGEST_TEXT = 300_000  # characters of a file that is coloured
_LONGEST_LINE = 2_000  # columns


@dataclass(frozen=True)
class Line:
    """One line of a file."""

    number: int
    markup: str  # HTML; safe to put into a page as it is
    after_gap: bool = False  # lines before it are left out


@dataclass(frozen=True)
class Source:
    """The lines of one file that a page shows; none, and why, where it cannot be read; neither where it is nobody's."""

    name: str
    lines: tuple[Line, ...] = ()
    missing: str = ""


def coloured(text: str, lexer: str = "python") -> list[Markup]:
    """The lines of ``text`` as HTML with Pygments' classes; ``lexer`` is a name that Pygments knows, such as "diff"."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    cut = "\n".join(line if len(line) <= _LONGEST_LINE else line[:_LONGEST_LINE] + " ..." for line in text.split("\n"))
    lines = highlight(cut, get_lexer_by_name(lexer, stripnl=False), HtmlFormatter(nowrap=True)).split("\n")
    count = text.count("\n") + (not text.endswith("\n"))
    return [Markup(visible(line)) for line in (lines + [""] * count)[:count]]


def visible(markup: str) -> str:
    """HTML in which every character that cannot be seen, or turns the direction of writing, is spelt out and marked."""
    if markup.isprintable():
        return markup
    return "".join(one if one.isprintable() or one == "\t" else _spelt(one) for one in markup)


def _spelt(character: str) -> str:
    return f'<span class="odd">{escape(character.encode("unicode_escape").decode())}</span>'


def read_source(path: str) -> str:
    """The text of a Python file, in the encoding that it declares; raises OSError.

    Bytes that do not fit the encoding are spelt out: a reader needs to see them, not to be told of them.
    """
    with open(path, "rb") as file:
        content = file.read(_LARGEST + 1)
    if len(content) > _LARGEST:
        raise OSError(f"larger than {_LARGEST >> 20} MiB")
    try:
        encoding, _ = tokenize.detect_encoding(io.BytesIO(content).readline)
    except SyntaxError:  # an encoding that is not known, or not UTF-8 without one
        encoding = "utf-8"
    return content.decode(encoding, "backslashreplace")


def excerpt(name: str, path: str, wanted: Iterable[int]) -> Source:
    """The functions of the file at ``path`` in which the ``wanted`` lines stand, or what is around them."""
    numbers = sorted(set(wanted))
    try:
        status = os.stat(path)
        lines, spans = _read(path, status.st_size, status.st_mtime_ns)
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or str(error)
        return Source(name, (), f"cannot be read ({why})")
    if not numbers or not 1 <= numbers[0] <= numbers[-1] <= len(lines):
        return Source(name, (), "has other lines than it had; it was changed since")
    return Source(name, tuple(_chosen(lines, sorted(_around(numbers, spans, len(lines))))))


@functools.lru_cache(maxsize=16)
def _read(path: str, size: int, modified: int) -> tuple[list[Markup], list[tuple[int, int]]]:
    text = read_source(path)
    return coloured(text, "python" if len(text) <= _LONGEST_TEXT else "text"), list(_functions(text))


def _functions(text: str) -> Iterator[tuple[int, int]]:
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            first = min([node.lineno, *(one.lineno for one in node.decorator_list)])
            yield first, node.end_lineno or node.lineno


def _around(numbers: list[int], spans: list[tuple[int, int]], count: int) -> set[int]:
    shown: set[int] = set()
    for number in numbers:
        around = [span for span in spans if span[0] <= number <= span[1]]
        first, last = min(around, key=lambda span: span[1] - span[0], default=(number, number))
        if last - first >= _LONGEST_FUNCTION or not around:
            first, last = number - _AROUND, number + _AROUND
        shown.update(range(max(1, first), min(count, last) + 1))
    return shown


def _chosen(lines: list[Markup], numbers: list[int]) -> Iterator[Line]:
    """The lines without the indentation that all of them have."""
    indents = [_INDENT.match(lines[number - 1]) for number in numbers]
    filled = [match for number, match in zip(numbers, indents, strict=True) if lines[number - 1].striptags()]
    margin = min((len(match[2]) if match is not None else 0 for match in filled), default=0)
    before = 0
    for number, match in zip(numbers, indents, strict=True):
        line = lines[number - 1]
        if match is not None and margin:
            line = Markup(f"{match[1]}{match[2][margin:]}{str(line)[match.end() :]}")
        yield Line(number, line, number != before + 1 and before != 0)
        before = number


_INDENT = re.compile(r"((?:<span class=\"w\">)?)( *)")
