"""Code without its story: what one variant needs, its comments, docstrings and telling names left out.

Lines keep their numbers, so that they can be pointed at.
"""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

Line = tuple[int, str]
"""Its number in the file, from 1, and its text."""

_TELLING = re.compile(r"_?still_?unsafe|_?unsafe|_?fixed", re.IGNORECASE)
_DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)


@dataclass(frozen=True)
class _Part:
    """A statement of the module: the names it makes, those it uses, and where it stands."""

    node: ast.stmt
    makes: frozenset[str]
    uses: frozenset[str]
    first: int
    last: int


def needed(source: str, roots: Iterable[str], hide: bool = True, own: str = "") -> list[Line]:
    """The lines of a module that its names ``roots`` need, without comments and docstrings.

    With ``hide`` names that tell which variant it is are made plain; ``own`` is the name that is sure to get the plain
    one.  Raises SyntaxError where ``source`` is no Python.
    """
    tree = ast.parse(source)
    parts = list(_parts(tree))
    kept = _reached(parts, set(roots))
    numbers = {line for part in kept for line in range(part.first, part.last + 1)}
    text = source.split("\n")  # as the tokenizer counts, and not at every character that splits lines
    for node in [tree, *(inner for part in kept for inner in ast.walk(part.node))]:
        _without_docstring(node, text, numbers)
    names = _plain_names(kept, parts, own) if hide else {}
    text, emptied = _without_comments(source, text, names)
    return list(_trimmed([(number, text[number - 1]) for number in sorted(numbers - emptied)]))


def names_in(source: str) -> set[str]:
    """What a module makes at its top; raises SyntaxError where it is no Python."""
    return {name for part in _parts(ast.parse(source)) for name in part.makes}


def spaced(lines: list[Line]) -> list[str]:
    """The texts, with room where other lines stood between them."""
    texts: list[str] = []
    before = 0
    for number, text in lines:
        texts += ["", ""] * bool(before and number > before + 1)
        texts.append(text)
        before = number
    return texts


def _parts(tree: ast.Module) -> Iterator[_Part]:
    for node in tree.body:
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            continue
        first = min([node.lineno, *(one.lineno for one in getattr(node, "decorator_list", []))])
        uses = {one.id for one in ast.walk(node) if isinstance(one, ast.Name)}
        yield _Part(node, frozenset(_made(node)), frozenset(uses), first, node.end_lineno or node.lineno)


def _made(node: ast.stmt) -> Iterator[str]:
    if isinstance(node, _DEFINITIONS):
        yield node.name
        return
    for one in ast.walk(node):
        if isinstance(one, ast.Import | ast.ImportFrom):
            yield from ((alias.asname or alias.name).partition(".")[0] for alias in one.names)
        elif isinstance(one, ast.Name) and isinstance(one.ctx, ast.Store):
            yield one.id
        elif isinstance(one, _DEFINITIONS):
            yield one.name


def _reached(parts: list[_Part], names: set[str]) -> list[_Part]:
    """The parts that make one of the names, those that these use, and so on; and what changes only such."""
    known = {name for part in parts for name in part.makes}
    kept: list[_Part] = []
    while True:
        more = [part for part in parts if part not in kept and (part.makes & names or _changes(part, names, known))]
        if not more:
            return sorted(kept, key=lambda part: part.first)
        kept += more
        names = names.union(*(part.uses for part in more))


def _changes(part: _Part, names: set[str], known: set[str]) -> bool:
    used = part.uses & known
    return not part.makes and bool(used) and used <= names


def _without_docstring(node: ast.AST, text: list[str], numbers: set[int]) -> None:
    """Leave the docstring's lines out; `pass` stays where there is nothing else."""
    if not isinstance(node, (*_DEFINITIONS, ast.Module)) or ast.get_docstring(node, clean=False) is None:
        return
    told = node.body[0]
    lines = range(told.lineno, (told.end_lineno or told.lineno) + 1)
    shared = [one for one in ast.walk(node) if isinstance(one, ast.stmt) and one is not told and one.lineno in lines]
    if shared or (isinstance(node, _DEFINITIONS) and node.lineno in lines):  # `def f(): "..."` on one line
        return
    if len(node.body) == 1:
        text[told.lineno - 1] = " " * told.col_offset + "pass"
        lines = lines[1:]
    numbers.difference_update(lines)


def _plain_names(kept: list[_Part], parts: list[_Part], own: str) -> dict[str, str]:
    """Name -> the one to be shown, for the definitions whose name tells too much."""
    used = {name for part in parts for name in part.makes | part.uses}
    telling = [name for part in kept for name in sorted(part.makes) if _TELLING.search(name) and _is_local(part)]
    names: dict[str, str] = {}
    for name in sorted(telling, key=lambda name: name != own):
        plain = _TELLING.sub("", name)
        plain = plain if plain.isidentifier() else f"it{plain}"
        if name[0].isupper():
            plain = plain[0].upper() + plain[1:]
        while plain in used or plain in names.values():
            plain = f"Basic{plain}" if plain[0].isupper() else f"basic_{plain}"
        names[name] = plain
    return names


def _is_local(part: _Part) -> bool:
    return not isinstance(part.node, ast.Import | ast.ImportFrom)


def _without_comments(source: str, text: list[str], names: dict[str, str]) -> tuple[list[str], set[int]]:
    """The lines without comments and with other names, and the numbers of those that had nothing but a comment."""
    changes: list[tuple[int, int, int, str]] = []
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            changes.append((token.start[0], token.start[1], token.end[1], ""))
        elif token.type == tokenize.NAME and token.string in names:
            changes.append((token.start[0], token.start[1], token.end[1], names[token.string]))
    text, emptied = list(text), set()
    original = source.split("\n")
    for number, start, end, instead in sorted(changes, reverse=True):  # so that columns to the left stay true
        line = text[number - 1]
        text[number - 1] = line[:start] + instead + line[end:]
    for number, start, _, instead in changes:
        if not instead:
            text[number - 1] = text[number - 1].rstrip()
            if not original[number - 1][:start].strip():
                emptied.add(number)
    return text, emptied


def _trimmed(lines: list[Line]) -> Iterator[Line]:
    """Without blank lines at the beginning, at the end, one after another and where a docstring was."""
    blank: Line | None = None
    before = ":"
    for line in lines:
        if not line[1].strip():
            blank = line
            continue
        if blank is not None and not before.endswith(":"):
            yield blank
        blank, before = None, line[1].rstrip()
        yield line
