"""The table below a test run: one row a variant, what exploring and what hammering came to."""

from __future__ import annotations

from collections.abc import Iterable


def summary(rows: Iterable[tuple[str, str]]) -> list[str]:
    """``rows`` are node ids with the one-line verdicts of their items."""
    table: dict[tuple[str, str], dict[str, str]] = {}
    for node, line in rows:
        file, _, item = node.partition("::")
        variant, _, method = item.rstrip("]").partition("[")
        table.setdefault((file.removesuffix(".py").split("scenarios/", 1)[-1], variant), {})[method] = line
    if not table:
        return []
    names = [f"{file} {variant}" for file, variant in table]
    width = max(len(name) for name in names)
    lines = []
    for name, methods in zip(names, table.values(), strict=True):
        label = name
        for method in ("explore", "hammer"):
            if method in methods:
                lines.append(f"{label.ljust(width)}  {method.ljust(7)}  {methods[method]}")
                label = ""
    return lines
