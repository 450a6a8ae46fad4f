"""What stands below a test run: one row a variant, or what became of the replays."""

from __future__ import annotations

from collections.abc import Iterable, Sequence


def summary(rows: Iterable[tuple[str, str]]) -> list[str]:
    """``rows`` are node ids with the one-line verdicts of their items."""
    table: dict[tuple[str, str], dict[str, str]] = {}
    for node, line in rows:
        file, _, item = node.partition("::")
        variant, _, method = item.rstrip("]").partition("[")
        table.setdefault((file.removesuffix(".py").split("scenarios/", 1)[-1], variant), {})[method] = line
    names = [f"{file} {variant}" for file, variant in table]
    width = max(map(len, names), default=0)
    lines = []
    for name, methods in zip(names, table.values(), strict=True):
        label = name
        for method in ("explore", "hammer"):
            if method in methods:
                lines.append(f"{label.ljust(width)}  {method.ljust(7)}  {methods[method]}")
                label = ""
    return lines


def replays(results: Sequence[tuple[bool, str]], target: str, file: str) -> list[str]:
    """``results`` are the reports of the replays, and whether each has been shown already.

    ``target`` is what the witness in ``file`` was recorded for.
    """
    if not results:
        recorded = f"; it was recorded for {target}" if target else ""
        return [f"witness {file}: was replayed by none of these tests{recorded}"]
    texts = dict.fromkeys(text for shown, text in results if not shown)
    return "\n\n".join(texts).splitlines()


_MOST_NAMED = 5


def interleaved(copies: int, count: int, others: Sequence[str]) -> list[str]:
    """``count`` tests ran as so many ``copies`` at once, ``others`` (node ids) as ever: who asked has to know."""
    if not others and count:
        return []
    names = [*others[:_MOST_NAMED], *([f"{len(others) - _MOST_NAMED:,} more"] if len(others) > _MOST_NAMED else [])]
    told = f"{count:,} of {count + len(others):,} tests ran as {copies} copies at once"
    return [f"{told}; not: {', '.join(names)}" if names else f"{told}, so nothing was tested for races"]
